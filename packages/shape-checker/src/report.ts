// The report: what each layer and the whole network consist of.
import type { Graph, GraphNode, Module } from "@convoke/core";
import type { Shape } from "@convoke/shape";
import { adviceOn, type Advice } from "./advice.js";
import { graphNetwork } from "./graph-network.js";
import { layerWork, type LayerWork } from "./layer-work.js";
import { memoryOf, type ActivationBytes, type PeakMemory } from "./memory.js";
import { modelNetwork, type ModelOptions } from "./model-network.js";
import type { Network, NetworkLayer, Operator } from "./network.js";
import { onnxNetwork, type OnnxModelLike, type OnnxNetworkOptions } from "./onnx-network.js";
import { parseNetwork } from "./parse-network.js";
import { fieldOf, fieldsOf, type AxisField, type Field } from "./receptive-field.js";
import { workingOf, type Working } from "./working.js";

/** One layer. Shapes have no batch axis; counts are for one sample. */
export interface LayerReport {
  /** Its path in the model, as in the names of its parameters; empty for the model itself. */
  readonly path: string;
  /** What kind of layer it is, by the name of the function that makes it; in a file the operator. */
  readonly kind: string;
  /** The layers that it reads, by their index in the report; −1 is the network's input. */
  readonly inputs: readonly number[];
  /** Undefined where it gives something else than one tensor. */
  readonly outputShape: Shape | undefined;
  /** What feeds one neuron: its kernel's weights, and 1 for the bias where there is one. */
  readonly weightsPerFilter?: number;
  /** Outputs that are weighted sums. */
  readonly neurons?: number;
  /** Weights and biases that the neurons use, each counted as often as it is used. */
  readonly connections?: number;
  /** Its own parameters (weights and biases), those of its sub-modules not included. */
  readonly parameters: number;
  readonly parametersWithoutBias: number;
  readonly multiplyAdds: number;
  /** Bytes of its output, and what it keeps for the backward pass. */
  readonly activations: ActivationBytes;
  /** Along each spatial axis of the input; undefined where its output does not depend on the input. */
  readonly receptiveField?: readonly AxisField[];
  /** Of the network's parameters and multiply-adds, from 0 to 1. */
  readonly share: { readonly parameters: number; readonly multiplyAdds: number };
  /** Each number's formula with the values put in. */
  readonly working: readonly Working[];
}

/** The whole network. */
export interface ReportTotals {
  readonly parameters: number;
  readonly parametersWithoutBias: number;
  /** Parameters that are not frozen. */
  readonly trainable: number;
  /** For one sample. */
  readonly multiplyAdds: number;
  /** On disk: what the parameters and the running statistics occupy. */
  readonly bytes: number;
}

export interface ModelReport {
  readonly kind: string;
  /** Without batch axis. */
  readonly inputShape: Shape;
  readonly layers: readonly LayerReport[];
  readonly totals: ReportTotals;
  /** Estimates; the rules are in the guide. */
  readonly memory: PeakMemory;
  readonly advice: readonly Advice[];
  /** What could not be followed, in words. */
  readonly notes: readonly string[];
}

/** Options of every report. */
export interface NetworkOptions {
  /** Samples at once, for the memory. Default 1. */
  readonly batchSize?: number | undefined;
  /** Values that the optimizer keeps for each parameter. Default 2, as Adam does; 0 for plain SGD. */
  readonly optimizerSlots?: number | undefined;
}

export interface ReportOptions extends ModelOptions, NetworkOptions {}

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
export function report(model: Module, inputShape?: Shape, options: ReportOptions = {}): ModelReport {
  return networkReport(modelNetwork(model, inputShape, options), options);
}

/**
 * The report of a network in words; see `parseNetwork` for the grammar.
 *
 * @throws NetworkTextError that points at the mistake.
 * @example
 * ```ts
 * import { textReport } from "@convoke/shape-checker";
 *
 * const { layers } = textReport("input 1x32x32; conv 6@5x5; pool 2");
 * console.log(layers[0]?.connections, layers[1]?.outputShape); // 122304 [6, 14, 14]
 * ```
 */
export function textReport(text: string, options: NetworkOptions = {}): ModelReport {
  return networkReport(parseNetwork(text), options);
}

