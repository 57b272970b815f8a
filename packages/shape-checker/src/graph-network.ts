// A graph of the engine as a network: one step for each node, and how its positions depend on those that it reads.
import {
  byteLength,
  isInput,
  lower,
  Tensor,
  type Graph,
  type GraphNode,
  type TensorSpec,
} from "@convoke/core";
import { shapeSize, type Shape } from "@convoke/shape";
import {
  alignedFlow,
  mixedFlow,
  reshapedFlow,
  type Dependency,
  type Flow,
  type Geometry,
  type Network,
  type NetworkLayer,
  type Operator,
  type Step,
} from "./network.js";

/** The steps of a lowered graph. `layerOf` says which layer a node belongs to, undefined for none. */
export interface GraphReading {
  /** The placeholders of the network's inputs. */
  readonly inputs: readonly GraphNode[];
  /** The placeholders of its parameters. */
  readonly parameters: readonly GraphNode[];
  readonly layerOf: (node: GraphNode) => number;
}

/** Every composite but those that have a flow of their own is replaced by its body. */
export function lowered(graph: Graph): Graph {
  return lower(
    graph,
    (value) => new Tensor(value),
    (node) => node.op.kind !== "composite" || node.op.name === "interpolate",
  );
}

/** One step for each node that depends on an input of the network. */
export function stepsOf(graph: Graph, { inputs, parameters, layerOf }: GraphReading): Step[] {
  const weights = derivedFrom(graph, parameters);
  const values = new Map<GraphNode, number>(inputs.map((node, i) => [node, -1 - i]));
  const steps: Step[] = [];
  for (const node of graph.nodes) {
    if (node.op.kind === "leaf") continue;
    const dependencies = node.inputs.flatMap(({ node: from }, i): Dependency[] => {
      const value = values.get(from);
      return value === undefined ? [] : [{ value, flow: flowOf(node, i) }];
    });
    const batch = inputs[0]?.outputs[0]?.shape[0] ?? 1;
    const multiplyAdds = multiplyAddsOf(node) / batch;
    // Work on weights alone (a kernel that is turned, a factor of a normalisation) is none of a position.
    if (dependencies.length === 0 && multiplyAdds === 0) continue;
    values.set(node, steps.length);
    steps.push(stepOf(node, { dependencies, multiplyAdds, batch, weights, layer: layerOf(node) }));
  }
  return steps;
}

