// Looking up and adding by index. Negative indices count from the end; what is out of range is found when it runs.
import {
  formatShape,
  gather as gatherShape,
  normaliseAxis,
  ShapeError,
  shapeSize,
  type Fits,
  type Gather,
  type Ok,
  type Shape,
} from "@convoke/shape";
import type { DType, TypedArray } from "../dtype.js";
import { ConvokeError } from "../errors.js";
import { apply } from "../graph/apply.js";
import { constantNode } from "../graph/leaf.js";
import type { TensorSpec } from "../graph/node.js";
import { describeOperation } from "../graph/scope.js";
import type { Tensor } from "../tensor.js";
import { composite, primitive, type HostArray } from "./definition.js";
import { indexDType, sameDType } from "./dtype-rules.js";
import { stridesOf, forEachOffset } from "./kernel-loops.js";

export interface AxisAttributes {
  readonly axis: number;
}

export interface OneHotAttributes {
  readonly depth: number;
  readonly dtype: DType;
}

export type Indices<T extends Shape = Shape> = Tensor<T, "int32" | "int64">;

/** The indices as positions from the front; throws at the first that is out of range. */
function positions(operation: string, indices: HostArray, shape: Shape, axis: number): Int32Array {
  const size = shape[axis]!;
  const result = new Int32Array(indices.data.length);
  for (let i = 0; i < result.length; i++) {
    const index = Number(indices.data[i]);
    if (index < -size || index >= size) {
      throw new ConvokeError({
        operation,
        problem: `index ${index} (element ${i} of the indices) is out of range for axis ${axis} of ${formatShape(shape)}.`,
        wayOut:
          size === 0
            ? "That axis is empty: no index fits."
            : `Indices run from 0 to ${size - 1}, or from ${-size} to -1 counted from the end.`,
      });
    }
    result[i] = index < 0 ? index + size : index;
  }
  return result;
}

/** A copy of `data` in which sums are exact enough: doubles, or 64-bit integers. */
function accumulator(data: TypedArray): Float64Array {
  // The additions below are written for doubles; the same text is right for 64-bit integers.
  const copy: TypedArray =
    data instanceof BigInt64Array ? data.slice() : Float64Array.from(data as Float64Array);
  return copy as Float64Array;
}

/** Sizes around an axis: how many blocks stand before it, and how many elements one step along it spans. */
function around(shape: Shape, axis: number): { outer: number; inner: number } {
  return { outer: shapeSize(shape.slice(0, axis)), inner: shapeSize(shape.slice(axis + 1)) };
}

/**
 * For each element of `indices`, its position in row-major order and the offset in an array of shape `shape` of the
 * element that it names along `axis`.
 */
function forEachAlongAxis(
  operation: string,
  { indices, shape, axis }: { indices: HostArray; shape: Shape; axis: number },
  visit: (position: number, offset: number) => void,
): void {
  const along = positions(operation, indices, shape, axis);
  const strides = stridesOf(shape);
  const step = strides[axis]!;
  forEachOffset(indices.shape, strides.with(axis, 0), (position, offset) =>
    visit(position, offset + along[position]! * step),
  );
}

function checkAlongAxis(operation: string, x: TensorSpec, indices: TensorSpec, axis: number): void {
  indexDType(operation, indices);
  const sameRank = x.shape.length === indices.shape.length;
  const wide = indices.shape.findIndex((dim, a) => a !== axis && dim > (x.shape[a] ?? 0));
  if (sameRank && wide < 0) return;
  throw new ShapeError({
    operation,
    got: `the indices ${formatShape(indices.shape)} do not fit ${formatShape(x.shape)}`,
    rule: sameRank
      ? `: axis ${wide} has ${indices.shape[wide]}, at most ${x.shape[wide]} is allowed there; only axis ${axis} may be longer.`
      : `: they have ${indices.shape.length} axes and the tensor ${x.shape.length}, they must have equally many.`,
    wayOut: `Use indices of shape ${formatShape(x.shape)}, with any size on axis ${axis}, or gather for whole slices.`,
  });
}

function checkUpdates(operation: string, updates: TensorSpec, shape: Shape): void {
  if (formatShape(updates.shape) === formatShape(shape)) return;
  throw new ShapeError({
    operation,
    got: `the updates have shape ${formatShape(updates.shape)}`,
    rule: `, the indices ask for ${formatShape(shape)}.`,
    wayOut: `Give updates of shape ${formatShape(shape)}, for instance by broadcastTo.`,
  });
}

