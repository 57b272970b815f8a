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
  readonly storageBuffers: number;
  /** Whether the processor plays the GPU. */
  readonly isSoftware: boolean;
}

/** What the device was asked to do so far. */
export interface DeviceCounters {
  /** Shaders that were compiled; programs share equal ones. */
  readonly pipelines: number;
  /** Command buffers that were submitted: one for each run of a program and one for each value that is read. */
  readonly submissions: number;
  /** Shaders that were started. */
  readonly dispatches: number;
  /** Bytes of all buffers on the device now: live tensors, constants of programs, and free buffers that are kept. */
  readonly deviceBytes: number;
}

/** The backend, and what its device is. */
export interface WebGpuBackend extends Backend {
  readonly name: "webgpu";
  readonly info: DeviceInfo;
  counters(): DeviceCounters;
  /** Waits until the device has done all that it was told. */
  settled(): Promise<void>;
  /** The times of kernels since this was last called; undefined without `webgpu({ profile: true })`. */
  takeProfile(): Profile | undefined;
  /** The limit of the device for float32, in GFLOP/s: multiply-adds that wait for nothing, each two operations. */
  measurePeak(): Promise<number>;
  /** The limit of the device's memory, in GB/s: reading and writing a large array. */
  measureBandwidth(): Promise<number>;
}
