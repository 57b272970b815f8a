// Matrix products: float32 through the packed kernel with any strides, other types as sums in a loop.
import { specOf, type GraphNode, type Value } from "@convoke/core";
import {
  denseLayout,
  emitProductSums,
  mergeAxes,
  productLayouts,
  type Layout,
  type Operand,
  type Product,
} from "@convoke/core/planning";
import { shapeSize, type Shape } from "@convoke/shape";
import { encodeOperands, gemmFlags, gemmMemory } from "../operand-layouts.js";
import type { ProgramBuilder } from "../program/program-builder.js";

export function encodeMatmul(node: GraphNode, builder: ProgramBuilder): void {
  const { dtype, shape } = node.outputs[0]!;
  const product = productLayouts(node, builder);
  if (shapeSize(shape) === 0) return;
  if (dtype === "float32" && shapeSize(product.a.shape.slice(-1)) > 0)
    emitGemm(product, { relu: builder.rectifies(node) }, builder);
  else emitProductSums(product, dtype, builder);
}

/** x [..., in] · weightᵀ [in, out] + bias: all leading axes are rows. */
export function encodeLinear(node: GraphNode, builder: ProgramBuilder): void {
  const [x, weight, bias] = node.inputs as [Value, Value, Value | undefined];
  const { shape } = specOf(x);
  const [inputs, outputs] = [shape.at(-1)!, specOf(weight).shape[0]!];
  const rows = shapeSize(shape.slice(0, -1));
  const y = builder.result({ node, index: 0 });
  if (rows * outputs === 0) return;
  const w = builder.layoutOf(weight);
  emitGemm(
    {
      a: denseLayout(builder.dense(x), [rows, inputs]),
      b: { ...w, shape: [inputs, outputs], strides: [w.strides[1]!, w.strides[0]!] },
      c: denseLayout(y.buffer, [rows, outputs]),
    },
    { bias: bias && { buffer: builder.dense(bias) }, relu: builder.rectifies(node) },
    builder,
  );
}

function emitGemm(
  { a, b, c }: Product,
  { bias, relu }: { bias?: Operand | undefined; relu: boolean },
  builder: ProgramBuilder,
): void {
  const [rows, columns, depth] = [c.shape.at(-2)!, c.shape.at(-1)!, a.shape.at(-1)!];
  const batch = (layout: Layout) => ({ layout, strides: layout.strides.slice(0, -2) });
  const merged = mergeAxes(c.shape.slice(0, -2), [a, b, c].map(batch));
  const last = merged.shape.length - 1;
  const [aBatch, bBatch, cBatch] = merged.accesses.map(({ strides }) => strides[last]!) as [
    number,
    number,
    number,
  ];
  const count = merged.shape[last]!;
  const size = { batch: count, rows, columns, depth, aBatch, bBatch };
  const needs = gemmMemory(size);
  // Batch axes that no single stride walks are products of their own.
  forEachIndex(merged.shape.slice(0, -1), (index) => {
    const at = (layout: Layout, i: number): Operand => {
      const { strides } = merged.accesses[i]!;
      const elements = index.reduce((sum, position, axis) => sum + position * strides[axis]!, layout.offset);
      return { buffer: layout.buffer, offset: 4 * elements };
    };
    const operands = encodeOperands<"gemm", Operand>("gemm", {
      a: at(a, 0),
      b: at(b, 1),
      c: at(c, 2),
      bias: bias ?? 0,
      packed: { buffer: builder.buffer(needs.packed) },
      scratch: { buffer: builder.buffer(needs.scratch * builder.workers) },
      scratchBytes: needs.scratch,
      ...size,
      aRow: a.strides.at(-2)!,
      aDepth: a.strides.at(-1)!,
      bDepth: b.strides.at(-2)!,
      bColumn: b.strides.at(-1)!,
      cRow: c.strides.at(-2)!,
      cColumn: c.strides.at(-1)!,
      cBatch,
      flags: (bias === undefined ? 0 : gemmFlags.biasPerColumn) | (relu ? gemmFlags.relu : 0),
    });
    builder.kernel("gemmPack", operands);
    builder.kernel("gemm", operands);
  });
}

function forEachIndex(shape: Shape, visit: (index: readonly number[]) => void): void {
  const index = shape.map(() => 0);
  for (let left = shapeSize(shape); left > 0; left--) {
    visit(index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
}
