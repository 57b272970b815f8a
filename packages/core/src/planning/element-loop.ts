// A fused loop over elements: what is loaded, computed and stored at every position of an iteration space.
import type { DType } from "../dtype.js";

/** How an array is walked: one stride per axis of the iteration space, in elements; 0 repeats. */
export interface Access {
  readonly dtype: DType;
  readonly strides: readonly number[];
  /** The element at which the walk starts. */
  readonly offset: number;
}

/** One computation on values. Values are numbered: first the inputs, then the results of the steps in order. */
export interface Step {
  readonly op: string;
  readonly arguments: readonly number[];
  readonly dtype: DType;
  /** For `constant`: its value. */
  readonly value?: number | bigint;
}

export interface Store extends Access {
  readonly value: number;
}

/** For every position of `shape`: load the inputs, take the steps, store the outputs. */
export interface ElementLoop {
  readonly shape: readonly number[];
  readonly inputs: readonly Access[];
  readonly steps: readonly Step[];
  readonly outputs: readonly Store[];
}

/** What one pass over the reduced axes gives: `value` reduced by `op`, stored over the axes that are kept. */
export interface Reduction extends Store {
  readonly op: "sum" | "prod" | "max" | "min";
}

/** A loop whose last `reducedAxes` axes are reduced, in one pass for all results. */
export interface ReductionLoop extends Omit<ElementLoop, "outputs"> {
  readonly reducedAxes: number;
  readonly results: readonly Reduction[];
}

/** The element type of each value of a loop. */
export function valueTypes(loop: Pick<ElementLoop, "inputs" | "steps">): DType[] {
  return [...loop.inputs, ...loop.steps].map(({ dtype }) => dtype);
}

/**
 * The same loop over as few axes as possible: axes of extent 1 go, and neighbours merge where every access walks them
 * as one. At least one axis stays.
 */
export function mergeAxes<A extends { readonly strides: readonly number[] }>(
  shape: readonly number[],
  accesses: readonly A[],
): { shape: number[]; accesses: A[] } {
  const kept: number[] = [];
  const merged: number[] = [];
  const strides: number[][] = accesses.map(() => []);
  shape.forEach((extent, axis) => {
    if (extent === 1) return;
    const last = merged.length - 1;
    const joins =
      last >= 0 && accesses.every((access, i) => strides[i]![last] === access.strides[axis]! * extent);
    if (joins) {
      merged[last]! *= extent;
      accesses.forEach((access, i) => (strides[i]![last] = access.strides[axis]!));
    } else {
      kept.push(axis);
      merged.push(extent);
      accesses.forEach((access, i) => strides[i]!.push(access.strides[axis]!));
    }
  });
  if (merged.length === 0)
    return { shape: [1], accesses: accesses.map((access) => ({ ...access, strides: [0] })) };
  return { shape: merged, accesses: accesses.map((access, i) => ({ ...access, strides: strides[i]! })) };
}
