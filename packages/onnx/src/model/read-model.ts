import { decodeMessage, isSet } from "../proto/codec.js";
import { OnnxFormatError } from "../proto/format-error.js";
import { AttributeCode } from "../proto/messages.js";
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  NodeProto,
  OperatorSetIdProto,
  SparseTensorProto,
  StringStringEntryProto,
} from "../proto/messages.js";
import type { OnnxLimits } from "../proto/wire-check.js";
import type { AttributeType, AttributeValue, SparseTensor } from "./attributes.js";
import type { Graph, OnnxFunction, OnnxModel, OnnxNode } from "./onnx-model.js";
import { decodeUtf8, sizeOf, tensorFromProto } from "./tensor-codec.js";
import type { ExternalData, TensorContext } from "./tensor-codec.js";
import { readValueInfo, readValueType } from "./value-type-codec.js";

/** How to read a model. */
export interface ReadModelOptions {
  /** Gives the bytes of the files that the model keeps its weights in; locations are checked before it is asked. */
  readonly externalData?: ExternalData;
  readonly limits?: OnnxLimits;
}

/**
 * Reads a model file into plain objects. Weights are copied out of `bytes`.
 *
 * Training information, quantisation annotations and denotations are not part of the result.
 *
 * @throws OnnxFormatError for anything that is not a well-formed model. Whether its graph makes sense is not checked
 * here.
 *
 * @example
 * ```ts
 * import { readModel, writeModel } from "@convoke/onnx";
 *
 * const bytes = writeModel({
 *   irVersion: 8,
 *   opsets: { "": 17 },
 *   producer: { name: "example", version: "1" },
 *   metadata: {},
 *   functions: [],
 *   graph: { name: "empty", nodes: [], initializers: [], inputs: [], outputs: [], valueInfo: [] },
 * });
 * console.log(readModel(bytes).opsets[""]); // 17
 * ```
 */
export function readModel(bytes: Uint8Array, options: ReadModelOptions = {}): OnnxModel {
  const operation = "readModel";
  const proto = decodeMessage("ModelProto", bytes, { operation, limits: options.limits });
  if (proto.graph === undefined) {
    throw new OnnxFormatError({
      operation,
      got: "a model without a graph",
      rule: "every ONNX model has one",
      wayOut: "Check that the file is a model: tensor files are read with readTensor.",
    });
  }
  const context: TensorContext = { where: operation, externalData: options.externalData };
  return {
    irVersion: Number(proto.irVersion),
    opsets: readOpsets(proto.opsetImport, operation),
    producer: { name: proto.producerName, version: proto.producerVersion },
    ...(proto.domain === "" ? {} : { domain: proto.domain }),
    ...(proto.modelVersion === 0n ? {} : { modelVersion: Number(proto.modelVersion) }),
    ...docOf(proto),
    graph: readGraph(proto.graph, inside(context, "graph")),
    metadata: readEntries(proto.metadataProps),
    functions: proto.functions.map((fn, i) => readFunction(fn, inside(context, `functions[${i}]`))),
  };
}

/** The files outside the model that its tensors lie in, so that they can be fetched before {@link readModel}. */
export function externalDataLocations(bytes: Uint8Array, options: { limits?: OnnxLimits } = {}): string[] {
  const locations = new Set<string>();
  const probe: ExternalData = (location) => {
    locations.add(location);
    return undefined;
  };
  const proto = decodeMessage("ModelProto", bytes, {
    operation: "externalDataLocations",
    limits: options.limits,
  });
  const visitTensor = (tensor: { readonly externalData: readonly StringStringEntryProto[] }): void => {
    for (const entry of tensor.externalData) if (entry.key === "location") probe(entry.value);
  };
  const visitNodes = (nodes: readonly NodeProto[]): void => {
    for (const attribute of nodes.flatMap((node) => node.attribute)) {
      if (attribute.t !== undefined) visitTensor(attribute.t);
      attribute.tensors.forEach(visitTensor);
      if (attribute.g !== undefined) visitGraph(attribute.g);
      attribute.graphs.forEach(visitGraph);
    }
  };
  const visitGraph = (graph: GraphProto): void => {
    graph.initializer.forEach(visitTensor);
    visitNodes(graph.node);
  };
  if (proto.graph !== undefined) visitGraph(proto.graph);
  for (const fn of proto.functions) visitNodes(fn.node);
  return [...locations];
}

function inside(context: TensorContext, step: string): TensorContext {
  return { ...context, where: `${context.where} ${step}` };
}

function readGraph(proto: GraphProto, context: TensorContext): Graph {
  const { where } = context;
  return {
    name: proto.name,
    nodes: proto.node.map((node, i) => readNode(node, inside(context, `node[${i}]`))),
    initializers: proto.initializer.map((tensor, i) =>
      tensorFromProto(tensor, inside(context, `initializer[${i}]`)),
    ),
    ...(proto.sparseInitializer.length === 0
      ? {}
      : { sparseInitializers: proto.sparseInitializer.map((sparse) => readSparse(sparse, context)) }),
    inputs: proto.input.map((info) => readValueInfo(info, where)),
    outputs: proto.output.map((info) => readValueInfo(info, where)),
    valueInfo: proto.valueInfo.map((info) => readValueInfo(info, where)),
    ...docOf(proto),
  };
}

function readNode(proto: NodeProto, context: TensorContext): OnnxNode {
  const at = inside(context, `${proto.opType}${proto.name === "" ? "" : ` "${proto.name}"`}`);
  return {
    name: proto.name,
    opType: proto.opType,
    domain: plainDomain(proto.domain),
    inputs: proto.input,
    outputs: proto.output,
    attributes: readAttributes(proto.attribute, at),
    ...docOf(proto),
    ...(proto.overload === "" ? {} : { overload: proto.overload }),
    ...(proto.metadataProps.length === 0 ? {} : { metadata: readEntries(proto.metadataProps) }),
  };
}

