// One device that is open, and all that goes with it when it is lost.
import { collectDropped } from "@convoke/core";
import { Profiler } from "../profile/profiler.js";
import type { DeviceInfo } from "../webgpu-backend.js";
import { BufferPool } from "./buffer-pool.js";
import { noMemoryLeft, tooLarge } from "./device-errors.js";
import { formatOf, type HostFormat } from "./host-format.js";
import { Staging } from "./staging.js";
import { Pipelines } from "./pipelines.js";
import type { Wanted } from "./wanted.js";

export interface OpenDevice {
  readonly gpu: GPU;
  readonly device: GPUDevice;
  readonly info: DeviceInfo;
}

/** Runs that may be under way on the device before the next waits. */
const MOST_UNDER_WAY = 3;

export class DeviceSession {
  readonly device: GPUDevice;
  readonly info: DeviceInfo;
  /** How the elements of tensors lie on it. */
  readonly format: HostFormat;
  readonly pool: BufferPool;
  readonly pipelines: Pipelines;
  readonly staging: Staging;
  readonly profiler: Profiler | undefined;
  /** Why the device was lost, once it is; without words where the driver gives none. */
  lostBecause: string | undefined;
  /** Settles when it is lost. */
  readonly whenLost: Promise<void>;
  /** What the device said of itself, outside any call. */
  error: GPUError | undefined;
  /** Kept: a GPU that is collected takes its devices along. */
  readonly gpu: GPU;
  readonly #underWay: Promise<unknown>[] = [];

  /**
   * @param options.keep bytes of free buffers that are kept at most
   * @param options.profile whether the time of each kernel is taken
   */
  constructor(
    { gpu, device, info }: OpenDevice,
    { keep, profile }: { readonly keep: number; readonly profile: boolean },
  ) {
    this.gpu = gpu;
    this.device = device;
    this.info = info;
    this.format = formatOf(info.features);
    const onError = (error: GPUError): void => {
      this.error ??= error;
    };
    this.pool = new BufferPool(device, { keep, most: info.maxTensorBytes, onError });
    this.pipelines = new Pipelines(device);
    this.staging = new Staging(device);
    if (profile) {
      const clock = info.features.includes("timestamp-query") ? "device" : "submissions";
      this.profiler = new Profiler(device, clock);
    }
    this.whenLost = device.lost.then(({ message }) => {
      this.lostBecause = message;
    });
    device.addEventListener("uncapturederror", ({ error }) => onError(error));
  }

  /** Workgroups that a dispatch has at most along each axis. */
  get mostWorkgroups(): number {
    return this.info.mostWorkgroups;
  }

  /**
   * Buffers that exist. Where the device has no memory left, those that are kept for later go first.
   *
   * @throws OutOfMemoryError with what it is that there is no room for.
   */
  async take(wanted: readonly Wanted[]): Promise<GPUBuffer[]> {
    const { pool } = this;
    for (const each of wanted) this.assertFits(each);
    for (let attempt = 0; ; attempt++) {
      const taken = wanted.map(({ bytes }) => pool.take(bytes));
      if (!pool.isSettled) await pool.settle();
      const missing = taken.findIndex((memory) => !pool.exists(memory));
      if (missing < 0) return taken;
      for (const memory of taken) pool.giveBack(memory);
      pool.trim();
      const { bytes, name } = wanted[missing]!;
      if (attempt > 0) throw noMemoryLeft(name(), { bytes, used: pool.bytes });
      await collectDropped();
    }
  }

  /** @throws OutOfMemoryError when no buffer of this device holds it. */
  assertFits({ bytes, name }: Wanted): void {
    const { maxTensorBytes: most } = this.info;
    if (bytes > most) throw tooLarge(name(), { bytes, most });
  }

  /** Waits until few runs are under way: what they hold would grow without end. */
  async letCatchUp(): Promise<void> {
    // A device that is lost settles it as well; then the next use says so.
    this.#underWay.push(this.device.queue.onSubmittedWorkDone().catch(() => undefined));
    if (this.#underWay.length > MOST_UNDER_WAY) await this.#underWay.shift();
  }

  close(): void {
    this.pool.trim();
    this.staging.dispose();
    this.device.destroy();
  }
}
