// Reductions: loops that carry accumulators; element-wise values that are not stored are computed inside.
import { specOf, type GraphNode } from "../graph/node.js";
import type { Reduction } from "./element-loop.js";
import { fusedSteps } from "./elementwise.js";
import { denseOutput, type PlanBuilder } from "./plan-builder.js";

export const reductionOps: ReadonlySet<string> = new Set(["sum", "prod", "max", "min"]);

/** Emits reductions of one shape over the same axes as one pass; `steps` compute what they read, where it is not stored. */
export function emitReductions(
  { reductions, steps: nodes }: { reductions: readonly GraphNode[]; steps: readonly GraphNode[] },
  builder: PlanBuilder,
): void {
  const [first] = reductions as [GraphNode, ...GraphNode[]];
  const { axes } = first.attributes as { readonly axes: readonly number[] };
  const { shape } = specOf(first.inputs[0]!);
  const read = reductions.map(({ inputs }) => inputs[0]!);
  const { inputs, steps, results } = fusedSteps({ nodes, shape, results: read }, builder);
  const isReduced = new Set(axes);
  const kept = shape.flatMap((_, axis) => (isReduced.has(axis) ? [] : [axis]));
  const order = [...kept, ...axes];
  const keptShape = kept.map((axis) => shape[axis]!);
  builder.reduction({
    kept: keptShape,
    reduced: axes.map((axis) => shape[axis]!),
    inputs: inputs.map((access) => ({ ...access, strides: order.map((axis) => access.strides[axis]!) })),
    steps,
    results: reductions.map((node, i) => ({
      ...denseOutput({ ...builder.result({ node, index: 0 }), shape: keptShape }, node.outputs[0]!.dtype),
      op: node.op.name as Reduction["op"],
      value: results[i]!,
    })),
  });
}
