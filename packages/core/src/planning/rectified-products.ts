// ReLUs that a product or a convolution applies while it stores its results.
import type { Graph } from "../graph/graph.js";
import type { GraphNode, Value } from "../graph/node.js";
import { constantValue } from "./elementwise.js";

/**
 * The nodes max(product, 0) whose product nobody else reads, with that product. `canRectify` says which nodes' kernels
 * take a ReLU along.
 */
export function rectifiedProducts(
  graph: Graph,
  canRectify: (node: GraphNode) => boolean,
): ReadonlyMap<GraphNode, GraphNode> {
  const reads = new Map<GraphNode, number>();
  const count = ({ node }: Value): void => {
    reads.set(node, (reads.get(node) ?? 0) + 1);
  };
  for (const { inputs } of graph.nodes) inputs.forEach(count);
  graph.outputs.forEach(count);
  for (const { update } of graph.state) count(update);
  const rectified = new Map<GraphNode, GraphNode>();
  for (const node of graph.nodes) {
    if (node.op.name !== "maximum") continue;
    const [a, b] = node.inputs as [Value, Value];
    const product = isZero(b) ? a.node : isZero(a) ? b.node : undefined;
    if (product === undefined || reads.get(product) !== 1 || !canRectify(product)) continue;
    // A constant that is larger than the product would repeat it.
    if (product.outputs[0]!.shape.join() === node.outputs[0]!.shape.join()) rectified.set(node, product);
  }
  return rectified;
}

function isZero(value: Value): boolean {
  return constantValue(value) === 0;
}
