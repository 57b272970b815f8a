// A model in half precision read as one in float32, so that every backend can run it.
import { float16ToFloat32 } from "@convoke/core/float16";
import { attribute, type Attributes, type AttributeValue } from "../model/attributes.js";
import type { Graph, OnnxNode, ValueInfo } from "../model/onnx-model.js";
import { codeOfDType, type TensorData } from "../model/tensor-data.js";
import type { InlinedModel } from "./inline-functions.js";

/** The attributes that name an element type by its code: of Cast, of what makes tensors, of quantisation. */
const TYPE_ATTRIBUTES = new Set(["to", "dtype", "output_dtype", "output_datatype"]);
const FLOAT16 = BigInt(codeOfDType("float16"));

/** The same graph with float32 wherever it says float16: weights, constants, casts, inputs and outputs, subgraphs too. */
export function float16AsFloat32({ graph, opsetOf }: InlinedModel): InlinedModel {
  const opsets = new Map<OnnxNode, number>();
  const graphOf = (given: Graph): Graph => ({
    ...given,
    nodes: given.nodes.map(nodeOf),
    initializers: given.initializers.map(widened),
    inputs: given.inputs.map(infoOf),
    outputs: given.outputs.map(infoOf),
    valueInfo: given.valueInfo.map(infoOf),
  });
  const nodeOf = (node: OnnxNode): OnnxNode => {
    const attributes: Attributes = Object.fromEntries(
      Object.entries(node.attributes).map(([name, value]) => [name, attributeOf(name, value)]),
    );
    const result = { ...node, attributes };
    const opset = opsetOf.get(node);
    if (opset !== undefined) opsets.set(result, opset);
    return result;
  };
  const attributeOf = (name: string, value: AttributeValue): AttributeValue => {
    switch (value.type) {
      case "int":
        return TYPE_ATTRIBUTES.has(name) && value.value === FLOAT16
          ? attribute.int(codeOfDType("float32"))
          : value;
      case "tensor":
        return { ...value, value: widened(value.value) };
      case "tensors":
        return { ...value, value: value.value.map(widened) };
      case "graph":
        return { ...value, value: graphOf(value.value) };
      case "graphs":
        return { ...value, value: value.value.map(graphOf) };
      default:
        return value;
    }
  };
  return { graph: graphOf(graph), opsetOf: opsets };
}

function widened<T extends TensorData>(tensor: T): T {
  if (tensor.dtype !== "float16") return tensor;
  return { ...tensor, dtype: "float32", data: float16ToFloat32(tensor.data) };
}

function infoOf(info: ValueInfo): ValueInfo {
  const { type } = info;
  return type.kind === "tensor" && type.dtype === "float16"
    ? { ...info, type: { ...type, dtype: "float32" } }
    : info;
}
