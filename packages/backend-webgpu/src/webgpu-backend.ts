// What this backend tells beyond the contract of all backends.
import type { Backend } from "@convoke/core";
import type { Profile } from "./profile/profile.js";

/** What the device is and can. */
export interface DeviceInfo {
  /** The adapter in words: vendor, architecture, and the driver's description where it gives one. */
  readonly adapter: string;
  readonly features: readonly string[];
  /** Bytes of the largest tensor. */
  readonly maxTensorBytes: number;
  readonly workgroupMemoryBytes: number;
  /** Workgroups that a dispatch has at most along each axis. */
  readonly mostWorkgroups: number;
  readonly storageBuffers: number;
  /** Whether the processor plays the GPU. */
  readonly isSoftware: boolean;
}

/** What the device was asked to do so far. */
export interface DeviceCounters {
  /** Shaders that were compiled; programs share equal ones. */
  readonly pipelines: number;
  /** Command buffers that were submitted: one for each run of a program, and one for each value that is read unforeseen. */
  readonly submissions: number;
  /** Shaders that were started. */
  readonly dispatches: number;
  /** Bytes of all buffers on the device now: live tensors, constants of programs, and free buffers that are kept. */
  readonly deviceBytes: number;
}

/** The backend, and what its device is. */
export interface WebGpuBackend extends Backend {
  readonly name: "webgpu";
  /** Of the device that is open now: `recover()` may find another one. */
  readonly info: DeviceInfo;
  counters(): DeviceCounters;
  /**
   * Copies every value that lives on the device to the host, in place of the copies before: what `recover()` puts back.
   * For loops of one's own; `fit` keeps what it needs by itself.
   */
  snapshot(): Promise<void>;
  /**
   * Opens a new device after the old one was lost; does nothing where none was. Programs stay usable, and what came from
   * host data (the weights of a net that only infers, for instance) is there again when it is next used. Variables and
   * other tensors have their values of the last `snapshot()`; those that were made after it are lost, and their use says so.
   *
   * @throws BackendUnavailableError where there is no device to be had; it may be called again later.
   * @example
   * ```ts no-run: a device is seldom lost
   * import { webgpu } from "@convoke/backend-webgpu";
   * import { compile, DeviceLostError, tensor, useBackend, Variable } from "@convoke/core";
   *
   * const backend = await webgpu();
   * await useBackend(backend);
   * const total = new Variable(tensor(0));
   * const add = compile((x) => total.assign(total.value.add(x)));
   * let kept = 0;
   * for (let i = 0; i < 10_000; i++) {
   *   try {
   *     await add(tensor(i));
   *     if (i % 100 === 99) {
   *       await backend.snapshot();
   *       kept = i + 1;
   *     }
   *   } catch (error) {
   *     if (!(error instanceof DeviceLostError)) throw error;
   *     await backend.recover();
   *     i = kept - 1; // goes on where the snapshot was taken
   *   }
   * }
   * ```
   */
  recover(): Promise<void>;
  /** Waits until the device has done all that it was told. */
  settled(): Promise<void>;
  /** The times of kernels since this was last called; undefined without `webgpu({ profile: true })`. */
  takeProfile(): Profile | undefined;
  /** The limit of the device for float32, in GFLOP/s: multiply-adds that wait for nothing, each two operations. */
  measurePeak(): Promise<number>;
  /** The limit of the device's memory, in GB/s: reading and writing a large array. */
  measureBandwidth(): Promise<number>;
}
