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

/** Axes along which both views run on without a gap, as one; axes of 1 dropped. */
function merged(shape: Shape, from: View, to: View): { dims: number[]; read: number[]; write: number[] } {
  const dims: number[] = [];
  const read: number[] = [];
  const write: number[] = [];
  shape.forEach((dim, axis) => {
    if (dim === 1) return;
    const [r, w] = [from.strides[axis]!, to.strides[axis]!];
    const last = dims.length - 1;
    if (last >= 0 && read[last] === r * dim && write[last] === w * dim) {
      [dims[last], read[last], write[last]] = [dims[last]! * dim, r, w];
    } else {
      dims.push(dim);
      read.push(r);
      write.push(w);
    }
  });
  return { dims, read, write };
}

/** Copies an array of shape `shape` from one view to another. */
export function copyElements(shape: Shape, from: View, to: View): void {
  const { dims, read, write } = merged(shape, from, to);
  const count = dims.pop() ?? 1;
  const fromStep = read.pop() ?? 0;
  const toStep = write.pop() ?? 0;
  // Written for doubles; the same text copies any kind of element.
  const source = from.data as Float64Array;
  const target = to.data as Float64Array;
  const toOffsets = new Float64Array(shapeSize(dims));
  forEachOffset(dims, write, (line, offset) => {
    toOffsets[line] = to.offset + offset;
  });
  forEachOffset(dims, read, (line, offset) => {
    let r = from.offset + offset;
    let w = toOffsets[line]!;
    if (fromStep === 0 && toStep === 1) {
      if (count > 0) target.fill(source[r]!, w, w + count);
    } else if (fromStep === 1 && toStep === 1 && count >= 32) {
      target.set(source.subarray(r, r + count), w);
    } else {
      for (let i = 0; i < count; i++, r += fromStep, w += toStep) target[w] = source[r]!;
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
