// Matrix products: their operands as layouts, and as sums in a generated loop.
import { accumulatorOf, type DType } from "../dtype.js";
import type { GraphNode, Value } from "../graph/node.js";
import { broadcastLayout, type Layout } from "./layout.js";
import { denseOutput, strided, type PlanBuilder } from "./plan-builder.js";

/** a [..., m, k] · b [..., k, n] with the batch axes of the result. */
export interface Product {
  readonly a: Layout;
  readonly b: Layout;
  readonly c: Layout;
}

/** The operands of a product, repeated over the batch axes of the result, and its result. */
export function productLayouts(node: GraphNode, builder: PlanBuilder): Product {
  const [a, b] = node.inputs as [Value, Value];
  const batch = node.outputs[0]!.shape.slice(0, -2);
  const over = (value: Value): Layout => {
    const layout = builder.layoutOf(value);
    return broadcastLayout(layout, [...batch, ...layout.shape.slice(-2)]);
  };
  return { a: over(a), b: over(b), c: builder.result({ node, index: 0 }) };
}

/** c = Σₖ a · b element by element: every type, no speed. */
export function emitProductSums({ a, b, c }: Product, dtype: DType, builder: PlanBuilder): void {
  const rank = c.shape.length;
  const [rows, columns] = [rank - 2, rank - 1];
  const batchOf = (layout: Layout): readonly number[] => layout.strides.slice(0, rows);
  builder.reduction({
    kept: c.shape,
    reduced: [a.shape[columns]!],
    inputs: [
      { ...strided(a, dtype), strides: [...batchOf(a), a.strides[rows]!, 0, a.strides[columns]!] },
      { ...strided(b, dtype), strides: [...batchOf(b), 0, b.strides[columns]!, b.strides[rows]!] },
    ],
    steps: [{ op: "mul", arguments: [0, 1], dtype: accumulatorOf(dtype) }],
    results: [{ ...denseOutput(c, dtype), op: "sum", value: 2 }],
  });
}
