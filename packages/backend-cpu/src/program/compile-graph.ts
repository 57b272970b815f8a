// Turns a graph into a plan: fuses, walks the units in order, and lets each op family write its instructions.
import { isConstant, type Graph, type GraphNode } from "@convoke/core";
import { emitFused, isElementwise } from "../kernels/elementwise.js";
import { encoders } from "../kernels/encoders.js";
import { emitReduction, reductionOps } from "../kernels/reduce.js";
import { fuse, type Unit } from "./fusion.js";
import type { ProgramPlan } from "./instruction.js";
import { ProgramBuilder } from "./program-builder.js";

/** The plan of a graph of which every node is supported. */
export function compileGraph(graph: Graph, workers: number): ProgramPlan {
  const builder = new ProgramBuilder(graph, workers);
  const computed = graph.nodes.filter((node) => node.op.kind !== "leaf");
  const units = fuse(computed, isElementwise);
  const unitOf = new Map<GraphNode, Unit>(units.flatMap((unit) => unit.nodes.map((node) => [node, unit])));
  const isNeeded = neededOutside(graph, unitOf);
  const absorbed = absorbedUnits(units, { unitOf, isNeeded, builder });
  const inside = new Set(absorbed.values());
  for (const unit of units) {
    const [node] = unit.nodes as [GraphNode, ...GraphNode[]];
    if (unit.isFused) {
      if (!inside.has(unit)) emitFused(unit, isNeeded, builder);
    } else if (reductionOps.has(node.op.name)) {
      emitReduction(node, absorbed.get(node), builder);
    } else {
      const encode = encoders[node.op.name];
      if (encode === undefined) throw new Error(`cpu: no encoder for ${node.op.name}`);
      encode(node, builder);
    }
  }
  return builder.finish(graph);
}

/** Whether the value of a fused node is read outside its unit. */
function neededOutside(graph: Graph, unitOf: ReadonlyMap<GraphNode, Unit>): (node: GraphNode) => boolean {
  const needed = new Set<GraphNode>();
  for (const node of graph.nodes) {
    for (const { node: input } of node.inputs) {
      const unit = unitOf.get(input);
      if (unit !== undefined && unit !== unitOf.get(node)) needed.add(input);
    }
  }
  for (const { node } of graph.outputs) needed.add(node);
  for (const { update } of graph.state) needed.add(update.node);
  return (node) => needed.has(node) && !isConstant(node);
}

/** For each reduction, the fused unit that runs inside it: one whose only result is what the reduction reads. */
function absorbedUnits(
  units: readonly Unit[],
  context: {
    unitOf: ReadonlyMap<GraphNode, Unit>;
    isNeeded: (node: GraphNode) => boolean;
    builder: ProgramBuilder;
  },
): ReadonlyMap<GraphNode, Unit> {
  const absorbed = new Map<GraphNode, Unit>();
  for (const { nodes, isFused } of units) {
    const [node] = nodes as [GraphNode, ...GraphNode[]];
    if (isFused || !reductionOps.has(node.op.name)) continue;
    const source = node.inputs[0]!.node;
    const unit = context.unitOf.get(source);
    if (unit?.isFused !== true) continue;
    const results = unit.nodes.filter(context.isNeeded);
    if (results.length === 1 && results[0] === source && context.builder.usesOf(source) === 1)
      absorbed.set(node, unit);
  }
  return absorbed;
}
