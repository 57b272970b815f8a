// Ops that move elements without computing: reshape, permute, broadcast, slice, pad, join.
import {
  broadcastTo as broadcastToShape,
  concat as concatShape,
  flatten as flattenShape,
  normaliseAxes,
  pad as padShape,
  permute as permuteShape,
  reshape as reshapeShape,
  slice as sliceShape,
  squeeze as squeezeShape,
  transpose as transposeShape,
  unsqueeze as unsqueezeShape,
  ShapeError,
  formatShape,
} from "@convoke/shape";
import type {
  BroadcastTo,
  Fits,
  Flatten,
  Ok,
  Pad,
  Permute,
  Reshape,
  Shape,
  Slice,
  SliceRange,
  Squeeze,
  Transpose,
  Unsqueeze,
} from "@convoke/shape";
import type { DType } from "../dtype.js";
import { apply } from "../graph/apply.js";
import { describeOperation } from "../graph/scope.js";
import type { Tensor } from "../tensor.js";
import { composite, primitive } from "./definition.js";
import { sameDType } from "./dtype-rules.js";
import { broadcastStrides, stridesOf } from "./kernel-loops.js";
import { copyElements, dense, slicedView } from "./strided-copy.js";

/** A part of one axis: elements `start`, `start + step`, … before `end`; negative positions count from the end. */
export type Range = SliceRange | undefined;

/** [before, after] for each axis. */
export type PadPairs = readonly (readonly [number, number])[];

export interface ShapeAttributes {
  readonly shape: Shape;
}

export interface PermuteAttributes {
  readonly axes: readonly number[];
}

/** Element i of an axis is element start + i · step of the larger tensor; `shape` is the result's. */
export interface SliceAttributes {
  readonly start: readonly number[];
  readonly step: readonly number[];
  readonly shape: Shape;
}

export interface PadAttributes {
  readonly pads: PadPairs;
}

export interface ConcatAttributes {
  readonly axis: number;
}

export type PadMode = "reflect" | "replicate" | "circular";

export interface PadModeAttributes extends PadAttributes {
  readonly mode: PadMode;
}

/** The contiguous part of `x` of the given shape that starts at `start`. */
function block(x: Tensor, start: readonly number[], shape: Shape): Tensor {
  return sliced(x, { start, step: shape.map(() => 1), shape });
}

function sliced(x: Tensor, attributes: SliceAttributes): Tensor {
  return apply(movementOps.slice, [x], attributes);
}

function placed(x: Tensor, attributes: SliceAttributes): Tensor {
  return apply(movementOps.place, [x], attributes);
}

function concatenated(parts: readonly Tensor[], axis: number): Tensor {
  return apply(movementOps.concat, parts, { axis });
}

