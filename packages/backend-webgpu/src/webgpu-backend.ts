// What this backend tells beyond the contract of all backends.
import type { Backend } from "@convoke/core";
import type { Profile } from "./profile/profile.js";
import type { Tuning } from "./tuning/tuning.js";

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
  /** The tuning in use: what `webgpu({ tuning })` was given, where that is for this adapter, or what `tune()` gave. */
  readonly tuning: Tuning | undefined;
  /**
   * Measures, in about two seconds on an idle device, which kernels are fastest for products of several sizes: matrix
   * products, `linear`, and convolutions where these are products. Each kernel is first checked against the host; one
   * that computes wrong is never taken, and `rejected` names it. Programs that are compiled from now on take the fastest;
   * programs that are there keep theirs. An adapter is measured once in a process.
   *
   * Without tuning a rule chooses, the same on every adapter. Kernels differ in how they cut long sums into parts, so that
   * with another tuning results may differ in the last bits; for the same bits in another process, hand over the same one.
   *
   * @example
   * ```ts
   * import { webgpu, type Tuning } from "@convoke/backend-webgpu";
   * import { BackendUnavailableError } from "@convoke/core";
   *
   * const storage = new Map<string, string>(); // in a page: localStorage
   * try {
   *   const kept = storage.get("tuning");
   *   const backend = await webgpu(kept === undefined ? {} : { tuning: JSON.parse(kept) as Tuning });
   *   // One that was kept from another adapter, or by another version, is not used.
   *   if (backend.tuning === undefined) storage.set("tuning", JSON.stringify(await backend.tune()));
   *   console.log(backend.tuning?.rejected); // kernels that compute wrong on this adapter, if any do
   *   await backend.dispose();
   * } catch (error) {
   *   if (!(error instanceof BackendUnavailableError)) throw error;
   * }
   * ```
   */
  tune(): Promise<Tuning>;
  /** Waits until the device has done all that it was told. */
  settled(): Promise<void>;
  /** The times of kernels since this was last called; undefined without `webgpu({ profile: true })`. */
  takeProfile(): Profile | undefined;
  /** The limit of the device for float32, in GFLOP/s: multiply-adds that wait for nothing, each two operations. */
  measurePeak(): Promise<number>;
  /** The limit of the device's memory, in GB/s: reading and writing a large array. */
  measureBandwidth(): Promise<number>;
}
