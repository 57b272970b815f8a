import { joinPieces, messagePieces, type Init, type MessagePieces } from "../proto/codec.js";
import { OnnxFormatError } from "../proto/format-error.js";
import { AttributeCode } from "../proto/messages.js";
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  NodeProto,
  SparseTensorProto,
  TensorProto,
} from "../proto/messages.js";
import type { AttributeValue, Attributes, SparseTensor } from "./attributes.js";
import { DataPlacement, type DataFile, type ExternalDataOptions } from "./external-data.js";
import type { Graph, OnnxFunction, OnnxModel, OnnxNode } from "./onnx-model.js";
import { tensorToProto } from "./tensor-codec.js";
import type { NamedTensor } from "./tensor-data.js";
import { valueInfoToProto, valueTypeToProto } from "./value-type-codec.js";

/** A message of protobuf ends there, https://protobuf.dev/programming-guides/encoding/#size-limit. */
export const LARGEST_MODEL = 2 ** 31 - 1;

/** The files that a model consists of. */
export interface ModelFiles {
  /** The bytes of the `.onnx` file. */
  readonly bytes: Uint8Array;
  /** The file beside it that holds the weights, where there is one. */
  readonly data?: DataFile;
}

/**
 * Writes a model as the bytes of an `.onnx` file.
 *
 * @throws OnnxFormatError when a tensor's data does not fill its shape, or the file would have 2 GB or more.
 */
export function writeModel(model: OnnxModel): Uint8Array {
  return joinedModel(modelPieces(model, tensorToProto));
}

/**
 * Writes a model as two files: what needs much room lies in the second, which may have any size.
 *
 * @throws OnnxFormatError when a tensor's data does not fill its shape, the name of the second file leads out of its folder,
 * or the first would still have 2 GB or more.
 *
 * @example
 * ```ts
 * import { readModel, tensorValue, writeModelFiles } from "@convoke/onnx";
 *
 * const weight = { name: "w", dtype: "float32", shape: [2], data: Float32Array.of(3, 4) } as const;
 * const graph = {
 *   name: "sum",
 *   nodes: [{ name: "add", opType: "Add", domain: "", inputs: ["x", "w"], outputs: ["y"], attributes: {} }],
 *   initializers: [weight],
 *   inputs: [tensorValue("x", "float32", [2])],
 *   outputs: [tensorValue("y", "float32", [2])],
 *   valueInfo: [],
 * };
 * const producer = { name: "example", version: "1" };
 * const model = { irVersion: 8, opsets: { "": 17 }, producer, metadata: {}, functions: [], graph };
 * const { bytes, data } = writeModelFiles(model, { file: "sum.onnx.data", threshold: 0 });
 * const weights = Uint8Array.from([...data!.chunks()].flatMap((chunk) => [...chunk]));
 * const { initializers } = readModel(bytes, { externalData: () => weights }).graph;
 * console.log(data!.file, weights.length, initializers[0]!.data); // sum.onnx.data 8 Float32Array [3, 4]
 * ```
 */
export function writeModelFiles(model: OnnxModel, options: ExternalDataOptions): ModelFiles {
  const placement = new DataPlacement(options);
  const bytes = joinedModel(modelPieces(model, (tensor) => placement.place(tensor)));
  const data = placement.file();
  return data === undefined ? { bytes } : { bytes, data };
}

function joinedModel(model: MessagePieces): Uint8Array {
  const { length } = model;
  if (length <= LARGEST_MODEL) return joinPieces(model);
  throw new OnnxFormatError({
    operation: "writeModel",
    got: `a file of ${(length / 2 ** 30).toFixed(2)} GB`,
    rule: "an .onnx file has less than 2 GB, as every message of protobuf",
    wayOut:
      "Keep the weights in a file beside it: exportOnnx with { externalData: true }, or writeModelFiles.",
  });
}

type WriteTensor = (tensor: NamedTensor) => Init<TensorProto>;

