// Lowering: composites that a backend declines are replaced by their bodies.
import { UnsupportedOpError } from "../../errors.js";
import type { Backend } from "../../backend/backend.js";
import type { Tensor } from "../../tensor.js";
import { runBody } from "../apply.js";
import { graphOf, type Graph } from "../graph.js";
import { topologicalOrder, type GraphNode, type Value } from "../node.js";
import { withScope } from "../scope.js";
import { valuesOf, withInputs } from "./rewrite.js";

/** Makes a tensor handle; passes get it from their caller, so that they do not depend on the class. */
export type Wrap = (value: Value) => Tensor;

/**
 * A graph of which `backend` supports every node: declined composites become their bodies, as deep as it takes.
 *
 * @throws UnsupportedOpError when a primitive is declined.
 */
export function lowerFor(backend: Pick<Backend, "name" | "supports">, graph: Graph, wrap: Wrap): Graph {
  return lower(graph, wrap, (node) => {
    // Identities are removed before a backend sees the graph, those of bodies too.
    if (node.op.kind === "primitive" && node.op.identity === true) return true;
    const answer = backend.supports(node);
    if (answer === true) return true;
    if (node.op.kind === "composite") return false;
    throw new UnsupportedOpError({
      op: node.op.name,
      backend: backend.name,
      reason: answer.reason,
      scope: node.scope,
      ...(answer.wayOut !== undefined && { wayOut: answer.wayOut }),
    });
  });
}

/** Replaces every composite that `keep` does not want by its body. `keep` is asked for every node that is no leaf. */
export function lower(graph: Graph, wrap: Wrap, keep: (node: GraphNode) => boolean): Graph {
  const replaced = new Map<GraphNode, readonly Value[]>();
  const seen = new Set<GraphNode>();
  const resolve = (value: Value): Value => replaced.get(value.node)?.[value.index] ?? value;

  // The recursion is as deep as composites nest, never as deep as the graph.
  const visit = (node: GraphNode): void => {
    seen.add(node);
    if (node.op.kind === "leaf") return;
    const inputs = node.inputs.map(resolve);
    const current = withInputs(node, inputs);
    seen.add(current);
    if (keep(current) || current.op.kind !== "composite") {
      if (current !== node) replaced.set(node, valuesOf(current));
      return;
    }
    const { op } = current;
    const body = withScope(node.scope, () => runBody(op, inputs.map(wrap), node.attributes)).map(
      (t) => t.handle,
    );
    for (const inner of topologicalOrder(
      body.map((value) => value.node),
      seen,
    ))
      visit(inner);
    replaced.set(node, body.map(resolve));
  };
  for (const node of graph.nodes) visit(node);

  return graphOf({
    inputs: graph.inputs,
    state: graph.state.map(({ input, update }) => ({ input, update: resolve(update) })),
    outputs: graph.outputs.map(resolve),
  });
}
