// Writes a model as an ONNX file, and compares it with our own forward pass where a runner is given.
import {
  flattenTree,
  inputNode,
  Tensor,
  type GraphNode,
  type Module,
  type TensorSpec,
  type Variable,
} from "@convoke/core";
import { formatShape, type Shape } from "@convoke/shape";
import { isWrittenAsItself } from "../lowerings/lowering-table.js";
import type { ExternalDataOptions } from "../model/external-data.js";
import type { OnnxModel } from "../model/onnx-model.js";
import type { OnnxRunner } from "../model/onnx-runner.js";
import { writeModel, writeModelFiles, type ModelFiles } from "../model/write-model.js";
import { alignSingle, alignTraces } from "./align-traces.js";
import { OnnxExportError } from "./export-error.js";
import { hostTensor } from "./host-tensor.js";
import { lowerGraph, type GraphSource } from "./lower-graph.js";
import { metadataProps, type ModelMetadata } from "./metadata.js";
import { irVersion, OPSETS } from "./opsets.js";
import { pictureInput, pictureMetadata, pixelSpec, sizedPreprocessing } from "./picture-input.js";
import {
  namedTensors,
  traceModel,
  type ForwardPass,
  type InputTree,
  type TracedModel,
} from "./trace-model.js";
import { verifyExport } from "./verify-export.js";

/** Batch sizes of the traces. They are large primes, so that they are not mistaken for another size of the net. */
const TRACED = [11, 13, 17] as const;
/** Batch sizes of the verification: none of those above. */
const VERIFIED = [1, 7, 3] as const;

/** Half precision has 11 bits, and of several steps each is rounded. */
const FLOAT16_TOLERANCE = 2 ** -8;

/** What a model is written with. */
export interface ExportOptions<In = Tensor> {
  /** Shape of one sample, without the batch axis, of a float32 input; by default what the model was built with. */
  readonly inputShape?: Shape;
  /** Example inputs, for models with several inputs or other element types; the first axis of each is the batch. */
  readonly input?: In;
  /** The version of ONNX's operators, 17 to 26; 17 by default, which every current engine knows. */
  readonly opset?: number;
  /** A size that stays open, or a fixed one. `"dynamic"` by default. */
  readonly batch?: "dynamic" | number;
  /** Names of the inputs; `input` by default, or the paths in the tree of `input`. */
  readonly inputs?: readonly string[];
  /** Names of the outputs; `output` by default, or the paths in the tree that the model gives. */
  readonly outputs?: readonly string[];
  /** The name of the graph; the kind of the model by default. */
  readonly name?: string;
  /** What a user of the file has to know: class names, preprocessing. */
  readonly metadata?: ModelMetadata;
  /**
   * Where pictures are prepared. `"outside"`, the default: whoever feeds the file does as its metadata says. `"inside"`:
   * the file takes pixels as a decoder gives them, uint8 [N, height, width, channels], and applies
   * `metadata.preprocessing` itself. The size stays that of the model: nothing is resized inside.
   */
  readonly preprocessing?: "inside" | "outside";
  /** Ends each output with a softmax over its last axis, so that the file gives probabilities. */
  readonly softmax?: boolean;
  /** Adds an output `class`, int32 [N]: the index of the highest score, the first of equal ones. */
  readonly classIndex?: boolean;
  /**
   * Keeps the weights in a file of their own, which the result describes: models of 2 GB and more need it. `true` calls
   * it `model.onnx.data`.
   */
  readonly externalData?: true | Partial<ExternalDataOptions>;
  /** Runs the file and compares: at batch sizes 1, 7 and 3, or at the fixed one, on seeded normal numbers. */
  readonly verify?: OnnxRunner;
  /** Inputs to compare on besides the random ones. */
  readonly verifyInputs?: readonly In[];
  /** The largest difference that is accepted, max|a − b| / max(1, max|b|); by default 1e-5, in half precision 2⁻⁸. */
  readonly tolerance?: number;
  /** Seed of the random inputs. */
  readonly seed?: number;
}

/** A written model. */
export interface ExportedModel extends ModelFiles {
  /** The same as plain objects. */
  readonly model: OnnxModel;
  /** With `verify`: the largest difference to our own forward pass, max|a − b| / max(1, max|b|). */
  readonly maxAbsDiff?: number;
}

