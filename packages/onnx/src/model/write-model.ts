import { encodeMessage, type Init } from "../proto/codec.js";
import { AttributeCode } from "../proto/messages.js";
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  NodeProto,
  SparseTensorProto,
} from "../proto/messages.js";
import type { AttributeValue, Attributes, SparseTensor } from "./attributes.js";
import type { Graph, OnnxFunction, OnnxModel, OnnxNode } from "./onnx-model.js";
import { tensorToProto } from "./tensor-codec.js";
import { valueInfoToProto, valueTypeToProto } from "./value-type-codec.js";

/**
 * Writes a model as the bytes of an `.onnx` file.
 *
 * @throws OnnxFormatError when a tensor's data does not fill its shape.
 */
export function writeModel(model: OnnxModel): Uint8Array {
  return encodeMessage("ModelProto", {
    irVersion: BigInt(model.irVersion),
    opsetImport: opsetsToProto(model.opsets),
    producerName: model.producer.name,
    producerVersion: model.producer.version,
    domain: model.domain,
    modelVersion: model.modelVersion === undefined ? undefined : BigInt(model.modelVersion),
    docString: model.doc,
    graph: graphToProto(model.graph),
    metadataProps: entriesToProto(model.metadata),
    functions: model.functions.map(functionToProto),
  });
}

const encoder = new TextEncoder();

function graphToProto(graph: Graph): Init<GraphProto> {
  return {
    name: graph.name,
    node: graph.nodes.map(nodeToProto),
    initializer: graph.initializers.map(tensorToProto),
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
      return { type, graphs: attribute.value.map(graphToProto) };
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
