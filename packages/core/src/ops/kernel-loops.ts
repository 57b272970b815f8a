// Loops of the reference kernels: element by element, with broadcasting.
import type { Shape } from "@convoke/shape";
import type { TypedArray } from "../dtype.js";
import type { HostArray, Kernel } from "./definition.js";

/** A function of elements in both of JavaScript's number types; `bigint` serves int64. */
export interface ElementFunction {
  readonly number: (...x: number[]) => number;
  /** Left out for ops that take floating-point numbers only. */
  readonly bigint?: (...x: bigint[]) => bigint | number;
}

/** Row-major strides of `shape`, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] as number;
  }
  return strides;
}

/** Strides with which an array of shape `from` is read as if it were of shape `to`: 0 along repeated axes. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = stridesOf(from);
  const missing = to.length - from.length;
  return to.map((_, axis) =>
    axis < missing || from[axis - missing] === 1 ? 0 : (strides[axis - missing] as number),
  );
}

/** Calls `visit(position, offset)` for each element of `shape` in row-major order; offsets follow `strides`. */
export function forEachOffset(
  shape: Shape,
  strides: readonly number[],
  visit: (position: number, offset: number) => void,
): void {
  const rank = shape.length;
  const size = shape.reduce((product, dim) => product * dim, 1);
  const index = new Array<number>(rank).fill(0);
  let offset = 0;
  for (let position = 0; position < size; position++) {
    visit(position, offset);
    for (let axis = rank - 1; axis >= 0; axis--) {
      const next = (index[axis] as number) + 1;
      offset += strides[axis] as number;
      if (next < (shape[axis] as number)) {
        index[axis] = next;
        break;
      }
      offset -= next * (strides[axis] as number);
      index[axis] = 0;
    }
  }
}

/** `input` repeated to `shape`, as an array that can be read position by position. */
export function expanded(input: HostArray, shape: Shape): TypedArray {
  if (input.shape.length === shape.length && input.shape.every((dim, axis) => dim === shape[axis]))
    return input.data;
  const size = shape.reduce((product, dim) => product * dim, 1);
  const source = input.data;
  const result = new (source.constructor as new (length: number) => TypedArray)(size);
  if (source.length === 1) return result.fill(source[0] as never);
  forEachOffset(shape, broadcastStrides(input.shape, shape), (position, offset) => {
    result[position] = source[offset] as never;
  });
  return result;
}

/** A kernel that applies `fn` to each element of the broadcast inputs. */
export function elementwiseKernel(fn: ElementFunction): Kernel {
  return (inputs, outputs) => {
    const output = outputs[0] as HostArray;
    const sources = inputs.map((input) => expanded(input, output.shape));
    const [a, b] = sources as [TypedArray, TypedArray | undefined];
    const result = output.data;
    // One loop serves both number types: which function runs was decided by the array it reads.
    const compute: (...x: never[]) => unknown =
      a instanceof BigInt64Array && fn.bigint !== undefined ? fn.bigint : fn.number;
    if (b === undefined) {
      for (let i = 0; i < result.length; i++) result[i] = compute(a[i] as never) as never;
    } else {
      for (let i = 0; i < result.length; i++) result[i] = compute(a[i] as never, b[i] as never) as never;
    }
  };
}
