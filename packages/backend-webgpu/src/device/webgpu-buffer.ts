// A value on the device.
import type { DeviceBuffer, TensorSpec } from "@convoke/core";
import { formatShape, shapeSize } from "@convoke/shape";
import { ELEMENT_BYTES } from "./host-format.js";
import type { Place } from "./readback.js";
import type { Wanted } from "./wanted.js";

export class WebGpuBuffer implements DeviceBuffer {
  readonly spec: TensorSpec;
  /** What it is, in words. */
  readonly label: string;
  /** Where the value lies; a run that replaces state puts another buffer here. */
  memory: GPUBuffer;
  /** What was uploaded, as long as it is not known whether the device had memory for it. */
  words: Uint8Array<ArrayBuffer> | undefined;
  isFreed = false;
  isLost = false;

  constructor(spec: TensorSpec, label: string, memory: GPUBuffer) {
    this.spec = spec;
    this.label = label;
    this.memory = memory;
  }

  get name(): string {
    return `${this.label} ${formatShape(this.spec.shape)}`;
  }

  get place(): Place {
    return { memory: this.memory, bytes: bytesOf(this.spec) };
  }
}

export function bytesOf({ shape }: TensorSpec): number {
  return shapeSize(shape) * ELEMENT_BYTES;
}

/** The memory of a value. */
export function wanted(spec: TensorSpec, label: string): Wanted {
  return { bytes: bytesOf(spec), name: () => `${label} ${formatShape(spec.shape)}` };
}
