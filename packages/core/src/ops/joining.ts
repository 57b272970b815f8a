// One tensor of several, or of one several times, and several of one: concat, stack, tile, repeat, split.
import {
  concat as concatShape,
  formatShape,
  normaliseAxis,
  repeat as repeatShape,
  ShapeError,
  stack as stackShape,
  tile as tileShape,
  type Concat,
  type Fits,
  type Ok,
  type Repeat,
  type Shape,
  type Stack,
  type Tile,
} from "@convoke/shape";
import type { DType } from "../dtype.js";
import { apply } from "../graph/apply.js";
import { describeOperation } from "../graph/scope.js";
import type { Tensor } from "../tensor.js";
import { movementOps, slice, unsqueeze, type Range } from "./movement.js";
import type { SameDType } from "./operands.js";

/** The shapes of a list of tensors. */
export type ShapesOf<L extends readonly Tensor[]> = { [K in keyof L]: L[K]["shape"] };

/** `Result`, or a message where the first of the element types is known and another differs from it. */
type SameDTypes<L extends readonly Tensor[], Result, Op extends string> = L extends readonly [
  infer A extends Tensor,
  infer B extends Tensor,
  ...infer Rest extends readonly Tensor[],
]
  ? SameDType<A["dtype"], B["dtype"], SameDTypes<[A, ...Rest], Result, Op>, Op>
  : Result;

/** Tensors joined along `axis`; on all other axes they agree. */
export function concat<const L extends readonly Tensor[], const A extends number = 0>(
  tensors: Fits<SameDTypes<L, Concat<ShapesOf<L>, A>, "concat">> & L,
  axis?: A,
): Tensor<Ok<Concat<ShapesOf<L>, A>>, L[number]["dtype"]> {
  return joined(tensors, axis) as Tensor<Ok<Concat<ShapesOf<L>, A>>, L[number]["dtype"]>;
}

function joined(tensors: readonly Tensor[], axis: number = 0): Tensor {
  const operation = describeOperation("concat");
  concatShape(
    operation,
    tensors.map((x) => x.shape),
    axis,
  );
  const along = normaliseAxis(operation, axis, tensors[0]!.rank);
  return tensors.length === 1 ? tensors[0]! : apply(movementOps.concat, tensors, { axis: along });
}

/** Tensors of one shape laid one upon the other along a new axis, which stands at `axis` in the result. */
export function stack<const L extends readonly Tensor[], const A extends number = 0>(
  tensors: Fits<SameDTypes<L, Stack<ShapesOf<L>, A>, "stack">> & L,
  axis?: A,
): Tensor<Ok<Stack<ShapesOf<L>, A>>, L[number]["dtype"]> {
  const operation = describeOperation("stack");
  const place: number = axis ?? 0;
  stackShape(
    operation,
    tensors.map((x) => x.shape),
    place,
  );
  const raised = tensors.map((x) => unsqueeze(x, place));
  return joined(raised, place) as Tensor<Ok<Stack<ShapesOf<L>, A>>, L[number]["dtype"]>;
}

/** The tensor laid side by side, `counts` times along each axis. */
export function tile<S extends Shape, D extends DType, const C extends Shape>(
  x: Tensor<S, D>,
  counts: Fits<Tile<S, C>> & C,
): Tensor<Ok<Tile<S, C>>, D> {
  const shape = tileShape(describeOperation("tile"), x.shape, counts);
  const split: Shape = x.shape.flatMap((dim) => [1, dim]);
  const repeated: Shape = x.shape.flatMap((dim, axis) => [counts[axis]!, dim]);
  const parts: Tensor<Shape, D> = x;
  return parts.reshape(split).broadcastTo(repeated).reshape(shape) as Tensor<Ok<Tile<S, C>>, D>;
}

/** Each element along `axis` `count` times in a row. */
export function repeat<S extends Shape, D extends DType, C extends number, A extends number>(
  x: Tensor<S, D>,
  count: C,
  axis: Fits<Repeat<S, C, A>> & A,
): Tensor<Ok<Repeat<S, C, A>>, D> {
  const operation = describeOperation("repeat");
  const shape = repeatShape(operation, x.shape, count, axis);
  const after = normaliseAxis(operation, axis, x.rank) + 1;
  const repeated: Shape = x.shape.toSpliced(after, 0, count);
  const split: Shape = x.shape.toSpliced(after, 0, 1);
  const parts: Tensor<Shape, D> = x;
  return parts.reshape(split).broadcastTo(repeated).reshape(shape) as Tensor<Ok<Repeat<S, C, A>>, D>;
}

/**
 * The tensor cut along `axis` into parts of the given sizes, or into `parts` equal ones.
 *
 * @example
 * ```ts
 * import { split, tensor } from "@convoke/core";
 * const [a, b] = split(tensor([1, 2, 3, 4, 5]), [2, 3]);
 * console.log(a?.shape, b?.shape); // [2] [3]
 * ```
 */
export function split<D extends DType>(
  x: Tensor<Shape, D>,
  parts: number | readonly number[],
  axis = 0,
): Tensor<Shape, D>[] {
  const operation = describeOperation("split");
  const along = normaliseAxis(operation, axis, x.rank);
  const size = x.shape[along]!;
  const sizes = typeof parts === "number" ? new Array<number>(parts).fill(size / parts) : parts;
  const total = sizes.reduce((sum, part) => sum + part, 0);
  if (!sizes.every((part) => Number.isInteger(part) && part >= 0) || total !== size) {
    throw new ShapeError({
      operation,
      got: `axis ${along} of ${formatShape(x.shape)} has ${size} elements`,
      rule:
        typeof parts === "number"
          ? `, they do not divide into ${parts} equal parts.`
          : `, the parts ${formatShape(parts)} have ${total}.`,
      wayOut: `Give the sizes of the parts, whole numbers whose sum is ${size}.`,
    });
  }
  let position = 0;
  return sizes.map((part) => {
    const range = { start: position, end: (position += part) };
    return slice(x, [...new Array<Range>(along).fill(undefined), range]);
  });
}
