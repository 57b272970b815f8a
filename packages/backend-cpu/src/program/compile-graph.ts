// Turns a graph into a plan: fuses, walks the units in order, and lets each op family write its instructions.
import { isConstant, type Graph, type GraphNode } from "@convoke/core";
import { emitFused, isElementwise } from "../kernels/elementwise.js";
import { canRectify, encoders } from "../kernels/encoders.js";
import { emitReductions, reductionOps } from "../kernels/reduce.js";
import { fuse, schedule, type Unit } from "./fusion.js";
import type { ProgramPlan } from "./instruction.js";
import { ProgramBuilder } from "./program-builder.js";
import { rectifiedProducts } from "./rectified-products.js";
import { groupReductions } from "./reduction-groups.js";
import { closure, virtualNodes } from "./virtual-values.js";

/** The plan of a graph of which every node is supported. */
export function compileGraph(graph: Graph, workers: number): ProgramPlan {
  const rectified = rectifiedProducts(graph, canRectify);
  const builder = new ProgramBuilder(graph, { workers, rectified: new Set(rectified.values()) });
  const computed = graph.nodes.filter((node) => node.op.kind !== "leaf");
  const unitOf = fuse(computed, (node) => isElementwise(node) && !rectified.has(node));
  const needed = neededOutside(graph, unitOf);
  const isReduction = (node: GraphNode): boolean => reductionOps.has(node.op.name);
  const isVirtual = virtualNodes({ unitOf, isReduction, ...needed });
  const position = new Map(computed.map((node, i) => [node, i]));
  const isStored = (node: GraphNode): boolean => needed.isNeeded(node) && !isVirtual.has(node);
  /** The steps that compute some nodes in one loop, in order. */
  const stepsOf = (nodes: readonly GraphNode[], within?: Unit): GraphNode[] => {
    const values = nodes.map((node) => ({ node, index: 0 }));
    const { steps } = closure(values, { unitOf, isStored, within });
    return [...steps].sort((a, b) => position.get(a)! - position.get(b)!);
  };
  groupReductions(computed.filter(isReduction), unitOf, (node) => {
    return closure(node.inputs, { unitOf, isStored }).leaves;
  });
  for (const unit of schedule(computed, unitOf)) {
    const [node] = unit.nodes as [GraphNode, ...GraphNode[]];
    if (unit.isFused) {
      const stored = unit.nodes.filter(isStored);
      if (stored.length > 0) emitFused({ steps: stepsOf(stored, unit), stored }, builder);
    } else if (isReduction(node)) {
      const read = unit.nodes.map(({ inputs }) => inputs[0]!.node);
      emitReductions({ reductions: unit.nodes, steps: stepsOf(read) }, builder);
    } else if (rectified.has(node)) {
      builder.define({ node, index: 0 }, builder.layoutOf({ node: rectified.get(node)!, index: 0 }));
    } else {
      const encode = encoders[node.op.name];
      if (encode === undefined) throw new Error(`cpu: no encoder for ${node.op.name}`);
      encode(node, builder);
    }
  }
  return builder.finish(graph);
}

interface Needs {
  /** Element-wise nodes whose values are read outside their unit, in the order of the graph. */
  readonly needed: readonly GraphNode[];
  readonly isNeeded: (node: GraphNode) => boolean;
  readonly isResult: (node: GraphNode) => boolean;
  readonly readersOf: (node: GraphNode) => readonly GraphNode[];
}

function neededOutside(graph: Graph, unitOf: ReadonlyMap<GraphNode, Unit>): Needs {
  const readers = new Map<GraphNode, GraphNode[]>();
  for (const node of graph.nodes) {
    for (const input of new Set(node.inputs.map((value) => value.node))) {
      const known = readers.get(input);
      if (known === undefined) readers.set(input, [node]);
      else known.push(node);
    }
  }
  const results = new Set<GraphNode>();
  for (const { node } of graph.outputs) results.add(node);
  for (const { update } of graph.state) results.add(update.node);
  const readersOf = (node: GraphNode): readonly GraphNode[] => readers.get(node) ?? [];
  const needed = graph.nodes.filter((node) => {
    const unit = unitOf.get(node);
    if (unit?.isFused !== true || isConstant(node)) return false;
    return results.has(node) || readersOf(node).some((reader) => unitOf.get(reader) !== unit);
  });
  const isNeeded = new Set(needed);
  return {
    needed,
    isNeeded: (node) => isNeeded.has(node),
    isResult: (node) => results.has(node),
    readersOf,
  };
}