function zeros(like: Tensor, shape: Shape): Tensor {
  return like.literal(0).broadcastTo(shape);
}

export const indexingOps = {
  gather: primitive<"gather", AxisAttributes>({
    name: "gather",
    infer: (operation, [x, indices], { axis }) => {
      indexDType(operation, indices!);
      return [{ shape: gatherShape(operation, x!.shape, indices!.shape, axis), dtype: x!.dtype }];
    },
    gradient: ({ inputs: [x, indices], gradients: [g], attributes: { axis } }) => [
      scatterAdd(zeros(g!, x!.shape), indices as Indices, { updates: g!, axis }),
      undefined,
    ],
    reference: ([x, indices], [y], { axis }) => {
      const at = positions("gather", indices!, x!.shape, axis);
      const { outer, inner } = around(x!.shape, axis);
      const size = x!.shape[axis]!;
      let target = 0;
      for (let o = 0; o < outer; o++) {
        for (let i = 0; i < at.length; i++) {
          const from = (o * size + at[i]!) * inner;
          y!.data.set(x!.data.subarray(from, from + inner) as never, target);
          target += inner;
        }
      }
    },
  }),
  /** The first input plus each slice of the third at the place along `axis` that the second names. */
  scatterAdd: primitive<"scatterAdd", AxisAttributes>({
    name: "scatterAdd",
    infer: (operation, [base, indices, updates], { axis }) => {
      indexDType(operation, indices!);
      checkUpdates(operation, updates!, gatherShape(operation, base!.shape, indices!.shape, axis));
      return [{ shape: base!.shape, dtype: sameDType(operation, [base!, updates!]) }];
    },
    gradient: ({ inputs: [, indices], gradients: [g], attributes: { axis } }) => [
      g,
      undefined,
      g!.gather(indices as Indices, axis),
    ],
    reference: ([base, indices, updates], [y], { axis }) => {
      const at = positions("scatterAdd", indices!, base!.shape, axis);
      const { outer, inner } = around(base!.shape, axis);
      const size = base!.shape[axis]!;
      const totals = accumulator(base!.data);
      const added = updates!.data as Float64Array;
      let from = 0;
      for (let o = 0; o < outer; o++) {
        for (let i = 0; i < at.length; i++) {
          const target = (o * size + at[i]!) * inner;
          for (let k = 0; k < inner; k++) totals[target + k]! += added[from + k]!;
          from += inner;
        }
      }
      y!.data.set(totals as never);
    },
  }),
  takeAlongAxis: primitive<"takeAlongAxis", AxisAttributes>({
    name: "takeAlongAxis",
    infer: (operation, [x, indices], { axis }) => {
      checkAlongAxis(operation, x!, indices!, axis);
      return [{ shape: indices!.shape, dtype: x!.dtype }];
    },
    gradient: ({ inputs: [x, indices], gradients: [g], attributes: { axis } }) => [
      scatterAlongAxis(zeros(g!, x!.shape), indices as Indices, { updates: g!, axis }),
      undefined,
    ],
    reference: ([x, indices], [y], { axis }) =>
      forEachAlongAxis("takeAlongAxis", { indices: indices!, shape: x!.shape, axis }, (position, offset) => {
        y!.data[position] = x!.data[offset] as never;
      }),
  }),
  /** The first input plus each element of the third at the place along `axis` that the second names. */
  scatterAlongAxis: primitive<"scatterAlongAxis", AxisAttributes>({
    name: "scatterAlongAxis",
    infer: (operation, [base, indices, updates], { axis }) => {
      checkAlongAxis(operation, base!, indices!, axis);
      checkUpdates(operation, updates!, indices!.shape);
      return [{ shape: base!.shape, dtype: sameDType(operation, [base!, updates!]) }];
    },
    gradient: ({ inputs: [, indices], gradients: [g], attributes: { axis } }) => [
      g,
      undefined,
      g!.takeAlongAxis(indices as Indices, axis),
    ],
    reference: ([base, indices, updates], [y], { axis }) => {
      const totals = accumulator(base!.data);
      const added = updates!.data as Float64Array;
      forEachAlongAxis(
        "scatterAlongAxis",
        { indices: indices!, shape: base!.shape, axis },
        (position, offset) => {
          totals[offset]! += added[position]!;
        },
      );
      y!.data.set(totals as never);
    },
  }),
  /** 1 at the index along a new last axis and 0 elsewhere; an index out of range gives zeros only, as in ONNX. */
  oneHot: composite<"oneHot", OneHotAttributes>({
    name: "oneHot",
    check: (operation, [indices]) => {
      indexDType(operation, indices!);
    },
    body: ([indices], { depth, dtype }) => {
      const classes = Int32Array.from({ length: depth }, (_, i) => i);
      const range = constantNode(classes, { shape: [depth], dtype: "int32" });
      const at = indices!.cast("int32").unsqueeze(-1);
      const fromFront = at.less(0).where(at.add(depth), at);
      return fromFront.equal(at.derive({ node: range, index: 0 }) as Tensor<Shape, "int32">).cast(dtype);
    },
    gradient: "none",
  }),
};

