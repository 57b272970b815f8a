// Makes the backend: finds an adapter and opens its device with all that it has.
import { openGpu, wayOut } from "#open-gpu";
import { BackendUnavailableError, ConvokeError } from "@convoke/core";
import { DeviceBackend } from "./device-backend.js";
import type { OpenDevice } from "./device/device-session.js";
import { assertTuning, type Tuning } from "./tuning/tuning.js";
import type { DeviceInfo, WebGpuBackend } from "./webgpu-backend.js";

export interface WebGpuOptions {
  /** Bytes that live tensors may take; 4 GiB by default. WebGPU does not tell what the device has. */
  readonly maxMemory?: number;
  /** Which GPU to take where there are several; the browser decides by default. */
  readonly powerPreference?: "low-power" | "high-performance";
  /**
   * Takes the time of each kernel; `takeProfile()` gives them. Runs then wait for each other, so that training is slower
   * than without. Default false.
   */
  readonly profile?: boolean;
  /**
   * What `tune()` gave before, kept as JSON: which kernels are fast on this adapter. One for another adapter, or of another
   * version, is not used; `backend.tuning` tells. By default a rule chooses the kernels.
   */
  readonly tuning?: Tuning;
}

const GIBIBYTE = 2 ** 30;

/**
 * The WebGPU backend, in browsers and their workers, and in Node through the package `webgpu`. float32 and types of at
 * most 32 bits; WebGPU has no numbers of 64 bits.
 *
 * @throws BackendUnavailableError where there is no WebGPU or no adapter; it says what to install.
 * @example
 * ```ts
 * import { webgpu } from "@convoke/backend-webgpu";
 * import { BackendUnavailableError, tensor, useBackend } from "@convoke/core";
 *
 * try {
 *   await useBackend(await webgpu());
 * } catch (error) {
 *   if (!(error instanceof BackendUnavailableError)) throw error;
 *   console.log(error.message); // no GPU: what is missing, and how to get it
 * }
 * console.log(await tensor([[1, 2], [3, 4]]).matmul(tensor([[1], [1]])).data()); // Float32Array [3, 7]
 * ```
 */
export function webgpu(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  return webgpuWith(options, {});
}

/** What tests tell the backend about its device, in place of what it would find out. */
export interface Told extends Partial<
  Pick<DeviceInfo, "isSoftware" | "storageBuffers" | "mostWorkgroups" | "maxTensorBytes" | "features">
> {
  /** Opens a device with the limits that every implementation has, not with those of the adapter. */
  readonly hasLeastLimits?: boolean;
  /** Where devices come from, in place of the browser or the package `webgpu`. */
  readonly gpu?: GPU;
  /** Is shown each device before it is used. */
  readonly watch?: (device: GPUDevice) => void;
}

/** The WebGPU backend, told some of what it would find out about the device. */
export async function webgpuWith(options: WebGpuOptions, told: Told): Promise<DeviceBackend> {
  const { maxMemory = 4 * GIBIBYTE, powerPreference, profile = false, tuning } = options;
  if (!(Number.isInteger(maxMemory) && maxMemory >= 2 ** 20)) {
    throw new ConvokeError({
      operation: "webgpu",
      problem: `maxMemory is ${maxMemory}, but it must be a whole number of bytes, at least ${2 ** 20}.`,
      wayOut: "Leave maxMemory out for the default.",
    });
  }
  if (tuning !== undefined) assertTuning(tuning);
  const { hasLeastLimits = false, gpu: toldGpu, watch, ...info } = told;
  const open = async (): Promise<OpenDevice> => {
    const gpu = toldGpu ?? (await openGpu());
    if (typeof gpu === "string") throw unavailable(gpu);
    const adapter = await gpu.requestAdapter(powerPreference === undefined ? {} : { powerPreference });
    if (adapter === null)
      throw unavailable("no adapter was found: there is no GPU, or its driver is missing.");
    const device = await openDevice(adapter, {
      limits: hasLeastLimits ? [] : limits,
      features,
    });
    watch?.(device);
    return { gpu, device, info: { ...infoOf(adapter, device), ...info } };
  };
  return new DeviceBackend({ first: await open(), open, maxMemory, profile, tuning });
}

function unavailable(reason: string, options?: ErrorOptions): BackendUnavailableError {
  return new BackendUnavailableError({ backend: "webgpu", reason, wayOut }, options);
}

/** The limits that matter here, as high as the adapter goes. */
const limits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
] as const;

/** The features that matter here: exchange between neighbouring invocations, half-precision numbers, and a clock. */
const features = ["subgroups", "shader-f16", "timestamp-query"] as const;

/** Features are asked for that the adapter has. */
async function openDevice(
  adapter: GPUAdapter,
  wanted: {
    readonly limits: readonly (typeof limits)[number][];
    readonly features: readonly GPUFeatureName[];
  },
): Promise<GPUDevice> {
  const requiredFeatures = wanted.features.filter((feature) => adapter.features.has(feature));
  const requiredLimits = Object.fromEntries(wanted.limits.map((name) => [name, adapter.limits[name]]));
  try {
    return await adapter.requestDevice({ requiredLimits, requiredFeatures });
  } catch (error) {
    throw unavailable(`the adapter gives no device: ${String(error)}.`, { cause: error });
  }
}

function infoOf({ info }: GPUAdapter, device: GPUDevice): DeviceInfo {
  const words = [info.vendor, info.architecture, info.device, info.description].filter((text) => text !== "");
  return {
    isSoftware: /swiftshader|llvmpipe|lavapipe|software|basic render/i.test(words.join(" ")),
    adapter: [...new Set(words)].join(", ") || "an adapter that does not name itself",
    features: [...device.features].sort(),
    maxTensorBytes: Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize),
    workgroupMemoryBytes: device.limits.maxComputeWorkgroupStorageSize,
    mostWorkgroups: device.limits.maxComputeWorkgroupsPerDimension,
    storageBuffers: device.limits.maxStorageBuffersPerShaderStage,
  };
}
