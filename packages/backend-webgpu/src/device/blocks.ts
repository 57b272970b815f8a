// Parts of device buffers: several values may lie in one, which goes back to the pool with the last of them.
import type { BufferPool } from "./buffer-pool.js";

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

/** A buffer of its own as a block. */
export function ownBlock(pool: BufferPool, buffer: GPUBuffer, bytes: number): Block {
  return { buffer, offset: 0, bytes, release: () => pool.giveBack(buffer) };
}

/** A buffer that several share: blocks of so many bytes at these offsets. */
export function sharedBlocks(
  pool: BufferPool,
  buffer: GPUBuffer,
  parts: readonly { readonly offset: number; readonly bytes: number }[],
): Block[] {
  let users = parts.length;
  const release = (): void => {
    users--;
    if (users === 0) pool.giveBack(buffer);
  };
  return parts.map(({ offset, bytes }) => ({ buffer, offset, bytes, release }));
}