/** The file, not joined yet; `initializer` writes the initialisers of the main graph. */
export function modelPieces(model: OnnxModel, initializer: WriteTensor): MessagePieces {
  return messagePieces("ModelProto", {
    irVersion: BigInt(model.irVersion),
    opsetImport: opsetsToProto(model.opsets),
    producerName: model.producer.name,
    producerVersion: model.producer.version,
    domain: model.domain,
    modelVersion: model.modelVersion === undefined ? undefined : BigInt(model.modelVersion),
    docString: model.doc,
    graph: graphToProto(model.graph, initializer),
    metadataProps: entriesToProto(model.metadata),
    functions: model.functions.map(functionToProto),
  });
}

const encoder = new TextEncoder();

function graphToProto(graph: Graph, initializer: WriteTensor = tensorToProto): Init<GraphProto> {
  return {
    name: graph.name,
    node: graph.nodes.map(nodeToProto),
    initializer: graph.initializers.map(initializer),
    sparseInitializer: graph.sparseInitializers?.map(sparseToProto),
    docString: graph.doc,
    input: graph.inputs.map(valueInfoToProto),
    output: graph.outputs.map(valueInfoToProto),
    valueInfo: graph.valueInfo.map(valueInfoToProto),
  };
}

function nodeToProto(node: OnnxNode): Init<NodeProto> {
  return {
    // The fields are written only where they say something, as other writers do.
    name: node.name === "" ? undefined : node.name,
    opType: node.opType,
    domain: node.domain === "" ? undefined : node.domain,
    overload: node.overload,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: attributesToProto(node.attributes),
    docString: node.doc,
    metadataProps: entriesToProto(node.metadata ?? {}),
  };
}

function functionToProto(fn: OnnxFunction): Init<FunctionProto> {
  return {
    name: fn.name,
    domain: fn.domain,
    overload: fn.overload,
    input: [...fn.inputs],
    output: [...fn.outputs],
    attribute: [...fn.attributes],
    attributeProto: attributesToProto(fn.defaults),
    node: fn.nodes.map(nodeToProto),
    opsetImport: opsetsToProto(fn.opsets),
    valueInfo: fn.valueInfo?.map(valueInfoToProto),
    docString: fn.doc,
  };
}

function opsetsToProto(opsets: Readonly<Record<string, number>>) {
  return Object.entries(opsets).map(([domain, version]) => ({ domain, version: BigInt(version) }));
}

function entriesToProto(entries: Readonly<Record<string, string>>) {
  return Object.entries(entries).map(([key, value]) => ({ key, value }));
}

function attributesToProto(attributes: Attributes) {
  return Object.entries(attributes).map(([name, value]) => ({ name, ...attributeToProto(value) }));
}

function attributeToProto(attribute: AttributeValue): Init<AttributeProto> {
  if (attribute.type === "reference")
    return { type: AttributeCode[attribute.of], refAttrName: attribute.value };
  const type = AttributeCode[attribute.type];
  switch (attribute.type) {
    case "float":
      return { type, f: attribute.value };
    case "int":
      return { type, i: attribute.value };
    case "string":
      return { type, s: encoder.encode(attribute.value) };
    case "tensor":
      return { type, t: tensorToProto(attribute.value) };
    case "graph":
      return { type, g: graphToProto(attribute.value) };
    case "sparseTensor":
      return { type, sparseTensor: sparseToProto(attribute.value) };
    case "valueType":
      return { type, tp: valueTypeToProto(attribute.value) ?? {} };
    case "floats":
      return { type, floats: [...attribute.value] };
    case "ints":
      return { type, ints: [...attribute.value] };
    case "strings":
      return { type, strings: attribute.value.map((text) => encoder.encode(text)) };
    case "tensors":
      return { type, tensors: attribute.value.map(tensorToProto) };
    case "graphs":
      return { type, graphs: attribute.value.map((graph) => graphToProto(graph)) };
    case "sparseTensors":
      return { type, sparseTensors: attribute.value.map(sparseToProto) };
    case "valueTypes":
      return { type, typeProtos: attribute.value.map((item) => valueTypeToProto(item) ?? {}) };
  }
}

function sparseToProto(sparse: SparseTensor): Init<SparseTensorProto> {
  return {
    dims: sparse.shape.map((size) => BigInt(size)),
    values: tensorToProto(sparse.values),
    indices: tensorToProto(sparse.indices),
  };
}
