// Removes ops that only pass their input through.
import type { Graph } from "../graph.js";
import { rewrite } from "./rewrite.js";

/** `detach`, `tap` and their like matter while a graph is built and differentiated; a backend never sees them. */
export function removeIdentities(graph: Graph): Graph {
  return rewrite(graph, (node) =>
    node.op.kind === "primitive" && node.op.identity === true ? [node.inputs[0]!] : undefined,
  );
}
