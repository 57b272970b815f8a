// The frame of all passes: walk a graph in order, replace some nodes, rebuild their users.
import { graphOf, type Graph } from "../graph.js";
import { GraphNode, type Value } from "../node.js";

/**
 * Rebuilds a graph. `replace` sees each node with its inputs already replaced, and gives other values for its outputs,
 * or undefined to keep it. Nodes that nothing needs any more are dropped. Inputs and state keep their places.
 */
export function rewrite(graph: Graph, replace: (node: GraphNode) => readonly Value[] | undefined): Graph {
  const replaced = new Map<GraphNode, readonly Value[]>();
  const resolve = (value: Value): Value => replaced.get(value.node)?.[value.index] ?? value;
  const fixed = new Set([...graph.inputs, ...graph.state.map((entry) => entry.input)]);
  for (const node of graph.nodes) {
    if (fixed.has(node)) continue;
    const current = withInputs(node, node.inputs.map(resolve));
    const outputs = replace(current) ?? (current === node ? undefined : valuesOf(current));
    if (outputs !== undefined) replaced.set(node, outputs);
  }
  return graphOf({
    inputs: graph.inputs,
    state: graph.state.map(({ input, update }) => ({ input, update: resolve(update) })),
    outputs: graph.outputs.map(resolve),
  });
}

/** All outputs of a node. */
export function valuesOf(node: GraphNode): Value[] {
  return node.outputs.map((_, index) => ({ node, index }));
}

/** The same op on other inputs; the node itself where they are the same. */
export function withInputs(node: GraphNode, inputs: readonly Value[]): GraphNode {
  const same = inputs.every(
    (value, i) => value.node === node.inputs[i]?.node && value.index === node.inputs[i]?.index,
  );
  if (same) return node;
  const { op, attributes, outputs, scope, origin } = node;
  return new GraphNode({ op, inputs, attributes, outputs, scope, origin });
}
