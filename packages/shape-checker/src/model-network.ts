// A model as a network: its layers from the module tree, their work from the traced graph.
import {
  byteLength,
  flattenTree,
  inputNode,
  isBuffer,
  ModuleError,
  Tensor,
  traceFunction,
  type DType,
  type Module,
  type Variable,
} from "@convoke/core";
import type { Shape } from "@convoke/shape";
import { lowered, stepsOf } from "./graph-network.js";
import type { Network, NetworkLayer } from "./network.js";

export interface ModelOptions {
  /** Element type of the input. Default float32; a model over words takes int32. */
  readonly dtype?: DType;
}

/**
 * A model for an input of `inputShape` (no batch axis; by default the one that it was built with) as the checker reads it.
 * A model that has no parameters yet is built by this; no values are computed.
 *
 * @throws ShapeError when the input does not fit the model; it names the layer.
 */
export function modelNetwork(
  model: Module,
  inputShape: Shape = builtShape(model),
  options: ModelOptions = {},
): Network {
  const node = inputNode("the input of the report", [1, ...inputShape], options.dtype ?? "float32");
  const input = new Tensor({ node, index: 0 });
  // Also a model that was built before passes through this: its layers then tell their shapes for this input.
  model.buildWith(input);
  const traced = traceFunction("report", (x: Tensor) => model.forward(x), flattenTree([input]));
  const graph = lowered(traced.graph);
  const working = new Set(graph.nodes.filter((one) => one.op.kind !== "leaf").map((one) => one.scope));
  const layers = layersOf(model, working);
  const indices = new Map(layers.map(({ path }, index) => [path, index]));
  const steps = stepsOf(graph, {
    inputs: graph.inputs.slice(0, 1),
    parameters: graph.inputs.slice(1, 1 + traced.readOnly.length),
    layerOf: ({ scope }) => enclosing(scope, indices) ?? layers.length - 1,
  });
  return { kind: model.kind, inputs: [input.shape], layers, steps, notes: [] };
}

/** The layer of a scope; of one that a user opened inside a layer, the layer around it. */
function enclosing(scope: string, indices: ReadonlyMap<string, number>): number | undefined {
  const found = indices.get(scope);
  if (found !== undefined || scope === "") return found;
  return enclosing(scope.slice(0, Math.max(0, scope.lastIndexOf("."))), indices);
}

function builtShape(model: Module): Shape {
  const [shape] = model.inputShapes;
  if (shape !== undefined) return shape.slice(1);
  throw new ModuleError({
    operation: "report",
    problem: "the model was not built, so there is no input shape to report on.",
    wayOut: "Pass one without the batch axis, for instance report(model, [1, 28, 28]).",
  });
}

/** Layers, and whatever else has parameters or computes something of its own; a container follows its parts. */
function layersOf(model: Module, working: ReadonlySet<string>): NetworkLayer[] {
  const modules = model.namedModules();
  const paths = Object.keys(modules).filter((path) => path !== "");
  const variables = Object.entries(model.namedVariables());
  const layers: NetworkLayer[] = [];
  const visit = (path: string): void => {
    const inside = paths.filter((other) => isInside(other, path));
    const children = inside.filter((other) => !inside.some((between) => isInside(other, between)));
    children.forEach(visit);
    const prefix = path === "" ? "" : `${path}.`;
    const own = variables.filter(
      ([name]) => name.startsWith(prefix) && !children.some((child) => name.startsWith(`${child}.`)),
    );
    if (children.length > 0 && own.length === 0 && !working.has(path)) return;
    const { kind, outputShape } = modules[path]!;
    layers.push({ path, kind, outputShape: outputShape?.slice(1), ...countsOf(own, prefix) });
  };
  visit("");
  return layers;
}

function isInside(path: string, container: string): boolean {
  return container === "" || path.startsWith(`${container}.`);
}

function countsOf(
  own: readonly (readonly [name: string, variable: Variable])[],
  prefix: string,
): Pick<NetworkLayer, "weights" | "biases" | "trainable" | "bytes"> {
  const parameters = own.filter(([, variable]) => !isBuffer(variable));
  const count = (of: typeof own): number => of.reduce((sum, [, variable]) => sum + variable.size, 0);
  const biases = count(parameters.filter(([name]) => name === `${prefix}bias`));
  return {
    weights: count(parameters) - biases,
    biases,
    trainable: count(parameters.filter(([, variable]) => variable.trainable)),
    bytes: own.reduce((sum, [, variable]) => sum + byteLength(variable.dtype, variable.size), 0),
  };
}
