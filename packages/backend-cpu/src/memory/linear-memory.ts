// The one memory of a backend: grows on demand up to its limit, and is read and written from the calling thread.
import { Heap } from "./heap.js";

const PAGE = 65536;

/** Where a kernel reports an index out of range. */
export const ERROR_WORD = 256;

/** Where the workers of a run meet. */
export const CONTROL_WORDS = 64;

/** Address 0 stays free, and the first words are where workers meet and report. */
const RESERVED = 4096;

export interface LinearMemoryOptions {
  /** Bytes; the memory never grows beyond. */
  readonly maximum: number;
  readonly shared: boolean;
}

export class LinearMemory {
  readonly memory: WebAssembly.Memory;
  readonly heap: Heap;
  /** Limits that modules which import the memory must name. */
  readonly limits: { readonly pages: number; readonly maximum: number; readonly shared: boolean };

  constructor({ maximum, shared }: LinearMemoryOptions) {
    const pages = Math.min(65536, Math.max(1, Math.floor(maximum / PAGE)));
    this.limits = { pages: 1, maximum: pages, shared };
    this.memory = new WebAssembly.Memory({ initial: 1, maximum: pages, shared });
    this.heap = new Heap({ start: RESERVED, grow: (end) => this.#grow(end) });
  }

  /** The bytes from `address` on; a view that is good until the memory grows. */
  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, length);
  }

  words(address: number, count: number): Int32Array {
    return new Int32Array(this.memory.buffer, address, count);
  }

  #grow(end: number): boolean {
    // A vector load may reach past the end of the last piece.
    const missing = Math.ceil((end + 256) / PAGE) - this.memory.buffer.byteLength / PAGE;
    if (missing <= 0) return true;
    try {
      this.memory.grow(missing);
      return true;
    } catch {
      return false;
    }
  }
}
