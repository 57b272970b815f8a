// What a network consists of, layer by layer: shapes, counts and work, read off its traced graph.
import {
  byteLength,
  flattenTree,
  inputNode,
  isBuffer,
  lower,
  ModuleError,
  Tensor,
  traceFunction,
  type DType,
  type Graph,
  type GraphNode,
  type Module,
  type Variable,
} from "@convoke/core";
import { shapeSize, type Shape } from "@convoke/shape";

/** One layer. Shapes have no batch axis; counts are for one sample. */
export interface LayerReport {
  /** Its path in the model, as in the names of its parameters; empty for the model itself. */
  readonly path: string;
  /** What kind of layer it is, by the name of the function that makes it. */
  readonly kind: string;
  /** Undefined where it gives something else than one tensor. */
  readonly outputShape: Shape | undefined;
  /** Its own parameters (weights and biases), those of its sub-modules not included. */
  readonly parameters: number;
  /** What feeds one neuron: its kernel's weights, and 1 for the bias where there is one. */
  readonly weightsPerFilter?: number;
  /** Outputs that are weighted sums. */
  readonly neurons?: number;
  /** Weights and biases that the neurons use, each counted as often as it is used. */
  readonly connections?: number;
  readonly multiplyAdds: number;
}

/** The whole network. */
export interface ReportTotals {
  readonly parameters: number;
  /** Parameters that are not frozen. */
  readonly trainable: number;
  readonly multiplyAdds: number;
  /** What the parameters and the running statistics occupy. */
  readonly bytes: number;
}

export interface ModelReport {
  readonly kind: string;
  readonly inputShape: Shape;
  readonly layers: readonly LayerReport[];
  readonly totals: ReportTotals;
}

export interface ReportOptions {
  /** Element type of the input. Default float32; a model over words takes int32. */
  readonly dtype?: DType;
}

/**
 * The shapes and counts of a model for an input of `inputShape` (no batch axis; by default the one that the model was
 * built with). A model that has no parameters yet is built by this; no values are computed. Multiply-adds are counted as each op's definition counts them, for one sample.
 *
 * @throws ShapeError when the input does not fit the model; it names the layer.
 * @example
 * ```ts
 * import { Module, conv2d, type Context, type Tensor, type Variable } from "@convoke/core";
 * import type { Shape } from "@convoke/shape";
 * import { formatReport, report } from "@convoke/shape-checker";
 *
 * class Edges extends Module {
 *   weight!: Variable;
 *   protected override setup([, channels]: Shape) {
 *     this.weight = this.parameter([6, channels!, 5, 5], () => new Float32Array(150));
 *   }
 *   protected compute(x: Tensor, _context: Context): Tensor {
 *     return conv2d(x, this.weight.value);
 *   }
 * }
 * const { layers, totals } = report(new Edges(), [1, 32, 32]);
 * console.log(layers[0]?.outputShape, totals.parameters); // [6, 28, 28] 150
 * console.log(formatReport(report(new Edges(), [1, 32, 32])));
 * ```
 */
export function report(
  model: Module,
  inputShape: Shape = builtShape(model),
  options: ReportOptions = {},
): ModelReport {
  const { dtype = "float32" } = options;
  const node = inputNode("the input of the report", [1, ...inputShape], dtype);
  const input = new Tensor({ node, index: 0 });
  // Also a model that was built before passes through this: its layers then tell their shapes for this input.
  model.buildWith(input);
  const work = workByScope(model, input);
  const layers = rowsOf(model, work);
  const variables = model.variables();
  const parameters = variables.filter((variable) => !isBuffer(variable));
  return {
    kind: model.kind,
    inputShape,
    layers,
    totals: {
      parameters: countOf(parameters),
      trainable: countOf(parameters.filter((variable) => variable.trainable)),
      multiplyAdds: [...work.values()].reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0),
      bytes: variables.reduce((sum, variable) => sum + byteLength(variable.dtype, variable.size), 0),
    },
  };
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

/** What the nodes of one layer do. */
interface Work {
  multiplyAdds: number;
  /** Outputs that are sums weighted by parameters, and the multiply-adds of these sums. */
  neurons: number;
  products: number;
}

