// A memory that the calling thread sees: its own, or one that it shares with the workers.
import { Heap } from "./heap.js";
import {
  createMemory,
  memoryLimits,
  missingPages,
  RESERVED,
  type MachineMemory,
  type MemoryLimits,
} from "./machine-memory.js";

const PAGE = 65536;

export interface LinearMemoryOptions {
  /** Bytes; the memory never grows beyond. */
  readonly maximum: number;
  readonly shared: boolean;
}

export class LinearMemory implements MachineMemory {
  readonly memory: WebAssembly.Memory;
  readonly heap: Heap;
  readonly limits: MemoryLimits;

  constructor(options: LinearMemoryOptions) {
    this.limits = memoryLimits(options);
    this.memory = createMemory(this.limits);
    this.heap = new Heap({ start: RESERVED, grow: (end) => this.#grow(end) });
  }

  get size(): number {
    return this.memory.buffer.byteLength;
  }

  write(address: number, bytes: Uint8Array): void {
    new Uint8Array(this.memory.buffer, address, bytes.length).set(bytes);
  }

  read(address: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return Promise.resolve(this.peek(address, length));
  }

  peek(address: number, length: number): Uint8Array<ArrayBuffer> {
    // Copied out of the shared memory: what the caller gets is its own.
    const copy = new Uint8Array(length);
    copy.set(new Uint8Array(this.memory.buffer, address, length));
    return copy;
  }

  #grow(end: number): boolean {
    const missing = missingPages(end, this.size / PAGE);
    if (missing === 0) return true;
    try {
      this.memory.grow(missing);
      return true;
    } catch {
      return false;
    }
  }
}
