// One device that is open, and all that goes with it when it is lost.
import { Profiler } from "../profile/profiler.js";
import type { DeviceInfo } from "../webgpu-backend.js";
import { BufferPool } from "./buffer-pool.js";
import { Pipelines } from "./pipelines.js";

export interface OpenDevice {
  readonly gpu: GPU;
  readonly device: GPUDevice;
  readonly info: DeviceInfo;
}

export class DeviceSession {
  readonly device: GPUDevice;
  readonly info: DeviceInfo;
  readonly pool: BufferPool;
  readonly pipelines: Pipelines;
  readonly profiler: Profiler | undefined;
  /** Why the device was lost, once it is; without words where the driver gives none. */
  lostBecause: string | undefined;
  /** What the device said of itself, outside any call. */
  error: GPUError | undefined;
  /** Kept: a GPU that is collected takes its devices along. */
  readonly gpu: GPU;

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
    const onError = (error: GPUError): void => {
      this.error ??= error;
    };
    this.pool = new BufferPool(device, { keep, most: info.maxTensorBytes, onError });
    this.pipelines = new Pipelines(device);
    if (profile) {
      const clock = info.features.includes("timestamp-query") ? "device" : "submissions";
      this.profiler = new Profiler(device, clock);
    }
    void device.lost.then(({ message }) => (this.lostBecause = message));
    device.addEventListener("uncapturederror", ({ error }) => onError(error));
  }

  close(): void {
    this.pool.trim();
    this.device.destroy();
  }
}
