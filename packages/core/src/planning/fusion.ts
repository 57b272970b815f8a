// Which nodes become one loop: element-wise nodes of one shape that feed each other, without making a cycle.
import type { GraphNode, Value } from "../graph/node.js";

/** A node or a group of nodes that runs as one. */
export interface Unit {
  readonly nodes: GraphNode[];
  readonly isFused: boolean;
}

/** How many values a fused loop may hold: more would spill registers and slow it down. */
const MOST_NODES = 40;

/**
 * Groups `nodes` (inputs before users) into units; `isElementwise` says which may be fused. Two element-wise nodes join
 * when one feeds the other, their shapes are equal, and nothing outside lies between them.
 */
export function fuse(
  nodes: readonly GraphNode[],
  isElementwise: (node: GraphNode) => boolean,
): Map<GraphNode, Unit> {
  const unitOf = new Map<GraphNode, Unit>();
  for (const node of nodes) {
    const fusable = isElementwise(node);
    const candidates = fusable ? neighbours(node, unitOf) : [];
    let unit: Unit | undefined;
    for (const candidate of candidates) {
      if (unit === undefined) {
        if (
          candidate.nodes.length < MOST_NODES &&
          !reaches(node.inputs, candidate, { unitOf, within: new Set([candidate]) })
        ) {
          unit = candidate;
          unit.nodes.push(node);
          unitOf.set(node, unit);
        }
      } else if (candidate !== unit && fitsOneLoop(unit, candidate) && canMerge(unit, candidate, unitOf)) {
        for (const moved of candidate.nodes) {
          unit.nodes.push(moved);
          unitOf.set(moved, unit);
        }
        candidate.nodes.length = 0;
      }
    }
    if (unit === undefined) {
      unit = { nodes: [node], isFused: fusable };
      unitOf.set(node, unit);
    }
  }
  return unitOf;
}

/** Fused units that feed `node` directly with its own shape. */
function neighbours(node: GraphNode, unitOf: ReadonlyMap<GraphNode, Unit>): Unit[] {
  const shape = node.outputs[0]!.shape.join();
  const units = node.inputs.flatMap(({ node: input }) => {
    const unit = unitOf.get(input);
    return unit?.isFused === true && input.outputs[0]!.shape.join() === shape ? [unit] : [];
  });
  return [...new Set(units)];
}

function fitsOneLoop(a: Unit, b: Unit): boolean {
  return a.nodes.length + b.nodes.length <= MOST_NODES;
}

/** Whether two units can become one: neither depends on the other through a third. */
export function canMerge(a: Unit, b: Unit, unitOf: ReadonlyMap<GraphNode, Unit>): boolean {
  const within = new Set([a, b]);
  const inputs = [...a.nodes, ...b.nodes].flatMap((node) => node.inputs);
  return !reaches(inputs, a, { unitOf, within }) && !reaches(inputs, b, { unitOf, within });
}

/** Whether a unit outside `within` that feeds `inputs` depends on `target`: then joining would make a cycle. */
function reaches(
  inputs: readonly Value[],
  target: Unit,
  { unitOf, within }: { unitOf: ReadonlyMap<GraphNode, Unit>; within: ReadonlySet<Unit> },
): boolean {
  const seen = new Set<Unit>(within);
  const stack: Unit[] = [];
  const visit = (values: readonly Value[], isOutside: boolean): boolean => {
    for (const { node } of values) {
      const unit = unitOf.get(node);
      if (unit === undefined) continue;
      if (unit === target && isOutside) return true;
      if (seen.has(unit)) continue;
      seen.add(unit);
      stack.push(unit);
    }
    return false;
  };
  visit(inputs, false);
  for (let unit = stack.pop(); unit !== undefined; unit = stack.pop()) {
    for (const node of unit.nodes) if (visit(node.inputs, true)) return true;
  }
  return false;
}

/** Units in an order in which each comes after those that feed it; nodes within a unit keep the graph's order. */
export function schedule(nodes: readonly GraphNode[], unitOf: ReadonlyMap<GraphNode, Unit>): Unit[] {
  const position = new Map(nodes.map((node, i) => [node, i]));
  const units = [...new Set(nodes.map((node) => unitOf.get(node)!))];
  for (const unit of units) unit.nodes.sort((a, b) => position.get(a)! - position.get(b)!);
  const order: Unit[] = [];
  const state = new Map<Unit, "open" | "done">();
  const stack = [...units].reverse();
  while (stack.length > 0) {
    const unit = stack.at(-1)!;
    const seen = state.get(unit);
    if (seen === undefined) {
      state.set(unit, "open");
      for (const node of unit.nodes) {
        for (const { node: input } of node.inputs) {
          const feeding = unitOf.get(input);
          if (feeding !== undefined && feeding !== unit && !state.has(feeding)) stack.push(feeding);
        }
      }
    } else {
      stack.pop();
      if (seen === "open") {
        state.set(unit, "done");
        order.push(unit);
      }
    }
  }
  return order;
}