/**
 * The slices of `axis` that `indices` name; the result has the shape of `indices` in place of that axis. An embedding
 * looks up rows this way.
 *
 * @example
 * ```ts
 * import { gather, tensor } from "@convoke/core";
 * const rows = tensor([[1, 2], [3, 4], [5, 6]]);
 * console.log(await gather(rows, tensor([2, 0], { dtype: "int32" })).data()); // Float32Array [5, 6, 1, 2]
 * ```
 */
export function gather<S extends Shape, D extends DType, T extends Shape, A extends number = 0>(
  x: Tensor<S, D>,
  indices: Indices<T>,
  axis?: Fits<Gather<S, T, A>> & A,
): Tensor<Ok<Gather<S, T, A>>, D> {
  const along = normaliseAxis(describeOperation("gather"), axis ?? 0, x.rank);
  return apply(indexingOps.gather, [x, indices], { axis: along }) as Tensor<Ok<Gather<S, T, A>>, D>;
}

export interface ScatterOptions<D extends DType> {
  /** What is added. */
  readonly updates: Tensor<Shape, D>;
  readonly axis: number;
}

/** `base` plus the slices of `updates`, each at the place along `axis` that `indices` names. Repeated places add up. */
export function scatterAdd<S extends Shape, D extends DType>(
  base: Tensor<S, D>,
  indices: Indices,
  { updates, axis }: ScatterOptions<D>,
): Tensor<S, D> {
  const along = normaliseAxis(describeOperation("scatterAdd"), axis, base.rank);
  return apply(indexingOps.scatterAdd, [base, indices, updates], { axis: along }) as Tensor<S, D>;
}

/**
 * For each position of `indices`, the element of that line along `axis` that it names (ONNX `GatherElements`). Along
 * the other axes `indices` is at most as long as `x`.
 */
export function takeAlongAxis<D extends DType, T extends Shape>(
  x: Tensor<Shape, D>,
  indices: Indices<T>,
  axis: number,
): Tensor<T, D> {
  const along = normaliseAxis(describeOperation("takeAlongAxis"), axis, x.rank);
  return apply(indexingOps.takeAlongAxis, [x, indices], { axis: along }) as Tensor<T, D>;
}

/** `base` plus each element of `updates` at the place in its line along `axis` that `indices` names. Repeats add up. */
export function scatterAlongAxis<S extends Shape, D extends DType>(
  base: Tensor<S, D>,
  indices: Indices,
  { updates, axis }: ScatterOptions<D>,
): Tensor<S, D> {
  const along = normaliseAxis(describeOperation("scatterAlongAxis"), axis, base.rank);
  return apply(indexingOps.scatterAlongAxis, [base, indices, updates], { axis: along }) as Tensor<S, D>;
}

/**
 * 1 at the index along a new last axis of size `depth`, 0 elsewhere. An index out of range gives zeros only.
 *
 * @example
 * ```ts
 * import { oneHot, tensor } from "@convoke/core";
 * console.log(await oneHot(tensor([1, 0], { dtype: "int32" }), 3).data()); // Float32Array [0, 1, 0, 1, 0, 0]
 * ```
 */
export function oneHot<T extends Shape, Depth extends number, D extends DType = "float32">(
  indices: Indices<T>,
  depth: Depth,
  dtype?: D,
): Tensor<Ok<OneHot<T, Depth>>, NoInfer<D>> {
  const result = apply(indexingOps.oneHot, [indices], { depth, dtype: dtype ?? "float32" });
  return result as Tensor<Ok<OneHot<T, Depth>>, NoInfer<D>>;
}

type OneHot<T extends Shape, Depth extends number> = number extends T["length"] ? Shape : [...T, Depth];
