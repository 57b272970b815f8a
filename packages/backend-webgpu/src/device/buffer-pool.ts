// Device memory that is used again: buffers in sizes of which there are few, so that one fits where another was.

/** The size of a buffer that holds `bytes`: at least 256, then four sizes for each power of two. */
export function pooledSize(bytes: number): number {
  let size = 256;
  while (size < bytes) size *= 2;
  if (size === 256) return size;
  const step = size / 8;
  return Math.ceil(bytes / step) * step;
}

const USAGE = { storage: 0x80, copySource: 0x04, copyDestination: 0x08 } as const;

/**
 * Free buffers by size. What was submitted runs in order, so a buffer may be given back and used again as soon as the
 * commands that read it were submitted.
 */
export class BufferPool {
  readonly #device: GPUDevice;
  readonly #free = new Map<number, GPUBuffer[]>();
  readonly #keep: number;
  #freeBytes = 0;

  /** @param keep bytes of free buffers that are kept at most */
  constructor(device: GPUDevice, keep: number) {
    this.#device = device;
    this.#keep = keep;
  }

  take(bytes: number): GPUBuffer {
    const size = pooledSize(bytes);
    const known = this.#free.get(size)?.pop();
    if (known !== undefined) {
      this.#freeBytes -= size;
      return known;
    }
    return this.#device.createBuffer({
      size,
      usage: USAGE.storage | USAGE.copySource | USAGE.copyDestination,
    });
  }

  giveBack(buffer: GPUBuffer): void {
    const { size } = buffer;
    if (this.#freeBytes + size > this.#keep) {
      buffer.destroy();
      return;
    }
    this.#freeBytes += size;
    const list = this.#free.get(size) ?? [];
    this.#free.set(size, list);
    list.push(buffer);
  }

  dispose(): void {
    for (const buffers of this.#free.values()) for (const buffer of buffers) buffer.destroy();
    this.#free.clear();
    this.#freeBytes = 0;
  }
}
