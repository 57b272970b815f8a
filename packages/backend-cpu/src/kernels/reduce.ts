// Reductions: loops that carry accumulators; an element-wise chain that only feeds them runs inside.
import { specOf, type GraphNode } from "@convoke/core";
import type { ReductionLoop } from "../emit/element-loop.js";
import type { Unit } from "../program/fusion.js";
import { denseOutput, type ProgramBuilder } from "../program/program-builder.js";
import { fusedSteps } from "./elementwise.js";

export const reductionOps: ReadonlySet<string> = new Set(["sum", "prod", "max", "min"]);

/** Emits a reduction; `absorbed` is the unit that computes its input, if it is for this reduction alone. */
export function emitReduction(node: GraphNode, absorbed: Unit | undefined, builder: ProgramBuilder): void {
  const { axes } = node.attributes as { readonly axes: readonly number[] };
  const input = node.inputs[0]!;
  const { shape } = specOf(input);
  const parts = { nodes: absorbed?.nodes ?? [], shape, results: [input] };
  const { inputs, steps, results } = fusedSteps(parts, builder);
  const isReduced = new Set(axes);
  const kept = shape.flatMap((_, axis) => (isReduced.has(axis) ? [] : [axis]));
  const order = [...kept, ...axes];
  const result = builder.result({ node, index: 0 });
  const keptShape = kept.map((axis) => shape[axis]!);
  builder.reduction({
    op: node.op.name as ReductionLoop["op"],
    kept: keptShape,
    reduced: axes.map((axis) => shape[axis]!),
    inputs: inputs.map((access) => ({ ...access, strides: order.map((axis) => access.strides[axis]!) })),
    steps,
    value: results[0]!,
    output: denseOutput({ ...result, shape: keptShape }, node.outputs[0]!.dtype),
  });
}
