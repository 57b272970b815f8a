// What this backend tells beyond the contract of all backends.
import type { Backend, MemoryInfo } from "@convoke/core";

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

/** What `memory()` of this backend says. */
export interface WebGpuMemory extends MemoryInfo {
  /** Shaders that were compiled so far; programs share equal ones. */
  readonly pipelines: number;
}

/** The backend, and what its device is. */
export interface WebGpuBackend extends Backend {
  readonly name: "webgpu";
  readonly info: DeviceInfo;
  /** What live tensors take on the device. */
  memory(): WebGpuMemory;
}
