// Which element-wise values are never stored: each loop that reads one computes it again, from what it was made of.
import { shapeSize } from "@convoke/shape";
import { dtypes } from "../dtype.js";
import { isConstant } from "../graph/leaf.js";
import { specOf, type GraphNode, type Value } from "../graph/node.js";
import type { Unit } from "./fusion.js";

/** Steps that cost so much that a value is rather read again than computed again. */
const costly: ReadonlySet<string> = new Set([
  ...["exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "erf", "pow", "mod", "div", "sqrt"],
]);

/** How many steps a value may take that is computed in several places. */
const MOST_STEPS = 10;

export interface VirtualContext {
  readonly unitOf: ReadonlyMap<GraphNode, Unit>;
  /** Nodes that are read outside their unit, in the order of the graph. */
  readonly needed: readonly GraphNode[];
  /** Who reads a node. */
  readonly readersOf: (node: GraphNode) => readonly GraphNode[];
  /** Whether the value must be stored in any case: a result of the graph. */
  readonly isResult: (node: GraphNode) => boolean;
  readonly isReduction: (node: GraphNode) => boolean;
}

/**
 * The nodes whose values are computed where they are read. One qualifies when all its readers are loops over its own
 * shape, and these together move fewer bytes by reading what it is made of than by having it stored and read.
 */
export function virtualNodes(context: VirtualContext): ReadonlySet<GraphNode> {
  const { unitOf, needed, readersOf, isResult, isReduction } = context;
  const isVirtual = new Set<GraphNode>();
  const isNeeded = new Set(needed);
  for (const node of needed) {
    if (isResult(node)) continue;
    const own = unitOf.get(node)!;
    const outside = readersOf(node).filter((reader) => unitOf.get(reader) !== own);
    if (!outside.every((reader) => isLoopOver(node, reader, context))) continue;
    const loops = new Set(outside.map((reader) => unitOf.get(reader)!)).size;
    // What only one reduction takes is computed inside it, whatever it costs.
    if (loops === 1 && outside.length === 1 && isReduction(outside[0]!) && readersOf(node).length === 1) {
      isVirtual.add(node);
      continue;
    }
    const { steps, leaves } = closure([{ node, index: 0 }], {
      unitOf,
      isStored: (each) => each !== node && isNeeded.has(each) && !isVirtual.has(each),
    });
    if (steps.size > MOST_STEPS || [...steps].some(({ op }) => costly.has(op.name))) continue;
    const bytes = bytesOf({ node, index: 0 });
    const read = leaves.reduce((sum, leaf) => sum + (isLarge(leaf, node) ? bytesOf(leaf) : 0), 0);
    if (loops * read <= read + bytes + loops * bytes) isVirtual.add(node);
  }
  return isVirtual;
}

function isLoopOver(node: GraphNode, reader: GraphNode, { unitOf, isReduction }: VirtualContext): boolean {
  if (isReduction(reader)) return true;
  const isFused = unitOf.get(reader)?.isFused === true;
  return isFused && reader.outputs[0]!.shape.join() === node.outputs[0]!.shape.join();
}

/**
 * The steps that compute `values` in one loop, and the values that it reads: stored ones are read, all others computed.
 * The loop of a unit, `within`, computes that unit's own in any case.
 */
export function closure(
  values: readonly Value[],
  context: {
    unitOf: ReadonlyMap<GraphNode, Unit>;
    isStored: (node: GraphNode) => boolean;
    within?: Unit | undefined;
  },
): { steps: ReadonlySet<GraphNode>; leaves: readonly Value[] } {
  const { unitOf, isStored, within } = context;
  const steps = new Set<GraphNode>();
  const leaves = new Map<GraphNode, Value>();
  const add = (value: Value): void => {
    const { node } = value;
    const unit = unitOf.get(node);
    const isComputed = unit?.isFused === true && (unit === within || !isStored(node));
    if (!isComputed) {
      if (!isConstant(node)) leaves.set(node, value);
    } else if (!steps.has(node)) {
      steps.add(node);
      node.inputs.forEach(add);
    }
  };
  values.forEach(add);
  return { steps, leaves: [...leaves.values()] };
}

function bytesOf(value: Value): number {
  return shapeSize(specOf(value).shape) * dtypes[specOf(value).dtype].bytes;
}

/** Whether a leaf is as large as the value, not a few numbers that are repeated over it. */
function isLarge(leaf: Value, node: GraphNode): boolean {
  return 2 * shapeSize(specOf(leaf).shape) > shapeSize(node.outputs[0]!.shape);
}
