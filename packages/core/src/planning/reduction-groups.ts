// Reductions that read the same values over the same axes, made one pass.
import type { GraphNode, Value } from "../graph/node.js";
import { canMerge, type Unit } from "./fusion.js";

/** How many results one pass may have: more accumulators than this would spill. */
const MOST_RESULTS = 4;

/**
 * Merges the units of reductions of one shape over the same axes that share a value they start from, where none depends
 * on another. `leavesOf` tells what a reduction reads.
 */
export function groupReductions(
  reductions: readonly GraphNode[],
  unitOf: Map<GraphNode, Unit>,
  leavesOf: (reduction: GraphNode) => readonly Value[],
): void {
  const groups = new Map<string, Unit[]>();
  for (const node of reductions) {
    const { axes } = node.attributes as { readonly axes: readonly number[] };
    const [input] = node.inputs as [Value];
    const key = `${input.node.outputs[input.index]!.shape.join()} over ${axes.join()}`;
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    const unit = unitOf.get(node)!;
    const leaves = new Set(leavesOf(node).map((leaf) => leaf.node));
    const joined = group.find(
      (other) =>
        other.nodes.length < MOST_RESULTS &&
        other.nodes.some((each) => leavesOf(each).some((leaf) => leaves.has(leaf.node))) &&
        canMerge(other, unit, unitOf),
    );
    if (joined === undefined) {
      group.push(unit);
    } else {
      joined.nodes.push(node);
      unitOf.set(node, joined);
    }
  }
}
