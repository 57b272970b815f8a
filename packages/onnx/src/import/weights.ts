// Which initialisers become Variables, and which stay constants.
import type { Graph, OnnxNode } from "../model/onnx-model.js";
import { operatorOf } from "../operators/operator-table.js";
import { freeNames, subgraphsOf } from "./check-graph.js";

/** Operators whose result does not depend on the elements of their input. */
const ASK_SHAPES_ONLY = new Set(["Shape", "Size", "EyeLike"]);
/** Inputs of BatchNormalization that are statistics, not parameters. */
const STATISTICS = [3, 4];

/**
 * The values on which shapes depend: everything from which an input follows that an operator has to know while the graph
 * is built. Nodes come in order, so one walk from the end finds them all.
 */
export function valuesToKnow(graph: Graph): Set<string> {
  const known = new Set<string>();
  const visit = (nodes: readonly OnnxNode[]): void => {
    for (const node of nodes.toReversed()) {
      for (const i of operatorOf(node.opType)?.known ?? []) {
        const name = node.inputs[i] ?? "";
        if (name !== "") known.add(name);
      }
      for (const subgraph of subgraphsOf(node.attributes)) visit(subgraph.nodes);
      if (ASK_SHAPES_ONLY.has(node.opType) || !node.outputs.some((name) => known.has(name))) continue;
      for (const name of node.inputs) if (name !== "") known.add(name);
      for (const subgraph of subgraphsOf(node.attributes))
        for (const name of freeNames(subgraph)) known.add(name);
    }
  };
  visit(graph.nodes);
  return known;
}

/** The initialisers that are running means and variances: they are kept, and not trained. */
export function statisticsOf(graph: Graph): Set<string> {
  const batchNorms = graph.nodes.filter(({ opType }) => opType === "BatchNormalization");
  return new Set(batchNorms.flatMap(({ inputs }) => STATISTICS.map((i) => inputs[i] ?? "")));
}
