// Nodes that compute the same thing become one.
import { nodeKey, type Graph } from "../graph.js";
import type { GraphNode } from "../node.js";
import { rewrite, valuesOf } from "./rewrite.js";

/** Merges nodes of equal op, attributes and inputs. Ops are pure (random ones are functions of their key). */
export function mergeCommonSubexpressions(graph: Graph): Graph {
  const numbers = new Map<GraphNode, number>(graph.nodes.map((node, i) => [node, i]));
  const byKey = new Map<string, GraphNode>();
  return rewrite(graph, (node) => {
    if (!numbers.has(node)) numbers.set(node, numbers.size);
    const key = nodeKey(node, numbers);
    const first = byKey.get(key);
    if (first !== undefined) return valuesOf(first);
    byKey.set(key, node);
    return undefined;
  });
}
