// Matrix products: floating-point ones in tiles with any strides, other types as sums in a loop.
import { isFloat, specOf, type DType, type GraphNode, type Value } from "@convoke/core";
import { denseLayout, emitProductSums, productLayouts, type Layout } from "@convoke/core/planning";
import { shapeSize } from "@convoke/shape";
import type { ProgramBuilder } from "../program/program-builder.js";
import { placeOf, positionsOf } from "../wgsl/indices.js";
import { ShaderText } from "../wgsl/shader.js";
import type { GemmOperand } from "./gemm.js";
import { emitProduct } from "./products.js";

export function encodeMatmul(node: GraphNode, builder: ProgramBuilder): void {
  const { dtype, shape } = node.outputs[0]!;
  const product = productLayouts(node, builder);
  if (shapeSize(shape) === 0) return;
  const { a, b, c } = product;
  const depth = a.shape.at(-1)!;
  if (!isFloat(dtype) || depth === 0) {
    emitProductSums(product, dtype, builder);
    return;
  }
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  const text = new ShaderText();
  const common = { batches: shape.slice(0, -2), dtype };
  emitProduct(
    text,
    {
      size: { batch: shapeSize(common.batches), rows, columns, depth },
      a: matrixOperand(text, "a", {
        ...common,
        layout: a,
        outer: a.strides.at(-2)!,
        depth: a.strides.at(-1)!,
      }),
      b: matrixOperand(text, "b", {
        ...common,
        layout: b,
        outer: b.strides.at(-1)!,
        depth: b.strides.at(-2)!,
      }),
      target: c.buffer,
      dtype,
      place: `(batch * ${rows} + row) * ${columns} + column`,
      rectify: builder.rectifies(node),
    },
    builder,
  );
}

/** x [..., in] · weightᵀ [in, out] + bias: all leading axes are rows. */
export function encodeLinear(node: GraphNode, builder: ProgramBuilder): void {
  const [x, weight, bias] = node.inputs as [Value, Value, Value | undefined];
  const { shape, dtype } = specOf(x);
  const [inputs, outputs] = [shape.at(-1)!, specOf(weight).shape[0]!];
  const rows = shapeSize(shape.slice(0, -1));
  const y = builder.result({ node, index: 0 });
  if (rows * outputs === 0) return;
  const text = new ShaderText();
  const a = denseLayout(builder.dense(x), [rows, inputs]);
  const w = builder.layoutOf(weight);
  const addend = bias === undefined ? undefined : builder.layoutOf(bias);
  const common = { batches: [], dtype };
  emitProduct(
    text,
    {
      size: { batch: 1, rows, columns: outputs, depth: inputs },
      a: matrixOperand(text, "a", { ...common, layout: a, outer: inputs, depth: 1 }),
      b: matrixOperand(text, "b", { ...common, layout: w, outer: w.strides[0]!, depth: w.strides[1]! }),
      target: y.buffer,
      dtype,
      place: `row * ${outputs} + column`,
      bias: addend && text.source(addend.buffer, dtype)(placeOf(["column"], addend)),
      rectify: builder.rectifies(node),
    },
    builder,
  );
}

/** A matrix, or one for each of `batches`, as an operand: `outer` and `depth` are its strides. */
export function matrixOperand(
  text: ShaderText,
  name: "a" | "b",
  parts: { layout: Layout; dtype: DType; batches: readonly number[]; outer: number; depth: number },
): GemmOperand {
  const { layout, batches } = parts;
  const batch = positionsOf("batch", batches, `${name}Batch`);
  const start = placeOf(batch.names, { strides: layout.strides, offset: layout.offset });
  const source = text.source(layout.buffer, parts.dtype);
  const keeps = Math.abs(parts.outer) === 1 && Math.abs(parts.depth) !== 1 ? "outer" : "depth";
  return {
    keeps,
    outer: (index) =>
      `${batch.code}\nlet ${name}Start = ${start} + ${placeOf([index], { strides: [parts.outer], offset: 0 })};`,
    depth: (index) => `let ${name}Depth = ${placeOf([index], { strides: [parts.depth], offset: 0 })};`,
    element: source(`${name}Start + ${name}Depth`),
  };
}