/**
 * Writes a built model, in inference, as an ONNX file. Layers that ONNX has are written as themselves; nodes are named
 * by the path of their layer, weights by that of their parameter.
 *
 * @throws OnnxExportError when a dynamic batch axis has no single form; the message names the node.
 * @throws UnsupportedOpError when ONNX has no operator for an op.
 * @throws OnnxFormatError when the file would have 2 GB or more, and `externalData` is not given.
 * @throws OnnxVerificationError when the file computes something else; names the first node that differs.
 *
 * @example
 * ```ts
 * import { Module, type Tensor } from "@convoke/core";
 * import { exportOnnx } from "@convoke/onnx";
 *
 * class Positive extends Module {
 *   protected compute(x: Tensor) {
 *     return x.maximum(0);
 *   }
 * }
 * const { bytes, model } = await exportOnnx(new Positive(), { inputShape: [3] });
 * console.log(bytes.length > 0, model.graph.nodes.map((node) => node.name)); // true ["Max"]
 * ```
 */
export async function exportOnnx<In, Out>(
  model: Module<In, Out>,
  options: ExportOptions<In> = {},
): Promise<ExportedModel> {
  const opset = checkedOpset(options.opset ?? OPSETS.oldest);
  const batch = checkedBatch(options.batch ?? "dynamic");
  const metadata = options.metadata ?? {};
  const given = inputTree(model, options);
  const pictures =
    options.preprocessing === "inside"
      ? pictureInput(`exportOnnx ${model.kind}`, given.specs, metadata.preprocessing ?? {})
      : undefined;
  const pass: ForwardPass = {
    model,
    inputs: pictures === undefined ? given : { ...given, specs: [pixelSpec(pictures)] },
    pictures,
    softmax: options.softmax ?? false,
    classIndex: options.classIndex ?? false,
    keep: (node) => isWrittenAsItself(node, opset),
  };
  const traces = (batch === "dynamic" ? TRACED : [batch]).map((size) => traceModel(pass, size));
  const trace = traces[0]!;
  const outputNames = checkedNames("outputs", options.outputs, trace.outputNames);
  const { graph, computed } = lowerGraph({
    name: options.name ?? model.kind,
    opset,
    nodes: traces.length === 1 ? alignSingle(trace) : alignTraces(traces),
    sources: await sourcesOf(model, trace, pass.inputs.names),
    outputs: trace.graph.outputs.map((value, i) => ({ value, name: outputNames[i]! })),
  });
  const written: OnnxModel = {
    irVersion: irVersion(opset),
    opsets: { "": opset },
    producer: { name: "convoke", version: "" },
    metadata: metadataProps({
      ...metadata,
      ...(pictures !== undefined
        ? { preprocessing: pictureMetadata(pictures) }
        : metadata.preprocessing && {
            preprocessing: sizedPreprocessing(given.specs, metadata.preprocessing),
          }),
    }),
    functions: [],
    graph,
  };
  const write = writerFor(options.externalData);
  const files = write(written);
  if (options.verify === undefined) return { ...files, model: written };
  const maxAbsDiff = await verifyExport({
    pass,
    model: written,
    write,
    files,
    runner: options.verify,
    computed,
    outputNames,
    batches: batch === "dynamic" ? VERIFIED : [batch],
    examples: options.verifyInputs ?? [],
    tolerance: options.tolerance ?? (hasFloat16(trace) ? FLOAT16_TOLERANCE : 1e-5),
    seed: options.seed ?? 0,
  });
  return { ...files, model: written, maxAbsDiff };
}

function writerFor(externalData: ExportOptions["externalData"]): (model: OnnxModel) => ModelFiles {
  if (externalData === undefined) return (model) => ({ bytes: writeModel(model) });
  const file = "model.onnx.data";
  return (model) => writeModelFiles(model, externalData === true ? { file } : { file, ...externalData });
}

function hasFloat16({ graph }: TracedModel): boolean {
  return graph.nodes.some(({ outputs }) => outputs.some(({ dtype }) => dtype === "float16"));
}