function readFunction(proto: FunctionProto, context: TensorContext): OnnxFunction {
  const at = inside(context, `"${proto.name}"`);
  return {
    name: proto.name,
    domain: plainDomain(proto.domain),
    ...(proto.overload === "" ? {} : { overload: proto.overload }),
    inputs: proto.input,
    outputs: proto.output,
    attributes: proto.attribute,
    defaults: readAttributes(proto.attributeProto, at),
    nodes: proto.node.map((node, i) => readNode(node, inside(at, `node[${i}]`))),
    opsets: readOpsets(proto.opsetImport, at.where),
    ...(proto.valueInfo.length === 0
      ? {}
      : { valueInfo: proto.valueInfo.map((info) => readValueInfo(info, at.where)) }),
    ...docOf(proto),
  };
}

function readAttributes(
  protos: readonly AttributeProto[],
  context: TensorContext,
): Record<string, AttributeValue> {
  const attributes = emptyRecord<AttributeValue>();
  for (const proto of protos) {
    const at = inside(context, `attribute "${proto.name}"`);
    if (proto.name in attributes) {
      throw new OnnxFormatError({
        operation: at.where,
        got: "a second attribute of that name",
        rule: "a node's attribute names are distinct",
        wayOut: "The file is damaged or its writer wrong: write it again.",
      });
    }
    attributes[proto.name] = readAttribute(proto, at);
  }
  return attributes;
}

const typeNames = new Map<number, AttributeType>(
  (Object.keys(AttributeCode) as AttributeType[]).map((type) => [AttributeCode[type], type]),
);

function readAttribute(proto: AttributeProto, context: TensorContext): AttributeValue {
  const type = typeNames.get(proto.type) ?? typeOfContent(proto);
  if (proto.refAttrName !== "") return { type: "reference", value: proto.refAttrName, of: type };
  const { where } = context;
  switch (type) {
    case "float":
      return { type, value: proto.f };
    case "int":
      return { type, value: proto.i };
    case "string":
      return { type, value: decodeUtf8(proto.s, where) };
    case "tensor":
      return { type, value: tensorFromProto(present(proto.t, where), context) };
    case "graph":
      return { type, value: readGraph(present(proto.g, where), context) };
    case "sparseTensor":
      return { type, value: readSparse(present(proto.sparseTensor, where), context) };
    case "valueType":
      return { type, value: readValueType(present(proto.tp, where), where) };
    case "floats":
      return { type, value: proto.floats };
    case "ints":
      return { type, value: proto.ints };
    case "strings":
      return { type, value: proto.strings.map((bytes) => decodeUtf8(bytes, where)) };
    case "tensors":
      return { type, value: proto.tensors.map((tensor) => tensorFromProto(tensor, context)) };
    case "graphs":
      return { type, value: proto.graphs.map((graph) => readGraph(graph, context)) };
    case "sparseTensors":
      return { type, value: proto.sparseTensors.map((sparse) => readSparse(sparse, context)) };
    case "valueTypes":
      return { type, value: proto.typeProtos.map((item) => readValueType(item, where)) };
  }
}

/** The first IR version did not write an attribute's type: the field that is set tells it. */
function typeOfContent(proto: AttributeProto): AttributeType {
  if (isSet(proto, "f")) return "float";
  if (isSet(proto, "i")) return "int";
  if (isSet(proto, "s")) return "string";
  if (proto.t !== undefined) return "tensor";
  if (proto.g !== undefined) return "graph";
  if (proto.sparseTensor !== undefined) return "sparseTensor";
  if (proto.tp !== undefined) return "valueType";
  if (proto.floats.length > 0) return "floats";
  if (proto.strings.length > 0) return "strings";
  if (proto.tensors.length > 0) return "tensors";
  if (proto.graphs.length > 0) return "graphs";
  if (proto.sparseTensors.length > 0) return "sparseTensors";
  if (proto.typeProtos.length > 0) return "valueTypes";
  return "ints";
}

function readSparse(proto: SparseTensorProto, context: TensorContext): SparseTensor {
  const { where } = context;
  return {
    shape: proto.dims.map((dim) => sizeOf(dim, where)),
    values: tensorFromProto(present(proto.values, where), context),
    indices: tensorFromProto(present(proto.indices, where), context),
  };
}

function present<T>(value: T | undefined, where: string): T {
  if (value !== undefined) return value;
  throw new OnnxFormatError({
    operation: where,
    got: "no value",
    rule: "the field that its type names must be set",
    wayOut: "The file is damaged or its writer wrong: write it again.",
  });
}

function readOpsets(protos: readonly OperatorSetIdProto[], where: string): Record<string, number> {
  const opsets = emptyRecord<number>();
  for (const { domain, version } of protos) {
    const key = plainDomain(domain);
    if (key in opsets && opsets[key] !== Number(version)) {
      throw new OnnxFormatError({
        operation: where,
        got: `versions ${opsets[key]} and ${version} of the operators of "${key}"`,
        rule: "a model uses one version of each domain",
        wayOut: "Write the model again with one opset version.",
      });
    }
    opsets[key] = Number(version);
  }
  return opsets;
}

function readEntries(entries: readonly StringStringEntryProto[]): Record<string, string> {
  const record = emptyRecord<string>();
  for (const { key, value } of entries) record[key] = value;
  return record;
}

function docOf(proto: { docString: string }): { doc?: string } {
  return proto.docString === "" ? {} : { doc: proto.docString };
}

/** "ai.onnx" is another spelling of the empty domain. */
function plainDomain(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

/** Keys come from the file: without a prototype, "__proto__" is a key like any other. */
function emptyRecord<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}
