// Copies between views of dense arrays: what all movement comes down to.
import { shapeSize, type Shape } from "@convoke/shape";
import type { TypedArray } from "../dtype.js";
import { forEachOffset, stridesOf } from "./kernel-loops.js";

/** A view of a dense array: the element at index i lies at offset + ∑ iₐ · stridesₐ. */
export interface View {
  readonly data: TypedArray;
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Copies an array of shape `shape` from one view to another. */
export function copyElements(shape: Shape, from: View, to: View): void {
  const last = shape.length - 1;
  const count = shape[last] ?? 1;
  const fromStep = from.strides[last] ?? 0;
  const toStep = to.strides[last] ?? 0;
  const outer = shape.slice(0, -1);
  const source = from.data as Float64Array;
  const target = to.data as Float64Array;
  const toOffsets = new Float64Array(shapeSize(outer));
  forEachOffset(outer, to.strides.slice(0, -1), (line, offset) => {
    toOffsets[line] = offset;
  });
  forEachOffset(outer, from.strides.slice(0, -1), (line, offset) => {
    let read = from.offset + offset;
    let write = to.offset + toOffsets[line]!;
    for (let i = 0; i < count; i++) {
      target[write] = source[read]!;
      read += fromStep;
      write += toStep;
    }
  });
}

export function dense(data: TypedArray, shape: Shape, offset = 0): View {
  return { data, strides: stridesOf(shape), offset };
}

/** The view of the elements of an array of shape `shape` that a slice takes. */
export function slicedView(
  data: TypedArray,
  shape: Shape,
  { start, step }: { readonly start: readonly number[]; readonly step: readonly number[] },
): View {
  const strides = stridesOf(shape);
  return {
    data,
    strides: strides.map((stride, axis) => stride * step[axis]!),
    offset: strides.reduce((sum, stride, axis) => sum + stride * start[axis]!, 0),
  };
}