function workByScope(model: Module, input: Tensor): Map<string, Work> {
  const traced = traceFunction("report", (x: Tensor) => model.forward(x), flattenTree([input]));
  const graph = lower(
    traced.graph,
    (value) => new Tensor(value),
    (candidate) => candidate.op.kind !== "composite",
  );
  const fromParameters = derivedFrom(graph, graph.inputs.slice(1, 1 + traced.readOnly.length));
  const work = new Map<string, Work>();
  for (const node of graph.nodes) {
    if (node.op.kind === "leaf") continue;
    const entry = work.get(node.scope) ?? { multiplyAdds: 0, neurons: 0, products: 0 };
    work.set(node.scope, entry);
    const multiplyAdds = multiplyAddsOf(node);
    entry.multiplyAdds += multiplyAdds;
    const weighted = node.inputs.filter((value) => fromParameters.has(value.node)).length;
    if (multiplyAdds > 0 && weighted > 0 && weighted < node.inputs.length) {
      entry.neurons += shapeSize(node.outputs[0]!.shape);
      entry.products += multiplyAdds;
    }
  }
  return work;
}

/** The nodes that depend on `roots` and on nothing else: weights, also transposed or reshaped. */
function derivedFrom(graph: Graph, roots: readonly GraphNode[]): ReadonlySet<GraphNode> {
  const derived = new Set(roots);
  for (const node of graph.nodes) {
    if (node.inputs.length > 0 && node.inputs.every((value) => derived.has(value.node))) derived.add(node);
  }
  return derived;
}

function multiplyAddsOf({ op, inputs, outputs, attributes }: GraphNode): number {
  if (op.kind !== "primitive" || op.multiplyAdds === undefined) return 0;
  return op.multiplyAdds(
    inputs.map(({ node, index }) => node.outputs[index]!),
    outputs,
    attributes,
  );
}

/** Layers, and whatever else has parameters or computes something of its own; a container follows its parts. */
function rowsOf(model: Module, work: ReadonlyMap<string, Work>): LayerReport[] {
  const modules = model.namedModules();
  const paths = Object.keys(modules).filter((path) => path !== "");
  const variables = Object.entries(model.namedVariables());
  const rows: LayerReport[] = [];
  const visit = (path: string): void => {
    const inside = paths.filter((other) => isInside(other, path));
    const children = inside.filter((other) => !inside.some((between) => isInside(other, between)));
    children.forEach(visit);
    const module = modules[path]!;
    const prefix = path === "" ? "" : `${path}.`;
    const own = new Map(
      variables.flatMap(([name, variable]): [string, Variable][] => {
        const isOwn = name.startsWith(prefix) && !children.some((child) => name.startsWith(`${child}.`));
        return isOwn ? [[name.slice(prefix.length), variable]] : [];
      }),
    );
    if (children.length > 0 && own.size === 0 && !work.has(path)) return;
    rows.push(rowOf({ path, kind: module.kind, outputShape: module.outputShape }, own, work.get(path)));
  };
  visit("");
  return rows;
}

function isInside(path: string, container: string): boolean {
  return container === "" || path.startsWith(`${container}.`);
}

function rowOf(
  layer: { path: string; kind: string; outputShape: Shape | undefined },
  own: ReadonlyMap<string, Variable>,
  work: Work | undefined,
): LayerReport {
  const row = {
    ...layer,
    outputShape: layer.outputShape?.slice(1),
    parameters: countOf([...own.values()].filter((variable) => !isBuffer(variable))),
    multiplyAdds: work?.multiplyAdds ?? 0,
  };
  if (work === undefined || work.neurons === 0) return row;
  const bias = own.has("bias") ? 1 : 0;
  const { neurons, products } = work;
  const counted = { ...row, neurons, connections: products + bias * neurons };
  const perFilter = products / neurons;
  // The windows of a transposed convolution with a stride do not all meet the same number of inputs.
  return Number.isInteger(perFilter) ? { ...counted, weightsPerFilter: perFilter + bias } : counted;
}

function countOf(variables: readonly Variable[]): number {
  return variables.reduce((sum, variable) => sum + variable.size, 0);
}