/**
 * The report of a graph, a layer for each primitive op. `parameters` are its inputs that stand for Variables.
 *
 * @example
 * ```ts
 * import { conv2d, graphOf, inputNode, Tensor } from "@convoke/core";
 * import { graphReport } from "@convoke/shape-checker";
 *
 * const image = inputNode("image", [1, 1, 32, 32], "float32");
 * const kernels = inputNode("kernels", [6, 1, 5, 5], "float32");
 * const y = conv2d(new Tensor({ node: image, index: 0 }), new Tensor({ node: kernels, index: 0 }));
 * const graph = graphOf({ inputs: [image, kernels], state: [], outputs: [y.handle] });
 * console.log(graphReport(graph, [kernels]).totals.multiplyAdds); // 117600
 * ```
 */
export function graphReport(
  graph: Graph,
  parameters: readonly GraphNode[],
  options: NetworkOptions = {},
): ModelReport {
  return networkReport(graphNetwork(graph, parameters), options);
}

/**
 * The report of a parsed ONNX file; `readModel` of `@convoke/onnx` parses one.
 *
 * @throws ConvokeError when the file leaves sizes open and `inputShape` does not give them.
 * @throws ShapeError when the sizes do not fit; it names the node.
 * @example
 * ```ts
 * import { exportOnnx, readModel } from "@convoke/onnx";
 * import { lenet5 } from "@convoke/models";
 * import { onnxReport } from "@convoke/shape-checker";
 *
 * const { bytes } = await exportOnnx(lenet5());
 * console.log(onnxReport(readModel(bytes)).totals.parameters); // 61706
 * ```
 */
export function onnxReport(
  model: OnnxModelLike,
  options: NetworkOptions & OnnxNetworkOptions = {},
): ModelReport {
  return networkReport(onnxNetwork(model, options), options);
}

/** The report of a network in the checker's own form, whatever it was read from. */
export function networkReport(network: Network, options: NetworkOptions = {}): ModelReport {
  const { batchSize = 1, optimizerSlots = 2 } = options;
  const { kind, inputs, layers, notes } = network;
  const fields = fieldsOf(network);
  const work = layerWork(network);
  const count = (of: (layer: NetworkLayer) => number): number =>
    layers.reduce((sum, layer) => sum + of(layer), 0);
  const totals: ReportTotals = {
    parameters: count(({ weights, biases }) => weights + biases),
    parametersWithoutBias: count(({ weights }) => weights),
    trainable: count(({ trainable }) => trainable),
    multiplyAdds: work.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0),
    bytes: count(({ bytes }) => bytes),
  };
  const memory = memoryOf(network, work, { batchSize, optimizerSlots, parameters: totals.trainable });
  const operators: (Operator | undefined)[] = work.map(({ operator }) => operator);
  let previous: Field = fieldOf({ inputs, fields }, -1);
  const rows = layers.map((layer, i): LayerReport => {
    const own = work[i]!;
    // A layer that computes nothing (dropout in inference) passes on what the one before it gave.
    const field = own.last === undefined ? previous : fields[own.last];
    previous = field;
    const counts = countsOf(layer, own);
    const activations = memory.activations[i]!;
    const read = own.source === undefined ? undefined : fieldOf({ inputs, fields }, own.source);
    return {
      path: layer.path,
      kind: layer.kind,
      inputs: own.inputs,
      outputShape: layer.outputShape,
      ...counts,
      parameters: layer.weights + layer.biases,
      parametersWithoutBias: layer.weights,
      multiplyAdds: own.multiplyAdds,
      activations,
      ...(field !== undefined && {
        receptiveField: field.map(({ size, stride, offset }) => ({ size, stride, offset })),
      }),
      share: {
        parameters: ratio(layer.weights + layer.biases, totals.parameters),
        multiplyAdds: ratio(own.multiplyAdds, totals.multiplyAdds),
      },
      working: workingOf({ layer, work: own, counts, activations, field, read }),
    };
  });
  return {
    kind,
    inputShape: inputs[0]!.slice(1),
    layers: rows,
    totals,
    memory: memory.peak,
    advice: adviceOn(rows, operators),
    notes,
  };
}

/** The counts of a layer whose outputs are weighted sums. */
export type SumCounts = Pick<LayerReport, "weightsPerFilter" | "neurons" | "connections">;

function countsOf({ biases }: NetworkLayer, { sums }: LayerWork): SumCounts {
  if (sums === undefined) return {};
  const { neurons, products } = sums;
  const bias = biases > 0 ? 1 : 0;
  const counted = { neurons, connections: products + bias * neurons };
  const perFilter = products / neurons;
  // The windows of a transposed convolution with a stride do not all meet the same number of inputs.
  return Number.isInteger(perFilter) ? { weightsPerFilter: perFilter + bias, ...counted } : counted;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
