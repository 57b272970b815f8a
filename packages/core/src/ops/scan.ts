// Running totals along an axis.
import { normaliseAxis, shapeSize, type Shape } from "@convoke/shape";
import type { DType } from "../dtype.js";
import { apply } from "../graph/apply.js";
import { describeOperation } from "../graph/scope.js";
import type { Tensor } from "../tensor.js";
import { primitive } from "./definition.js";
import { numericDType } from "./dtype-rules.js";

export interface CumsumAttributes {
  readonly axis: number;
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

export const scanOps = {
  /** Sums in double precision. Its gradient is the running total from the other end. */
  cumsum: primitive<"cumsum", CumsumAttributes>({
    name: "cumsum",
    infer: (operation, [x]) => [{ shape: x!.shape, dtype: numericDType(operation, x!) }],
    gradient: ({ gradients: [g], attributes }) => [
      cumsum(g!, attributes.axis, { ...attributes, reverse: !attributes.reverse }),
    ],
    reference: ([x], [y], { axis, exclusive, reverse }) => {
      const count = x!.shape[axis]!;
      const inner = shapeSize(x!.shape.slice(axis + 1));
      const lines = shapeSize(x!.shape.slice(0, axis)) * inner;
      const first = reverse ? (count - 1) * inner : 0;
      const step = reverse ? -inner : inner;
      // Written for doubles; the same text is right for 64-bit integers, but for the zero it starts from.
      const source = x!.data as Float64Array;
      const target = y!.data as Float64Array;
      const zero = (x!.dtype === "int64" ? 0n : 0) as number;
      for (let line = 0; line < lines; line++) {
        let at = Math.floor(line / inner) * count * inner + (line % inner) + first;
        let total = zero;
        for (let i = 0; i < count; i++, at += step) {
          const before = total;
          total += source[at]!;
          target[at] = exclusive ? before : total;
        }
      }
    },
  }),
};

export interface CumsumOptions {
  /** Leaves out the element itself: the first total is 0. */
  readonly exclusive?: boolean | undefined;
  /** Starts at the end of the axis. */
  readonly reverse?: boolean | undefined;
}

/**
 * The running total along `axis`.
 *
 * @example
 * ```ts
 * import { cumsum, tensor } from "@convoke/core";
 * console.log(await cumsum(tensor([1, 2, 3]), 0).data()); // Float32Array [1, 3, 6]
 * ```
 */
export function cumsum<S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  axis: number,
  { exclusive = false, reverse = false }: CumsumOptions = {},
): Tensor<S, D> {
  const along = normaliseAxis(describeOperation("cumsum"), axis, x.rank);
  return apply(scanOps.cumsum, [x], { axis: along, exclusive, reverse }) as Tensor<S, D>;
}
