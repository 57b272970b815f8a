// Parts of device buffers: several tensors may lie in one, which goes back to the pool with the last of them.
import type { BufferPool } from "./buffer-pool.js";

/** A buffer of the device and how many blocks of it are in use. */
class SharedBuffer {
  readonly buffer: GPUBuffer;
  readonly #pool: BufferPool;
  #users: number;

  constructor(pool: BufferPool, bytes: number, users: number) {
    this.buffer = pool.take(bytes);
    this.#pool = pool;
    this.#users = users;
  }

  release(): void {
    this.#users--;
    if (this.#users === 0) this.#pool.giveBack(this.buffer);
  }
}

/** Bytes of a device buffer. */
export interface Range {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** A range that belongs to somebody, who releases it once. */
export interface Block extends Range {
  release(): void;
}

/** A block with a buffer of its own. */
export function ownBlock(pool: BufferPool, bytes: number): Block {
  return blocksOf(pool, { offsets: [0], bytes }, [bytes])[0]!;
}

/** Blocks at offsets of one buffer; those without an offset have one of their own. */
export function blocksOf(
  pool: BufferPool,
  { offsets, bytes }: { readonly offsets: readonly (number | undefined)[]; readonly bytes: number },
  sizes: readonly number[],
): Block[] {
  const users = offsets.filter((offset) => offset !== undefined).length;
  const shared = users === 0 ? undefined : new SharedBuffer(pool, bytes, users);
  return sizes.map((size, i) => {
    const offset = offsets[i];
    if (offset === undefined) return ownBlock(pool, size);
    return { buffer: shared!.buffer, offset, bytes: size, release: () => shared!.release() };
  });
}
