// One trace of a model's forward pass in inference, at one batch size.
import {
  argMax,
  flattenTree,
  graphOf,
  inputNode,
  isConstant,
  lower,
  removeIdentities,
  softmax as softmaxOf,
  Tensor,
  traceFunction,
  type Variable,
  type Flattened,
  type Graph,
  type GraphNode,
  type Module,
  type TensorSpec,
  type Value,
} from "@convoke/core";
import { formatShape } from "@convoke/shape";
import { OnnxExportError } from "./export-error.js";
import { preparePixels, type PictureInput } from "./picture-input.js";

/** The model's inputs: their tree, and each tensor's shape with the batch axis first. */
export interface InputTree {
  readonly names: readonly string[];
  readonly specs: readonly TensorSpec[];
  readonly flattened: Flattened;
}

/** The model as a plain function of tensors: its outputs by name. */
export interface TracedModel {
  readonly batch: number;
  /** Inputs: those of the model, Variables, then values that were computed before. */
  readonly graph: Graph;
  readonly variables: readonly Variable[];
  readonly captured: readonly Value[];
  readonly outputNames: readonly string[];
}

/** How a model is run for an export: what both the trace and the comparison use. */
export interface ForwardPass {
  readonly model: Module<never, unknown>;
  readonly inputs: InputTree;
  /** Set where the file takes pixels, and prepares them for the model. */
  readonly pictures: PictureInput | undefined;
  /** Ends every output with a softmax over its last axis. */
  readonly softmax: boolean;
  /** Adds the index of the highest score. */
  readonly classIndex: boolean;
  /** Composites that the file writes as one node. */
  readonly keep: (node: GraphNode) => boolean;
}

/** Traces the pass at `batch`, with composites lowered that the file cannot hold. */
export function traceModel(pass: ForwardPass, batch: number): TracedModel {
  const { model, inputs } = pass;
  const tensors = inputs.specs.map(({ shape, dtype }, i) => {
    const node = inputNode(`input "${inputs.names[i]}"`, [batch, ...shape.slice(1)], dtype);
    return new Tensor({ node, index: 0 });
  });
  let outputNames: string[] = [];
  const traced = traceFunction(
    "exportOnnx",
    (input: unknown) => {
      const outputs = runForward(pass, input);
      outputNames = outputs.map(([name]) => name);
      return outputs.map(([, tensor]) => tensor);
    },
    flattenTree([inputs.flattened.unflatten(tensors)]),
  );
  if (traced.state.length > 0) {
    const names = traced.state.map(({ variable }) => `"${variable.name}"`).join(", ");
    throw new OnnxExportError({
      operation: `exportOnnx ${model.kind}`,
      problem: `the forward pass assigns ${names} in inference, but an ONNX file holds no state.`,
      wayOut: "Assign Variables in training only (context.training).",
    });
  }
  // Taps follow the results among the outputs; nobody looks at a file.
  const outputs = traced.graph.outputs.slice(0, outputNames.length);
  return {
    batch,
    graph: prepared(pass, { ...traced.graph, outputs }),
    variables: traced.readOnly.map(({ variable }) => variable),
    captured: traced.captured,
    outputNames,
  };
}

/** The pass on tensors that hold values: its outputs by name. */
export function runForward(pass: ForwardPass, input: unknown): (readonly [string, Tensor])[] {
  const { model, pictures } = pass;
  const given = pictures === undefined ? input : preparePixels(input as Tensor, pictures);
  const outputs = namedTensors(model.forward(given as never, { training: false }), "output");
  const answers: (readonly [string, Tensor])[] = pass.softmax
    ? outputs.map(([name, tensor]) => [name, softmaxOf(tensor)])
    : outputs;
  return pass.classIndex ? [...answers, ["class", classOf(pass, outputs)]] : answers;
}

/** Of the scores: where a softmax has rounded two to the same number, they still tell which is higher. */
function classOf({ model }: ForwardPass, outputs: readonly (readonly [string, Tensor])[]): Tensor {
  const [only] = outputs;
  if (only !== undefined && outputs.length === 1 && only[1].rank >= 2) return argMax(only[1], -1);
  throw new OnnxExportError({
    operation: `exportOnnx ${model.kind}`,
    problem: `classIndex needs one output of scores, [N, classes]; the model gives ${outputs.map(([name, { shape }]) => `"${name}" ${formatShape(shape)}`).join(", ")}.`,
    wayOut: "Leave the option out, or export a model that ends in the scores.",
  });
}

/** The same passes over any graph of the model, so that nodes of two traces correspond. */
function prepared({ keep }: ForwardPass, graph: Graph): Graph {
  return lower(removeIdentities(graph), (value) => new Tensor(value), keep);
}

/** The nodes that compute `outputs`, prepared as in a trace, on leaves that hold values. */
export function computedNodes(pass: ForwardPass, outputs: readonly Tensor[]): readonly GraphNode[] {
  const values = outputs.map((tensor) => tensor.handle);
  const leaves = new Set<GraphNode>();
  const stack = values.map((value) => value.node);
  const seen = new Set<GraphNode>(stack);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node.inputs.length === 0 && !isConstant(node)) leaves.add(node);
    for (const { node: input } of node.inputs) {
      if (seen.has(input)) continue;
      seen.add(input);
      stack.push(input);
    }
  }
  const graph = graphOf({ inputs: [...leaves], state: [], outputs: values });
  return prepared(pass, graph).nodes.filter((node) => node.inputs.length > 0);
}

/** The tensors of a tree with their paths; a single tensor is called `name`. */
export function namedTensors(tree: unknown, name: string): (readonly [string, Tensor])[] {
  const found: (readonly [string, Tensor])[] = [];
  const walk = (part: unknown, path: string): void => {
    if (part instanceof Tensor) found.push([path, part]);
    else if (Array.isArray(part)) part.forEach((item, i) => walk(item, `${path}_${i}`));
    else if (typeof part === "object" && part !== null) {
      for (const [key, value] of Object.entries(part)) walk(value, path === name ? key : `${path}_${key}`);
    }
  };
  walk(tree, name);
  return found;
}