function checkedOpset(opset: number): number {
  if (Number.isInteger(opset) && opset >= OPSETS.oldest && opset <= OPSETS.newest) return opset;
  throw new OnnxExportError({
    operation: "exportOnnx",
    problem: `got opset ${opset}, but opsets ${OPSETS.oldest} to ${OPSETS.newest} can be written.`,
    wayOut: `Leave the option out for opset ${OPSETS.oldest}, which every current engine runs.`,
  });
}

function checkedBatch(batch: "dynamic" | number): "dynamic" | number {
  if (batch === "dynamic" || (Number.isInteger(batch) && batch > 0)) return batch;
  throw new OnnxExportError({
    operation: "exportOnnx",
    problem: `got batch ${batch}, but a batch has a whole number of samples, at least 1.`,
    wayOut: 'Give the number of samples, or "dynamic" for any.',
  });
}

function checkedNames(
  what: string,
  given: readonly string[] | undefined,
  own: readonly string[],
): readonly string[] {
  if (given === undefined) return own;
  if (given.length === own.length && new Set(given).size === given.length) return given;
  throw new OnnxExportError({
    operation: "exportOnnx",
    problem: `got ${given.length} names for ${what} (${given.join(", ")}), but the model has ${own.length}, each with a name of its own.`,
    wayOut: `Give as many different names as that, or leave the option out.`,
  });
}

function inputTree<In, Out>(model: Module<In, Out>, options: ExportOptions<In>): InputTree {
  const tree: unknown = options.input ?? abstractInput(model, options.inputShape);
  const named = namedTensors(tree, "input");
  const scalar = named.find(([, { rank }]) => rank === 0);
  if (named.length === 0 || scalar !== undefined) {
    throw new OnnxExportError({
      operation: `exportOnnx ${model.kind}`,
      problem:
        scalar === undefined
          ? "the example holds no tensor."
          : `input "${scalar[0]}" is a scalar and has no batch axis.`,
      wayOut: "Give tensors whose first axis is the batch.",
    });
  }
  return {
    names: checkedNames(
      "inputs",
      options.inputs,
      named.map(([name]) => name),
    ),
    specs: named.map(([, { shape, dtype }]) => ({ shape, dtype })),
    flattened: flattenTree(tree),
  };
}

function abstractInput<In, Out>(model: Module<In, Out>, inputShape: Shape | undefined): Tensor {
  const { shape, dtype } =
    inputShape === undefined ? builtWith(model) : { shape: [1, ...inputShape], dtype: "float32" as const };
  return new Tensor({ node: inputNode("the input of the exported model", shape, dtype), index: 0 });
}

function builtWith<In, Out>(model: Module<In, Out>): TensorSpec {
  const [shape, ...others] = model.inputShapes;
  const [dtype] = model.inputDTypes;
  if (shape !== undefined && shape.length > 0 && dtype !== undefined && others.length === 0)
    return { shape, dtype };
  throw new OnnxExportError({
    operation: `exportOnnx ${model.kind}`,
    problem:
      shape === undefined
        ? "the shape of the input is not known."
        : `the model was built with inputs ${model.inputShapes.map(formatShape).join(", ")}, from which no single input follows.`,
    wayOut: "Give inputShape: [channels, height, width], or example tensors as input.",
  });
}

/** Where the inputs of the graph come from: the caller, Variables, and values that were computed before. */
async function sourcesOf<In, Out>(
  model: Module<In, Out>,
  trace: TracedModel,
  names: readonly string[],
): Promise<Map<GraphNode, GraphSource>> {
  const paths = new Map<Variable, string>(
    Object.entries(model.namedVariables()).map(([path, variable]) => [variable, path]),
  );
  const weights: { readonly name: string; readonly values: Variable | Tensor }[] = [
    ...trace.variables.map((values) => ({ name: paths.get(values) ?? values.name, values })),
    ...trace.captured.map((value) => ({ name: "captured", values: new Tensor(value) })),
  ];
  const sources = new Map<GraphNode, GraphSource>();
  for (const [i, node] of trace.graph.inputs.entries()) {
    const input = names[i];
    if (input !== undefined) {
      sources.set(node, { kind: "input", name: input });
      continue;
    }
    const { name, values } = weights[i - names.length]!;
    const { dtype, shape } = values;
    sources.set(node, {
      kind: "weight",
      name,
      tensor: hostTensor({ dtype, shape, data: await values.data() }),
    });
  }
  return sources;
}
