// Where a product puts its results: straight into place, or in parts that are added up afterwards.
import { isFloat, type DType, type GraphNode } from "@convoke/core";
import type { BufferId } from "@convoke/core/planning";
import type { ProgramBuilder } from "../program/program-builder.js";
import type { ShaderText } from "../wgsl/shader.js";
import type { GemmOperand, GemmSize } from "./gemm.js";
import { depthPartsOf, productKernelFor } from "./product-kernels.js";

export interface ProductParts {
  readonly size: GemmSize;
  readonly a: GemmOperand;
  readonly b: GemmOperand;
  readonly target: BufferId;
  /** The type of the results; sums are float32. */
  readonly dtype: DType;
  /** Where `row` and `column` of `batch` lie in the target, which is dense. */
  readonly place: string;
  /** What is added to each result, an expression in `row` and `column`. */
  readonly bias?: string | undefined;
  /** Whether negative results become 0. */
  readonly rectify?: boolean;
}

/** Adds the dispatches of a product to a program. */
export function emitProduct(text: ShaderText, parts: ProductParts, builder: ProgramBuilder): void {
  const { size, a, b, target, dtype, place, bias, rectify = false } = parts;
  const results = size.batch * size.rows * size.columns;
  const kernel = productKernelFor(size, builder.traits);
  const isPlain = bias === undefined && !rectify;
  const depthParts = isPlain ? depthPartsOf(kernel, size) : 1;
  if (depthParts === 1) {
    const store = [
      bias === undefined ? "" : `value += ${bias};`,
      rectify ? `value = ${rectified(text)};` : "",
      text.target(target, dtype)(place, "value"),
    ];
    builder.dispatch(
      kernel.write(text, { size, depthParts, dtype, a, b, result: { store: store.join("\n") } }),
    );
    return;
  }
  const partial = builder.scratch([depthParts, results], "float32").buffer;
  const store = text.target(partial, "float32")(`part * ${results} + ${place}`, "value");
  builder.dispatch(kernel.write(text, { size, depthParts, dtype, a, b, result: { store } }));
  sumParts({ from: partial, to: target, dtype, parts: depthParts, results }, builder);
}

/** Adds up results that were computed in parts, [part, result]. */
export function sumParts(
  given: { from: BufferId; to: BufferId; dtype: DType; parts: number; results: number },
  builder: ProgramBuilder,
): void {
  const { from, to, dtype, parts, results } = given;
  builder.reduction({
    kept: [results],
    reduced: [parts],
    inputs: [{ buffer: from, dtype: "float32", strides: [1, results], offset: 0 }],
    steps: [],
    results: [{ buffer: to, dtype, strides: [1], offset: 0, op: "sum", value: 0 }],
  });
}

/** A ReLU of `value`: what is no number stays. */
export function rectified(text: ShaderText): string {
  text.use("maximum");
  return "maximum(value, 0f)";
}

/** Whether a node is a product of floating-point numbers, in whichever kernel. */
export function isProduct(node: GraphNode): boolean {
  return ["conv", "linear", "matmul"].includes(node.op.name) && isFloat(node.outputs[0]!.dtype);
}