export const movementOps = {
  reshape: primitive<"reshape", ShapeAttributes>({
    name: "reshape",
    infer: (operation, [x], { shape }) => [
      { shape: reshapeShape(operation, x!.shape, shape), dtype: x!.dtype },
    ],
    gradient: ({ inputs: [x], gradients: [g] }) => [g!.reshape(x!.shape)],
    reference: ([x], [y]) => y!.data.set(x!.data as never),
  }),
  permute: primitive<"permute", PermuteAttributes>({
    name: "permute",
    infer: (operation, [x], { axes }) => [
      { shape: permuteShape(operation, x!.shape, axes), dtype: x!.dtype },
    ],
    gradient: ({ gradients: [g], attributes: { axes } }) => [
      g!.permute(axes.map((_, axis) => axes.indexOf(axis))),
    ],
    reference: ([x], [y], { axes }) => {
      const strides = stridesOf(x!.shape);
      const from = { data: x!.data, strides: axes.map((axis) => strides[axis]!), offset: 0 };
      copyElements(y!.shape, from, dense(y!.data, y!.shape));
    },
  }),
  broadcastTo: primitive<"broadcastTo", ShapeAttributes>({
    name: "broadcastTo",
    infer: (operation, [x], { shape }) => [
      { shape: broadcastToShape(operation, x!.shape, shape), dtype: x!.dtype },
    ],
    gradient: ({ inputs: [x], gradients: [g] }) => [g!.sumTo(x!.shape)],
    reference: ([x], [y]) => {
      const from = { data: x!.data, strides: broadcastStrides(x!.shape, y!.shape), offset: 0 };
      copyElements(y!.shape, from, dense(y!.data, y!.shape));
    },
  }),
  slice: primitive<"slice", SliceAttributes>({
    name: "slice",
    infer: (_, [x], { shape }) => [{ shape, dtype: x!.dtype }],
    gradient: ({ inputs: [x], gradients: [g], attributes }) => [
      placed(g!, { ...attributes, shape: x!.shape }),
    ],
    reference: ([x], [y], attributes) =>
      copyElements(y!.shape, slicedView(x!.data, x!.shape, attributes), dense(y!.data, y!.shape)),
  }),
  /** The input laid into zeros of `shape`, where a slice with the same start and step finds it again. */
  place: primitive<"place", SliceAttributes>({
    name: "place",
    infer: (_, [x], { shape }) => [{ shape, dtype: x!.dtype }],
    gradient: ({ inputs: [x], gradients: [g], attributes }) => [
      sliced(g!, { ...attributes, shape: x!.shape }),
    ],
    reference: ([x], [y], attributes) =>
      copyElements(x!.shape, dense(x!.data, x!.shape), slicedView(y!.data, y!.shape, attributes)),
  }),
  /** The second input is the scalar that fills the border. */
  pad: primitive<"pad", PadAttributes>({
    name: "pad",
    infer: (operation, [x, value], { pads }) => {
      const dtype = sameDType(operation, [x!, value!]);
      return [{ shape: padShape(operation, x!.shape, pads), dtype }];
    },
    gradient: ({ inputs: [x], gradients: [g], attributes: { pads }, needs }) => {
      const start = pads.map(([before]) => before);
      const border = (): Tensor => g!.literal(0).broadcastTo(x!.shape).pad(pads, 1);
      return [
        needs[0] ? block(g!, start, x!.shape) : undefined,
        needs[1] ? g!.mul(border()).sum() : undefined,
      ];
    },
    reference: ([x, value], [y], { pads }) => {
      y!.data.fill(value!.data[0] as never);
      const strides = stridesOf(y!.shape);
      const offset = strides.reduce((sum, stride, axis) => sum + stride * pads[axis]![0], 0);
      copyElements(x!.shape, dense(x!.data, x!.shape), { data: y!.data, strides, offset });
    },
  }),
  concat: primitive<"concat", ConcatAttributes>({
    name: "concat",
    infer: (operation, inputs, { axis }) => {
      const shape = concatShape(
        operation,
        inputs.map((input) => input.shape),
        axis,
      );
      return [{ shape, dtype: sameDType(operation, inputs) }];
    },
    gradient: ({ inputs, gradients: [g], attributes: { axis }, needs }) => {
      let position = 0;
      return inputs.map((input, i) => {
        const start = input.shape.map((_, a) => (a === axis ? position : 0));
        position += input.shape[axis]!;
        return needs[i] ? block(g!, start, input.shape) : undefined;
      });
    },
    reference: (inputs, [y], { axis }) => {
      const strides = stridesOf(y!.shape);
      let offset = 0;
      for (const input of inputs) {
        copyElements(input.shape, dense(input.data, input.shape), { data: y!.data, strides, offset });
        offset += input.shape[axis]! * strides[axis]!;
      }
    },
  }),
  padMode: composite<"padMode", PadModeAttributes>({
    name: "padMode",
    staysInFloat16: true,
    check: (operation, [x], attributes) => checkPadMode(operation, x!.shape, attributes),
    body: ([x], { pads, mode }) =>
      pads.reduce<Tensor>((padded, [before, after], axis) => {
        if (before === 0 && after === 0) return padded;
        const [head, tail] = borders(padded, axis, { before, after, mode });
        return concatenated(
          [head, padded, tail].filter((part) => part.shape[axis] !== 0),
          axis,
        );
      }, x!),
  }),
};

/** What stands before and after `x` along `axis`. */
function borders(
  x: Tensor,
  axis: number,
  { before, after, mode }: { before: number; after: number; mode: PadMode },
): [Tensor, Tensor] {
  const size = x.shape[axis]!;
  const part = (start: number, count: number, step: 1 | -1): Tensor =>
    sliced(x, {
      start: x.shape.map((_, a) => (a === axis && count > 0 ? start : 0)),
      step: x.shape.map((_, a) => (a === axis ? step : 1)),
      shape: x.shape.with(axis, count),
    });
  switch (mode) {
    case "reflect":
      return [part(before, before, -1), part(size - 2, after, -1)];
    case "circular":
      return [part(size - before, before, 1), part(0, after, 1)];
    case "replicate":
      return [
        part(0, 1, 1).broadcastTo(x.shape.with(axis, before)),
        part(size - 1, 1, 1).broadcastTo(x.shape.with(axis, after)),
      ];
  }
}

