// Device memory that is asked for.
import type { TensorSpec } from "@convoke/core";
import { formatShape } from "@convoke/shape";
import type { HostFormat } from "./host-format.js";

export interface Wanted {
  readonly bytes: number;
  /** What it is for, in words: asked for when there is none. */
  readonly name: () => string;
}

/** A value that is to be made, and what it is in words. */
export interface NewValue {
  readonly spec: TensorSpec;
  readonly label: string;
}

/** The memory of a value. */
export function wantedFor({ spec, label }: NewValue, format: HostFormat): Wanted {
  return { bytes: format.bytesOf(spec), name: () => `${label} ${formatShape(spec.shape)}` };
}
