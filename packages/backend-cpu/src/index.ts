/**
 * The CPU backend of Convoke: WebAssembly SIMD and threads, no native code.
 *
 * @packageDocumentation
 */
export { cpu, type CpuOptions } from "./create.js";
export type { CpuBackend, CpuMemory } from "./cpu.js";
