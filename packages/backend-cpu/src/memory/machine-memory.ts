// The memory that programs work on, as the calling thread sees it: its own, or that of a worker.
import type { Heap } from "./heap.js";

const PAGE = 65536;

/** Where a kernel reports an index out of range. */
export const ERROR_WORD = 64;

/** Where the workers of a run meet (assembly/program.ts): two cache lines in common, then one for each worker. */
export const CONTROL_WORDS = 128;

export const MOST_WORKERS = 256;

/** Address 0 stays free, and the first words are where workers meet and report. */
export const RESERVED = 2 ** 15;

/** Limits that modules which import the memory must name. */
export interface MemoryLimits {
  readonly pages: number;
  readonly maximum: number;
  readonly shared: boolean;
}

export interface MachineMemory {
  readonly heap: Heap;
  readonly limits: MemoryLimits;
  /** Bytes that the memory has grown to. It never shrinks. */
  readonly size: number;
  /** Copies bytes to an address, before everything that is asked for later. */
  write(address: number, bytes: Uint8Array): void;
  /** A copy of the bytes at an address, after everything that was asked for before. */
  read(address: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** A copy without waiting, where the calling thread sees the memory. */
  peek?(address: number, length: number): Uint8Array<ArrayBuffer>;
}

export function memoryLimits({ maximum, shared }: { maximum: number; shared: boolean }): MemoryLimits {
  return { pages: 1, maximum: Math.min(65536, Math.max(1, Math.floor(maximum / PAGE))), shared };
}

/** The memory itself, for the thread that holds it. */
export function createMemory({ pages, maximum, shared }: MemoryLimits): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: pages, maximum, shared });
}

/** Pages that a memory of `pages` lacks for pieces that end at `end`; a vector load may reach past the last one. */
export function missingPages(end: number, pages: number): number {
  return Math.max(0, Math.ceil((end + 256) / PAGE) - pages);
}

/** Makes the words at which workers meet ready for a new crew. */
export function clearControlWords(memory: WebAssembly.Memory): void {
  new Int32Array(memory.buffer, CONTROL_WORDS, 16 * (2 + MOST_WORKERS)).fill(0);
}

/** Takes away what the last run reported. */
export function clearReport(memory: WebAssembly.Memory): void {
  new Int32Array(memory.buffer, ERROR_WORD, 1).fill(0);
}

/** The code of the first index that was out of range in the last run; 0 if there was none. */
export function reportedError(memory: WebAssembly.Memory): number {
  return new Int32Array(memory.buffer, ERROR_WORD, 1)[0]!;
}