function checkPadMode(operation: string, shape: Shape, { pads, mode }: PadModeAttributes): void {
  padShape(operation, shape, pads);
  pads.forEach(([before, after], axis) => {
    const size = shape[axis]!;
    const widest = Math.max(before, after);
    const limit = mode === "reflect" ? size - 1 : mode === "circular" ? size : size === 0 ? 0 : Infinity;
    if (widest <= limit || widest === 0) return;
    throw new ShapeError({
      operation,
      got: `axis ${axis} of ${formatShape(shape)} is to be padded by ${widest}`,
      rule: `, mode "${mode}" can add at most ${Math.max(0, limit)} elements there.`,
      wayOut:
        size > 0
          ? `Pad by ${Math.max(0, limit)} or less, or use mode "replicate", which has no limit.`
          : "Fill an empty axis with a value, by pad.",
    });
  });
}

/**
 * The same elements, in row-major order, in another shape; one dimension may be −1.
 *
 * @example
 * ```ts
 * import { reshape, tensor } from "@convoke/core";
 * console.log(reshape(tensor([1, 2, 3, 4, 5, 6]), [2, -1]).shape); // [2, 3]
 * ```
 */
export function reshape<S extends Shape, D extends DType, const T extends Shape>(
  x: Tensor<S, D>,
  shape: Fits<Reshape<S, T>> & T,
): Tensor<Ok<Reshape<S, T>>, D> {
  const target = reshapeShape(describeOperation("reshape"), x.shape, shape);
  const same = target.length === x.rank && target.every((dim, axis) => dim === x.shape[axis]);
  return (same ? x : apply(movementOps.reshape, [x], { shape: [...target] })) as Tensor<Ok<Reshape<S, T>>, D>;
}

/** Axis i of the result is axis `axes[i]` of `x`. */
export function permute<S extends Shape, D extends DType, const A extends Shape>(
  x: Tensor<S, D>,
  axes: Fits<Permute<S, A>> & A,
): Tensor<Ok<Permute<S, A>>, D> {
  const operation = describeOperation("permute");
  permuteShape(operation, x.shape, axes);
  const order = normaliseAxes(operation, axes, x.rank);
  const result = order.every((axis, i) => axis === i) ? x : apply(movementOps.permute, [x], { axes: order });
  return result as Tensor<Ok<Permute<S, A>>, D>;
}

/** The last two axes swapped. */
export function transpose<S extends Shape, D extends DType>(
  x: Fits<Transpose<S>> & Tensor<S, D>,
): Tensor<Ok<Transpose<S>>, D> {
  transposeShape(describeOperation("transpose"), x.shape);
  const order = x.shape.map((_, axis) => axis);
  const axes: Shape = [...order.slice(0, -2), x.rank - 1, x.rank - 2];
  const swapped: Tensor<Shape, D> = permute<Shape, D, Shape>(x, axes);
  return swapped as Tensor<Ok<Transpose<S>>, D>;
}

/** Repeated along new leading axes and along axes of 1, as in NumPy. */
export function broadcastTo<S extends Shape, D extends DType, const T extends Shape>(
  x: Tensor<S, D>,
  shape: Fits<BroadcastTo<S, T>> & T,
): Tensor<Ok<BroadcastTo<S, T>>, D> {
  const same = shape.length === x.rank && shape.every((dim, axis) => dim === x.shape[axis]);
  return (same ? x : apply(movementOps.broadcastTo, [x], { shape: [...shape] })) as Tensor<
    Ok<BroadcastTo<S, T>>,
    D
  >;
}

/**
 * Elements `start`, `start + step`, … before `end`, for each axis, as in Python; an axis without a range stays whole.
 *
 * @example
 * ```ts
 * import { slice, tensor } from "@convoke/core";
 * const x = tensor([[1, 2, 3], [4, 5, 6]]);
 * console.log(await slice(x, [{ start: -1 }, { step: -1 }]).data()); // Float32Array [6, 5, 4]
 * ```
 */
