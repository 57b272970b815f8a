// The k largest or smallest elements along an axis, in order.
import { formatShape, normaliseAxis, ShapeError, shapeSize, type Shape } from "@convoke/shape";
import type { DType } from "../dtype.js";
import { applyAll } from "../graph/apply.js";
import { describeOperation } from "../graph/scope.js";
import type { Tensor } from "../tensor.js";
import { primitive } from "./definition.js";
import { numericDType } from "./dtype-rules.js";
import { scatterAlongAxis } from "./indexing.js";

export interface TopKAttributes {
  readonly k: number;
  readonly axis: number;
  readonly largest: boolean;
}

/** Ascending, NaN as the largest. */
function compare(a: number | bigint, b: number | bigint): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return Number(a !== a) - Number(b !== b);
}

export const sortOps = {
  /** Two outputs: the values in order, and their indices (int32). Of equals the first comes first; NaN is largest. */
  topK: primitive<"topK", TopKAttributes>({
    name: "topK",
    infer: (operation, [x], { k, axis }) => {
      const size = x!.shape[axis]!;
      if (!Number.isInteger(k) || k < 0 || k > size) {
        throw new ShapeError({
          operation,
          got: `k is ${k}`,
          rule: `, axis ${axis} of ${formatShape(x!.shape)} has ${size} elements.`,
          wayOut: `Use a whole number from 0 to ${size}.`,
        });
      }
      const shape = x!.shape.with(axis, k);
      return [
        { shape, dtype: numericDType(operation, x!) },
        { shape, dtype: "int32" },
      ];
    },
    gradient: ({ inputs: [x], outputs: [, indices], gradients: [g], attributes: { axis } }) => {
      if (g === undefined) return [undefined];
      const zeros = g.literal(0).broadcastTo(x!.shape);
      return [scatterAlongAxis(zeros, indices as Tensor<Shape, "int32">, { updates: g, axis })];
    },
    reference: ([x], [values, indices], { k, axis, largest }) => {
      const count = x!.shape[axis]!;
      const inner = shapeSize(x!.shape.slice(axis + 1));
      const lines = shapeSize(x!.shape.slice(0, axis)) * inner;
      for (let line = 0; line < lines; line++) {
        const block = Math.floor(line / inner);
        const at = (i: number): number => (block * count + i) * inner + (line % inner);
        const order = Array.from({ length: count }, (_, i) => i).sort((i, j) => {
          const difference = compare(x!.data[at(i)]!, x!.data[at(j)]!);
          return largest ? -difference : difference;
        });
        for (let i = 0; i < k; i++) {
          const target = (block * k + i) * inner + (line % inner);
          values!.data[target] = x!.data[at(order[i]!)] as never;
          indices!.data[target] = order[i] as never;
        }
      }
    },
  }),
};

export interface TopKOptions {
  /** The last axis by default. */
  readonly axis?: number | undefined;
  /** False gives the smallest elements. */
  readonly largest?: boolean | undefined;
}

export interface TopK<D extends DType> {
  readonly values: Tensor<Shape, D>;
  readonly indices: Tensor<Shape, "int32">;
}

/**
 * The `k` largest elements along an axis, the largest first, and where they stand. Of equals the first comes first.
 *
 * @example
 * ```ts
 * import { tensor, topK } from "@convoke/core";
 * const { values, indices } = topK(tensor([3, 9, 4]), 2);
 * console.log(await values.data(), await indices.data()); // Float32Array [9, 4] Int32Array [1, 2]
 * ```
 */
export function topK<D extends DType>(
  x: Tensor<Shape, D>,
  k: number,
  { axis = -1, largest = true }: TopKOptions = {},
): TopK<D> {
  const along = normaliseAxis(describeOperation("topK"), axis, x.rank);
  const [values, indices] = applyAll(sortOps.topK, [x], { k, axis: along, largest });
  return { values: values as Tensor<Shape, D>, indices: indices as Tensor<Shape, "int32"> };
}
