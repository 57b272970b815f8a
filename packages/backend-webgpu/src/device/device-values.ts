// The values that live on the device: their memory, its limit, and their way from and to the host.
import {
  collectDropped,
  foreignBufferError,
  type DeviceBuffer,
  type MemoryInfo,
  type TensorSpec,
  type TypedArray,
} from "@convoke/core";
import { ownBlock, type Block, type Range } from "./blocks.js";
import type { CurrentDevice } from "./current-device.js";
import { overLimit, type LossErrors } from "./device-errors.js";
import { assertOnDevice, type HostFormat } from "./host-format.js";
import { readBack } from "./readback.js";
import { wantedFor, type NewValue } from "./wanted.js";
import { WebGpuBuffer } from "./webgpu-buffer.js";

/** How often a run that finds no room waits for dropped handles to be collected. */
const ATTEMPTS = 8;

export class DeviceValues {
  readonly #device: CurrentDevice;
  /** Bytes that they may take. */
  readonly #limit: number;
  readonly #losses: LossErrors;
  readonly #live = new Set<WebGpuBuffer>();
  #bytes = 0;
  /** What `restore()` puts back. */
  #snapshot = new Map<WebGpuBuffer, ArrayBuffer>();
  /** How the values in it lie. */
  #snapshotFormat: HostFormat;
  /** The memory of values that are freed while a job holds it. */
  #held: Block[] | undefined;

  constructor(
    device: CurrentDevice,
    { limit, losses }: { readonly limit: number; readonly losses: LossErrors },
  ) {
    this.#device = device;
    this.#snapshotFormat = device.session.format;
    this.#limit = limit;
    this.#losses = losses;
  }

