// What a run leaves for the host: copied by its own command buffer, so that reading it submits nothing.
import type { Range } from "./blocks.js";
import { MAP_MODE_READ, USAGE } from "./flags.js";

/** Bytes of a value that is copied along with a run because it was read after the one before. */
export const MOST_COPIED_BYTES = 2 ** 16;

/** Staging buffers that are kept for the next run: few runs are under way at a time. */
const MOST_KEPT = 8;

/** Buffers that the host can read, used again. */
export class Staging {
  readonly #device: GPUDevice;
  #free: GPUBuffer[] = [];

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  take(bytes: number): GPUBuffer {
    const found = this.#free.findIndex(({ size }) => size >= bytes);
    if (found >= 0) return this.#free.splice(found, 1)[0]!;
    const size = Math.max(bytes, 256);
    return this.#device.createBuffer({ size, usage: USAGE.mapRead | USAGE.copyDestination });
  }

  giveBack(buffer: GPUBuffer): void {
    if (buffer.size > MOST_COPIED_BYTES || this.#free.length === MOST_KEPT) buffer.destroy();
    else this.#free.push(buffer);
  }

  dispose(): void {
    for (const buffer of this.#free) buffer.destroy();
    this.#free = [];
  }
}

/** Copies of some values as they are after a command buffer. Each is read or dropped once. */
export class Readback {
  readonly #staging: Staging;
  readonly #ranges: readonly Range[];
  readonly #offsets: readonly number[];
  readonly #bytes: number;
  readonly #buffer: GPUBuffer;
  #pending: number;
  #words: Promise<ArrayBuffer> | undefined;

  constructor(staging: Staging, ranges: readonly Range[]) {
    this.#staging = staging;
    this.#ranges = ranges;
    let bytes = 0;
    this.#offsets = ranges.map((range) => {
      bytes += range.bytes;
      return bytes - range.bytes;
    });
    this.#bytes = bytes;
    this.#pending = ranges.length;
    this.#buffer = staging.take(bytes);
  }

  /** Writes the copies into a command buffer. */
  record(encoder: GPUCommandEncoder): void {
    this.#ranges.forEach(({ buffer, offset, bytes }, i) =>
      encoder.copyBufferToBuffer(buffer, offset, this.#buffer, this.#offsets[i]!, bytes),
    );
  }

  /** The words of one of the values, once the commands are done. */
  async read(index: number): Promise<ArrayBuffer> {
    this.#words ??= this.#map();
    const start = this.#offsets[index]!;
    return (await this.#words).slice(start, start + this.#ranges[index]!.bytes);
  }

  /** Says that one of the values will not be read any more. */
  drop(): void {
    this.#pending--;
    if (this.#pending === 0 && this.#words === undefined) this.#staging.giveBack(this.#buffer);
  }

  async #map(): Promise<ArrayBuffer> {
    try {
      await this.#buffer.mapAsync(MAP_MODE_READ, 0, this.#bytes);
      const words = this.#buffer.getMappedRange(0, this.#bytes).slice(0);
      this.#buffer.unmap();
      this.#staging.giveBack(this.#buffer);
      return words;
    } catch (error) {
      this.#buffer.destroy();
      throw error;
    }
  }
}