export function slice<S extends Shape, D extends DType, const R extends readonly Range[]>(
  x: Tensor<S, D>,
  ranges: Fits<Slice<S, R>> & R,
): Tensor<Ok<Slice<S, R>>, D> {
  const { shape, start, step } = sliceShape(describeOperation("slice"), x.shape, ranges);
  const whole = shape.every((dim, axis) => dim === x.shape[axis] && (step[axis]! > 0 || dim < 2));
  return (whole ? x : sliced(x, { start, step, shape })) as Tensor<Ok<Slice<S, R>>, D>;
}

/** `value` (0 by default, infinities allowed) around the tensor: [before, after] for each axis. */
export function pad<S extends Shape, D extends DType, const P extends PadPairs>(
  x: Tensor<S, D>,
  pads: Fits<Pad<S, P>> & P,
  value: number | bigint = 0,
): Tensor<Ok<Pad<S, P>>, D> {
  padShape(describeOperation("pad"), x.shape, pads);
  const nothing = pads.every(([before, after]) => before === 0 && after === 0);
  const plain = pads.map(([before, after]) => [before, after] as const);
  return (nothing ? x : apply(movementOps.pad, [x, x.literal(value)], { pads: plain })) as Tensor<
    Ok<Pad<S, P>>,
    D
  >;
}

/**
 * Pads with the tensor's own elements: `reflect` mirrors it at the edge element, `replicate` repeats the edge element,
 * `circular` continues at the other end. `pads` are [before, after] for each axis.
 *
 * @example
 * ```ts
 * import { padMode, tensor } from "@convoke/core";
 * console.log(await padMode(tensor([1, 2, 3]), [[2, 1]], "reflect").data()); // Float32Array [3, 2, 1, 2, 3, 2]
 * ```
 */
export function padMode<S extends Shape, D extends DType, const P extends PadPairs>(
  x: Tensor<S, D>,
  pads: Fits<Pad<S, P, "padMode">> & P,
  mode: PadMode,
): Tensor<Ok<Pad<S, P, "padMode">>, D> {
  padShape(describeOperation("padMode"), x.shape, pads);
  const plain = pads.map(([before, after]) => [before, after] as const);
  return apply(movementOps.padMode, [x], { pads: plain, mode }) as Tensor<Ok<Pad<S, P, "padMode">>, D>;
}

/** Without the given axes of 1; without all axes of 1 where none are given. */
export function squeeze<
  S extends Shape,
  D extends DType,
  const A extends number | Shape | undefined = undefined,
>(x: Tensor<S, D>, axes?: Fits<Squeeze<S, A>> & A): Tensor<Ok<Squeeze<S, A>>, D> {
  const shape = squeezeShape(describeOperation("squeeze"), x.shape, axes);
  return reshape<Shape, D, Shape>(x, shape) as Tensor<Ok<Squeeze<S, A>>, D>;
}

/** With new axes of 1; `axes` are their places in the result. */
export function unsqueeze<S extends Shape, D extends DType, const A extends number | Shape>(
  x: Tensor<S, D>,
  axes: Fits<Unsqueeze<S, A>> & A,
): Tensor<Ok<Unsqueeze<S, A>>, D> {
  const shape = unsqueezeShape(describeOperation("unsqueeze"), x.shape, axes);
  return reshape<Shape, D, Shape>(x, shape) as Tensor<Ok<Unsqueeze<S, A>>, D>;
}

/** Everything from axis `startAxis` (1 by default) in one axis. */
export function flatten<S extends Shape, D extends DType, A extends number = 1>(
  x: Tensor<S, D>,
  startAxis?: Fits<Flatten<S, A>> & A,
): Tensor<Ok<Flatten<S, A>>, D> {
  const shape = flattenShape(describeOperation("flatten"), x.shape, startAxis);
  return reshape<Shape, D, Shape>(x, shape) as Tensor<Ok<Flatten<S, A>>, D>;
}

/** Reversed along `axes`: a slice that walks backwards. */
export function flip<S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  axes: number | readonly number[],
): Tensor<S, D> {
  const reversed = normaliseAxes(describeOperation("flip"), axes, x.rank);
  const ranges = x.shape.map((_, axis) => (reversed.includes(axis) ? { step: -1 } : undefined));
  return slice<Shape, D, readonly Range[]>(x, ranges) as Tensor<S, D>;
}