  memory(): MemoryInfo {
    const limit = this.#limit;
    return { bytes: this.#bytes, buffers: this.#live.size, highWater: Math.floor(limit / 4), limit };
  }

  upload(data: TypedArray, { spec, label }: NewValue): WebGpuBuffer {
    this.#device.assertUsable();
    assertOnDevice("tensor", spec.dtype);
    const { pool, format } = this.#device.session;
    this.#assertRoom({ spec, label });
    const buffer = this.adopt({ spec, label }, pool.take(format.bytesOf(spec)));
    const words = format.toDevice(data, spec.dtype);
    pool.write(buffer.memory.buffer, words);
    const creation = pool.created(buffer.memory.buffer);
    if (creation !== undefined) {
      buffer.words = words.slice();
      void creation.then(() => {
        if (pool.exists(buffer.memory.buffer)) buffer.words = undefined;
      });
    }
    return buffer;
  }

  async download(buffer: DeviceBuffer): Promise<TypedArray> {
    await this.place([this.own(buffer)]);
    // What was freed while this waited may hold another value by now.
    const own = this.own(buffer);
    own.noteRead();
    const words = await this.#wordsOf(own);
    return this.#device.session.format.fromDevice(own.spec, words);
  }

  /** A buffer as one of these. @throws where it is none, is freed, or went with a device. */
  own(buffer: DeviceBuffer): WebGpuBuffer {
    this.#device.assertUsable();
    if (buffer instanceof WebGpuBuffer && !buffer.isFreed) {
      if (buffer.isLost) throw this.#losses.value(buffer.name);
      return buffer;
    }
    throw foreignBufferError("webgpu", buffer instanceof WebGpuBuffer);
  }

  /** Counts a value in memory that was taken for it. */
  adopt({ spec, label }: NewValue, memory: GPUBuffer): WebGpuBuffer {
    const { pool, format } = this.#device.session;
    const buffer = new WebGpuBuffer(spec, label, ownBlock(pool, memory, format.bytesOf(spec)));
    this.#live.add(buffer);
    this.#bytes += this.#sizeOf(spec);
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    if (!(buffer instanceof WebGpuBuffer) || buffer.isFreed) return;
    buffer.isFreed = true;
    buffer.words = undefined;
    this.#snapshot.delete(buffer);
    if (!this.#live.delete(buffer)) return;
    this.#bytes -= this.#sizeOf(buffer.spec);
    buffer.copy = undefined;
    if (this.#held === undefined) buffer.memory.release();
    else this.#held.push(buffer.memory);
  }

  /**
   * Room for more values. Where there is none, handles that were dropped get some time to be collected.
   *
   * @throws OutOfMemoryError with the value that passes the limit.
   */
  async makeRoom(values: readonly NewValue[]): Promise<void> {
    const needed = values.reduce((sum, { spec }) => sum + this.#sizeOf(spec), 0);
    for (let attempt = 0; attempt < ATTEMPTS && this.#bytes + needed > this.#limit; attempt++) {
      await collectDropped();
      this.#device.assertUsable();
    }
    let before = 0;
    for (const value of values) {
      this.#assertRoom(value, before);
      before += this.#sizeOf(value.spec);
    }
  }

  /** Puts values into memory that were uploaded when the device had none left. */
  async place(buffers: readonly WebGpuBuffer[]): Promise<void> {
    const { session } = this.#device;
    const { pool, format } = session;
    if (!pool.isSettled) await pool.settle();
    for (const buffer of buffers) {
      const { words } = buffer;
      if (words === undefined) continue;
      if (!pool.exists(buffer.memory.buffer)) {
        const [memory] = await session.take([wantedFor(buffer, format)]);
        // Nobody would give back what a value takes after it was freed.
        if (buffer.isFreed) {
          pool.giveBack(memory!);
          continue;
        }
        pool.write(memory!, words);
        buffer.memory = ownBlock(pool, memory!, format.bytesOf(buffer.spec));
      }
      buffer.words = undefined;
    }
  }

  /** Runs a job that stands at the head of the line; what is freed meanwhile stays in memory as it is until it is through. */
  async holding<T>(job: () => Promise<T>): Promise<T> {
    this.#held = [];
    try {
      return await job();
    } finally {
      for (const memory of this.#held) memory.release();
      this.#held = undefined;
    }
  }

  /** Copies all values to the host, in place of the copies before. */
  async snapshot(): Promise<void> {
    this.#device.assertUsable();
    const live = [...this.#live];
    await this.place(live);
    const buffers = live.filter(({ isFreed }) => !isFreed);
    const values = await this.holding(() => this.#read(buffers.map(({ memory }) => memory)));
    const pairs = buffers.map((buffer, i) => [buffer, values[i]!] as const);
    this.#snapshot = new Map(pairs.filter(([{ isFreed }]) => !isFreed));
    this.#snapshotFormat = this.#device.session.format;
  }

  /** Puts what the last snapshot had on a device that was opened after a loss; the rest is lost. */
  restore(): void {
    const { pool, format } = this.#device.session;
    for (const buffer of this.#live) {
      const kept = this.#snapshot.get(buffer);
      buffer.copy = undefined;
      if (kept === undefined) {
        buffer.isLost = true;
        buffer.words = undefined;
        this.#live.delete(buffer);
        continue;
      }
      const { spec } = buffer;
      const bytes = format.bytesOf(spec);
      // The new device may be of another kind.
      const words = format.toDevice(this.#snapshotFormat.fromDevice(spec, kept), spec.dtype);
      buffer.memory = ownBlock(pool, pool.take(bytes), bytes);
      pool.write(buffer.memory.buffer, words);
      // Should there be no memory, the next use tries again.
      buffer.words = words;
    }
    this.#bytes = [...this.#live].reduce((sum, { spec }) => sum + this.#sizeOf(spec), 0);
  }

  /** Forgets them all: the device is closed. */
  dispose(): void {
    this.#bytes = 0;
    this.#live.clear();
    this.#snapshot.clear();
  }

  /** The words of a value: those that its run left for the host, or a copy made now. */
  async #wordsOf({ memory, copy }: WebGpuBuffer): Promise<ArrayBuffer> {
    if (copy !== undefined) return this.#device.checked(() => copy.readback.read(copy.index));
    const [words] = await this.#read([memory]);
    return words!;
  }

  #read(places: readonly Range[]): Promise<ArrayBuffer[]> {
    return this.#device.checked(async () => {
      const { values, submissions } = await readBack(this.#device.session.device, places);
      this.#device.submissions += submissions;
      return values;
    });
  }

  /** What a value counts for: the buffer that it would take. */
  #sizeOf(spec: TensorSpec): number {
    const { pool, format } = this.#device.session;
    return pool.sizeOf(format.bytesOf(spec));
  }

  /** @param before bytes of what is made before it */
  #assertRoom(value: NewValue, before = 0): void {
    const { session } = this.#device;
    const { bytes, name } = wantedFor(value, session.format);
    session.assertFits({ bytes, name });
    const limit = this.#limit;
    const live = this.#bytes + before;
    if (live + this.#sizeOf(value.spec) <= limit) return;
    throw overLimit(name(), { bytes, live, limit });
  }
}
