/**
 * The WebGPU backend of Convoke: trains and runs on the GPU, in browsers and in Node.
 *
 * @packageDocumentation
 */
export { webgpu, type WebGpuOptions } from "./create.js";
export { profileTable, type KernelTime, type Profile } from "./profile/profile.js";
export type { Tuning } from "./tuning/tuning.js";
export type { DeviceCounters, DeviceInfo, WebGpuBackend } from "./webgpu-backend.js";