function stepOf(
  node: GraphNode,
  given: {
    dependencies: readonly Dependency[];
    multiplyAdds: number;
    batch: number;
    weights: ReadonlySet<GraphNode>;
    layer: number;
  },
): Step {
  const { dependencies, multiplyAdds, batch, weights, layer } = given;
  const [first, second] = node.outputs as [TensorSpec, TensorSpec?];
  const weighted = node.inputs.filter((value) => weights.has(value.node)).length;
  const isWeighted = multiplyAdds > 0 && weighted > 0 && weighted < node.inputs.length;
  const operator = operatorOf(node, isWeighted);
  return {
    layer,
    inputs: dependencies,
    output: first.shape,
    bytesPerElement: byteLength(first.dtype, 1),
    isView: node.op.name === "reshape" || (node.op.kind === "primitive" && node.op.identity === true),
    multiplyAdds,
    ...(isWeighted && { sums: { neurons: shapeSize(first.shape) / batch, products: multiplyAdds } }),
    ...(operator && { operator }),
    ...(second && { keptForGradient: byteLength(second.dtype, shapeSize(second.shape)) / batch }),
  };
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

/** What the attributes of the engine's ops hold, as far as positions depend on them. */
interface KnownAttributes {
  readonly size?: Shape;
  readonly stride?: Shape;
  readonly dilation?: Shape;
  readonly pads?: readonly (readonly [number, number])[];
  readonly output?: Shape;
  readonly groups?: number;
  readonly axes?: Shape;
  readonly axis?: number;
  readonly keepDims?: boolean;
  readonly start?: Shape;
  readonly step?: Shape;
}

function shapesOf({ inputs, outputs }: GraphNode): { given: readonly Shape[]; result: Shape } {
  return {
    given: inputs.map(({ node, index }) => node.outputs[index]!.shape),
    result: outputs[0]!.shape,
  };
}

function convolutionGeometry(node: GraphNode, output: Shape): Geometry {
  const { stride = [], dilation = [], pads = [] } = node.attributes as KnownAttributes;
  return { size: shapesOf(node).given[1]!.slice(2), stride, dilation, pads, output: output.slice(2) };
}

function poolingGeometry(node: GraphNode): Geometry {
  const {
    size = [],
    stride = [],
    dilation = [],
    pads = [],
    output = [],
  } = node.attributes as KnownAttributes;
  return { size, stride, dilation, pads, output };
}

/** How the output of each op that is not element-wise depends on its input number `i`. */
const flows: Readonly<Record<string, (node: GraphNode, i: number) => Flow>> = {
  conv: (node) => ({ kind: "windows", geometry: convolutionGeometry(node, shapesOf(node).result) }),
  convInputGrad: (node) => ({ kind: "spread", geometry: convolutionGeometry(node, shapesOf(node).result) }),
  maxPool: (node) => ({ kind: "windows", geometry: poolingGeometry(node) }),
  avgPool: (node) => ({ kind: "windows", geometry: poolingGeometry(node) }),
  matmul: (node, i) => {
    const { given, result } = shapesOf(node);
    // The axis that is summed over is the last one of the first input and the last but one of the second.
    const summed = i === 0 ? result.length - 1 : result.length - 2;
    const before = result.length - given[i]!.length;
    return {
      kind: "axes",
      from: result.map((_, axis) => (axis === summed || axis < before ? undefined : axis - before)),
    };
  },
  reshape: (node) => reshapedFlow(shapesOf(node).given[0]!, shapesOf(node).result),
  permute: ({ attributes }) => ({ kind: "axes", from: (attributes as KnownAttributes).axes ?? [] }),
  slice: ({ attributes }) => {
    const { start = [], step = [] } = attributes as KnownAttributes;
    return { kind: "shift", begin: start, step };
  },
  pad: ({ attributes }) => {
    const { pads = [] } = attributes as KnownAttributes;
    return { kind: "shift", begin: pads.map(([before]) => -before), step: pads.map(() => 1) };
  },
  concat: ({ attributes, outputs }) => {
    const { axis } = attributes as KnownAttributes;
    return { kind: "axes", from: outputs[0]!.shape.map((_, j) => (j === axis ? undefined : j)) };
  },
  gather: (node, i) => {
    const { axis = 0 } = node.attributes as KnownAttributes;
    const { given, result } = shapesOf(node);
    const rank = given[1]!.length;
    return {
      kind: "axes",
      from: result.map((_, j) => {
        const inIndices = j >= axis && j < axis + rank;
        if (i === 1) return inIndices ? j - axis : undefined;
        return inIndices ? undefined : j < axis ? j : j - rank + 1;
      }),
    };
  },
  interpolate: (node) => {
    const { given, result } = shapesOf(node);
    const factors = result.slice(2).map((size, axis) => size / given[0]![axis + 2]!);
    const geometry = {
      size: factors,
      stride: factors,
      dilation: factors.map(() => 1),
      pads: factors.map(() => [0, 0] as const),
      output: result.slice(2),
    };
    return factors.every(Number.isInteger) ? { kind: "spread", geometry } : mixedFlow(result);
  },
};

/** Ops that mix positions in ways that have no simple description. */
const mixing = new Set([
  "avgPoolGrad",
  "convFilterGrad",
  "cumsum",
  "gatherFromPlane",
  "oneHot",
  "place",
  "scatterAdd",
  "scatterAlongAxis",
  "scatterToPlane",
  "takeAlongAxis",
  "topK",
]);

function flowOf(node: GraphNode, i: number): Flow {
  const { given, result } = shapesOf(node);
  const known = flows[node.op.name];
  if (known !== undefined) return known(node, i);
  if (mixing.has(node.op.name)) return mixedFlow(result);
  const { axes, axis, keepDims } = node.attributes as KnownAttributes;
  const reduced = axes ?? (axis === undefined ? undefined : [axis]);
  if (reduced === undefined) return alignedFlow(given[i]!, result);
  const kept = [...given[i]!.keys()].filter((j) => keepDims === true || !reduced.includes(j));
  return { kind: "axes", from: kept.map((j) => (reduced.includes(j) ? undefined : j)) };
}

function operatorOf(node: GraphNode, isWeighted: boolean): Operator | undefined {
  const { given, result } = shapesOf(node);
  const { groups = 1 } = node.attributes as KnownAttributes;
  const name = node.op.name;
  const spatial = given[0]!.slice(2);
  if (name === "maxPool" || name === "avgPool") {
    return { kind: "pooling", spatial, geometry: poolingGeometry(node) };
  }
  if (!isWeighted) return undefined;
  const w = given[1]!;
  if (name === "conv") {
    return {
      kind: "convolution",
      spatial,
      channels: w[1]!,
      filters: w[0]!,
      groups,
      geometry: convolutionGeometry(node, result),
    };
  }
  if (name === "convInputGrad") {
    return {
      kind: "transposed convolution",
      spatial,
      channels: w[0]! / groups,
      filters: w[1]! * groups,
      groups,
      geometry: convolutionGeometry(node, result),
    };
  }
  if (name !== "matmul" || w.length !== 2) return undefined;
  const units = result.at(-1)!;
  return { kind: "dense", inputs: w[0]!, units, positions: shapeSize(result.slice(1, -1)) };
}

/**
 * A graph of the engine as a network, a layer for each primitive op. `parameters` are the inputs of the graph that stand for
 * Variables; the others are the inputs of the network.
 */
export function graphNetwork(graph: Graph, parameters: readonly GraphNode[]): Network {
  const whole = lowered(graph);
  const isParameter = new Set(parameters);
  const weights = derivedFrom(whole, parameters);
  const inputs = graph.inputs.filter((node) => isInput(node) && !isParameter.has(node));
  const layers: NetworkLayer[] = [];
  const counts = new Map<string, number>();
  const counted = new Set<GraphNode>();
  const layerOf = (node: GraphNode): number => {
    const { name } = node.op;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    const own = parametersBehind(node, { isParameter, weights, counted });
    const sizes = own.map(({ shape }) => ({ size: shapeSize(shape), isBias: shape.length === 1 }));
    const sum = (isBias: boolean): number =>
      sizes.reduce((total, entry) => total + (entry.isBias === isBias ? entry.size : 0), 0);
    layers.push({
      path: node.scope === "" ? `${name}${count}` : `${node.scope}.${name}`,
      kind: name,
      outputShape: node.outputs[0]!.shape.slice(1),
      weights: sum(false),
      biases: sum(true),
      trainable: sum(false) + sum(true),
      bytes: own.reduce((total, { shape, dtype }) => total + byteLength(dtype, shapeSize(shape)), 0),
    });
    return layers.length - 1;
  };
  const steps = stepsOf(whole, { inputs, parameters, layerOf });
  return { kind: "graph", inputs: inputs.map((node) => node.outputs[0]!.shape), layers, steps, notes: [] };
}

/** The parameters that a node reads, also turned or reshaped; each counts where it is read first. */
function parametersBehind(
  node: GraphNode,
  known: {
    isParameter: ReadonlySet<GraphNode>;
    weights: ReadonlySet<GraphNode>;
    counted: Set<GraphNode>;
  },
): TensorSpec[] {
  const { isParameter, weights, counted } = known;
  const open = node.inputs.map((value) => value.node);
  const found: TensorSpec[] = [];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (!weights.has(next) || counted.has(next)) continue;
    counted.add(next);
    if (isParameter.has(next)) found.push(next.outputs[0]!);
    else open.push(...next.inputs.map((value) => value.node));
  }
  return found;
}
