// Builds our graph from a file's, at the shapes of one call.
import { ConvokeError, Tensor } from "@convoke/core";
import { ShapeError, shapeSize } from "@convoke/shape";
import type { Graph, OnnxNode } from "../model/onnx-model.js";
import { operatorOf } from "../operators/operator-table.js";
import { OnnxFormatError } from "../proto/format-error.js";
import { constantOf, type KnownValues } from "./known-values.js";
import { hostArray, NodeCall, nodeLabel, operatorName } from "./node-call.js";
import { OnnxUnsupportedError } from "./unsupported-error.js";

/** No value of a net has as many elements. */
export const MOST_ELEMENTS = 2 ** 30;

export interface Building {
  readonly known: KnownValues;
  readonly opsetOf: ReadonlyMap<OnnxNode, number>;
  /** Runs what a node builds under the node's name, for messages and exports. */
  readonly within: <T>(node: OnnxNode, build: () => T) => T;
}

/** Runs the nodes of a graph on `values`, which hold its inputs and weights, and take up all that is computed. */
export function runNodes(graph: Graph, values: Map<string, Tensor>, building: Building): void {
  for (const node of graph.nodes) {
    const outputs = building.within(node, () => convert(node, values, building));
    node.outputs.forEach((name, i) => {
      if (name === "") return;
      const output = outputs[i];
      if (output === undefined) {
        throw new OnnxUnsupportedError({
          operation: `importOnnx ${nodeLabel(node)}`,
          operator: operatorName(node),
          reason: `its output ${i} ("${name}")`,
        });
      }
      values.set(name, output);
    });
  }
}

function convert(
  node: OnnxNode,
  values: Map<string, Tensor>,
  building: Building,
): readonly (Tensor | undefined)[] {
  const { known, opsetOf } = building;
  const inputs = node.inputs.map((name) => (name === "" ? undefined : valueOf(node, name, values)));
  const call = new NodeCall({
    node,
    opset: opsetOf.get(node) ?? 1,
    inputs,
    known,
    runGraph: (graph) => runSubgraph(node, graph, { values, building }),
  });
  const outputs = guarded(node, () => {
    const result = operatorOf(node.opType)!.convert(call);
    return result instanceof Tensor ? [result] : result;
  });
  for (const output of outputs) {
    if (output === undefined || shapeSize(output.shape) <= MOST_ELEMENTS) continue;
    call.fail(`a result of ${shapeSize(output.shape)} elements`, `no value has more than ${MOST_ELEMENTS}`);
  }
  const isFixed = inputs.every((input) => input === undefined || known.isFixed(input));
  return isFixed && inputs.length > 0
    ? guarded(node, () => outputs.map((output) => output && known.folded(output)))
    : outputs;
}

function runSubgraph(
  node: OnnxNode,
  graph: Graph,
  { values, building }: { values: Map<string, Tensor>; building: Building },
): Tensor[] {
  const inner = new Map(values);
  for (const tensor of graph.initializers) {
    const host = hostArray(tensor);
    if (host !== undefined) inner.set(tensor.name, constantOf(host));
  }
  runNodes(graph, inner, building);
  return graph.outputs.map(({ name }) => valueOf(node, name, inner));
}

function valueOf(node: OnnxNode, name: string, values: ReadonlyMap<string, Tensor>): Tensor {
  const value = values.get(name);
  if (value !== undefined) return value;
  throw new OnnxUnsupportedError({
    operation: `importOnnx ${nodeLabel(node)}`,
    operator: operatorName(node),
    reason: `"${name}", whose element type is not one of ours`,
  });
}

/** What an op of ours refuses becomes a message about the node. */
function guarded<T>(node: OnnxNode, build: () => T): T {
  try {
    return build();
  } catch (error) {
    if (error instanceof OnnxFormatError) throw error;
    if (!(error instanceof ConvokeError || error instanceof ShapeError || error instanceof RangeError))
      throw error;
    const [problem = ""] = error.message.split("\n");
    throw new OnnxFormatError({
      operation: `importOnnx ${nodeLabel(node)}`,
      got: problem.replace(/\.$/, ""),
      rule: "which the node does not allow",
      wayOut: "Feed inputs of the shapes that the model was exported for; if they are, the file is damaged.",
    });
  }
}
