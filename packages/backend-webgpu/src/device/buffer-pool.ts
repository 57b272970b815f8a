// Device memory that is used again: buffers in sizes of which there are few, so that one fits where another was.
import { USAGE } from "./flags.js";

/** The size of a buffer that holds `bytes`: at least 256, then four sizes for each power of two. */
export function pooledSize(bytes: number): number {
  let size = 256;
  while (size < bytes) size *= 2;
  if (size === 256) return size;
  const step = size / 8;
  return Math.ceil(bytes / step) * step;
}

export interface PoolOptions {
  /** Bytes of free buffers that are kept at most. */
  readonly keep: number;
  /** Bytes that a buffer has at most: sizes are not rounded up beyond. */
  readonly most: number;
  /** Is told what the device refuses without being asked. */
  readonly onError: (error: GPUError) => void;
}

/**
 * Free buffers by size. What was submitted runs in order, so a buffer may be given back and used again as soon as the
 * commands that read it were submitted.
 *
 * Whether the device had the memory for a new buffer is known only later: `settle()` waits for it, and `exists()` tells.
 * https://www.w3.org/TR/webgpu/#error-scopes
 */
export class BufferPool {
  readonly #device: GPUDevice;
  readonly #options: PoolOptions;
  readonly #free = new Map<number, GPUBuffer[]>();
  /** New buffers of which nothing is known yet. */
  readonly #creations = new Map<GPUBuffer, Promise<void>>();
  /** Buffers that the device had no memory for, or that it has back. */
  readonly #gone = new WeakSet<GPUBuffer>();
  #freeBytes = 0;
  #bytes = 0;

  constructor(device: GPUDevice, options: PoolOptions) {
    this.#device = device;
    this.#options = options;
  }

  /** Bytes of all buffers of this pool, in use or free. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether it is known of every buffer that it exists or not. */
  get isSettled(): boolean {
    return this.#creations.size === 0;
  }

  /** Bytes of the buffer that `take(bytes)` gives. */
  sizeOf(bytes: number): number {
    return Math.max(bytes, Math.min(pooledSize(bytes), this.#options.most));
  }

  take(bytes: number): GPUBuffer {
    const size = this.sizeOf(bytes);
    const known = this.#free.get(size)?.pop();
    if (known !== undefined) {
      this.#freeBytes -= size;
      return known;
    }
    return this.#create(size);
  }

  /** Waits until it is known of every buffer whether it exists. */
  async settle(): Promise<void> {
    while (!this.isSettled) await Promise.all(this.#creations.values());
  }

  /** Whether the device had memory for a buffer; true as long as nothing is known. */
  exists(buffer: GPUBuffer): boolean {
    return !this.#gone.has(buffer);
  }

  /** Whether it is known that a buffer exists; waits for it where it is not. */
  created(buffer: GPUBuffer): Promise<void> | undefined {
    return this.#creations.get(buffer);
  }

  /** Puts words into a buffer, of which nothing need be known yet. */
  write(buffer: GPUBuffer, words: Uint8Array<ArrayBuffer>): void {
    if (words.length === 0) return;
    if (!this.#creations.has(buffer)) {
      this.#device.queue.writeBuffer(buffer, 0, words);
      return;
    }
    // To write where nothing is, is refused: that says nothing new.
    this.#device.pushErrorScope("validation");
    this.#device.queue.writeBuffer(buffer, 0, words);
    void this.#device.popErrorScope().then((error) => {
      if (error !== null && this.exists(buffer)) this.#options.onError(error);
    }, ignore);
  }

  giveBack(buffer: GPUBuffer): void {
    if (!this.exists(buffer)) return;
    const { size } = buffer;
    if (this.#freeBytes + size > this.#options.keep) {
      this.#destroy(buffer);
      return;
    }
    this.#freeBytes += size;
    const list = this.#free.get(size) ?? [];
    this.#free.set(size, list);
    list.push(buffer);
  }

  /** Gives free buffers back to the device. */
  trim(): void {
    for (const buffers of this.#free.values()) for (const buffer of buffers) this.#destroy(buffer);
    this.#free.clear();
    this.#freeBytes = 0;
  }

  #destroy(buffer: GPUBuffer): void {
    buffer.destroy();
    this.#gone.add(buffer);
    this.#bytes -= buffer.size;
  }

  #create(size: number): GPUBuffer {
    const usage = USAGE.storage | USAGE.copySource | USAGE.copyDestination;
    this.#device.pushErrorScope("out-of-memory");
    const buffer = this.#device.createBuffer({ size, usage });
    const creation = this.#device.popErrorScope().then((error) => {
      if (error !== null) this.#forget(buffer);
    }, ignore);
    this.#creations.set(
      buffer,
      creation.then(() => void this.#creations.delete(buffer)),
    );
    this.#bytes += size;
    return buffer;
  }

  /** The device had no memory for it. */
  #forget(buffer: GPUBuffer): void {
    // One that was given back meanwhile counts no more.
    if (this.#gone.has(buffer)) return;
    const { size } = buffer;
    this.#gone.add(buffer);
    this.#bytes -= size;
    const list = this.#free.get(size) ?? [];
    const place = list.indexOf(buffer);
    if (place < 0) return;
    list.splice(place, 1);
    this.#freeBytes -= size;
  }
}

/** A device that is lost answers nothing, and says so elsewhere. */
const ignore = (): void => undefined;
