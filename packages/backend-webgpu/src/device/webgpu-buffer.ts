// A value on the device.
import type { DeviceBuffer, TensorSpec } from "@convoke/core";
import { formatShape } from "@convoke/shape";
import type { Block } from "./blocks.js";
import type { Readback } from "./staging.js";

export interface RunCopy {
  readonly readback: Readback;
  readonly index: number;
}

export class WebGpuBuffer implements DeviceBuffer {
  readonly spec: TensorSpec;
  /** What it is, in words. */
  readonly label: string;
  /** Where the value lies; a run that replaces state puts another buffer here. */
  memory: Block;
  /** What was uploaded, as long as it is not known whether the device had memory for it. */
  words: Uint8Array<ArrayBuffer> | undefined;
  isFreed = false;
  isLost = false;
  /** Whether the value was read since a run replaced it. */
  wasRead = false;
  /** Notes that the value was read: the next run that makes it copies it for the host. */
  noteRead: () => void = () => {
    this.wasRead = true;
  };
  #copy: RunCopy | undefined;

  constructor(spec: TensorSpec, label: string, memory: Block) {
    this.spec = spec;
    this.label = label;
    this.memory = memory;
  }

  get name(): string {
    return `${this.label} ${formatShape(this.spec.shape)}`;
  }

  /** The copy that the last run left for the host. */
  get copy(): RunCopy | undefined {
    return this.#copy;
  }

  set copy(copy: RunCopy | undefined) {
    this.#copy?.readback.drop();
    this.#copy = copy;
  }
}
