// Turns a graph into a plan: fuses, walks the units in order, and lets each op family write its instructions.
import type { Graph } from "../graph/graph.js";
import { isConstant } from "../graph/leaf.js";
import type { GraphNode } from "../graph/node.js";
import { emitFused } from "./elementwise.js";
import { fuse, schedule, type Unit } from "./fusion.js";
import { nameOf } from "./instruction-name.js";
import { movementEncoders } from "./movement.js";
import type { PlanBuilder } from "./plan-builder.js";
import type { KernelCall, ProgramPlan } from "./program-plan.js";
import { rectifiedProducts } from "./rectified-products.js";
import { emitReductions, reductionOps } from "./reduce.js";
import { groupReductions } from "./reduction-groups.js";
import { closure, virtualNodes } from "./virtual-values.js";

/** What a backend brings to a plan. */
export interface PlanParts<B> {
  /** Whether a node can be a step of a generated loop. */
  readonly isElementwise: (node: GraphNode) => boolean;
  /** How nodes that are neither steps nor reductions nor movement become instructions, by op. */
  readonly encoders: Readonly<Record<string, (node: GraphNode, builder: B) => void>>;
  /** Whether the kernel of a node can apply ReLU to what it stores. */
  readonly canRectify: (node: GraphNode) => boolean;
  /** Makes the builder; the nodes of `rectified` are to apply ReLU. */
  readonly builder: (graph: Graph, rectified: ReadonlySet<GraphNode>) => B;
}

/** The plan of a graph of which every node is supported. */
export function planProgram<K extends KernelCall, B extends PlanBuilder<K>>(
  graph: Graph,
  parts: PlanParts<B> & {
    readonly builder: (graph: Graph, rectified: ReadonlySet<GraphNode>) => PlanBuilder<K>;
  },
): ProgramPlan<K> {
  const rectified = rectifiedProducts(graph, parts.canRectify);
  const builder = parts.builder(graph, new Set(rectified.values()));
  const computed = graph.nodes.filter((node) => node.op.kind !== "leaf");
  const unitOf = fuse(computed, (node) => parts.isElementwise(node) && !rectified.has(node));
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
      if (stored.length === 0) continue;
      const steps = stepsOf(stored, unit);
      builder.setName(nameOf(steps));
      emitFused({ steps, stored }, builder);
    } else if (isReduction(node)) {
      const read = unit.nodes.map(({ inputs }) => inputs[0]!.node);
      const steps = stepsOf(read);
      builder.setName(nameOf([...steps, ...unit.nodes]));
      emitReductions({ reductions: unit.nodes, steps }, builder);
    } else if (rectified.has(node)) {
      builder.define({ node, index: 0 }, builder.layoutOf({ node: rectified.get(node)!, index: 0 }));
    } else {
      const name = nameOf([node]);
      builder.setName(builder.rectifies(node) ? { ...name, op: `${name.op}+relu` } : name);
      encode(node, builder, parts.encoders);
    }
  }
  return builder.finish(graph);
}

function encode<B extends PlanBuilder>(
  node: GraphNode,
  builder: B,
  encoders: PlanParts<B>["encoders"],
): void {
  const { name } = node.op;
  const move = movementEncoders[name];
  if (move !== undefined) {
    move(node, builder);
    return;
  }
  const own = encoders[name];
  if (own === undefined) throw new Error(`plan: no encoder for ${name}`);
  own(node, builder);
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
