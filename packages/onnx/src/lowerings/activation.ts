// Activation functions that ONNX has too; the others are written by their bodies.
import type { AttributesOf, GraphNode, OpTable } from "@convoke/core";
import { attribute } from "../model/attributes.js";
import { direct, rule, type LowerFunction, type LoweringTable } from "./lowering.js";

type Alpha = AttributesOf<OpTable["elu"]>;
type Axis = AttributesOf<OpTable["softmax"]>;

function isFloat32(node: GraphNode): boolean {
  return node.outputs[0]!.dtype === "float32";
}

function withAlpha(opType: string): LowerFunction<Alpha> {
  return (context) =>
    context.emit(opType, [context.x.name], { alpha: attribute.float(context.attributes.alpha) });
}

function alongAxis(opType: string): LowerFunction<Axis> {
  return (context) =>
    context.emit(opType, [context.x.name], { axis: attribute.int(context.attributes.axis) });
}

export const activationLowerings = {
  relu: direct("Relu"),
  hardTanh: (context) => {
    const { min, max } = context.attributes;
    const { name, dtype } = context.x;
    return context.emit("Clip", [name, context.scalar(min, dtype), context.scalar(max, dtype)]);
  },
  leakyRelu: withAlpha("LeakyRelu"),
  // Attributes of ONNX are float32: for float64 only the bodies are exact.
  elu: rule({ accepts: isFloat32, lower: withAlpha("Elu") }),
  celu: rule({ accepts: isFloat32, lower: withAlpha("Celu") }),
  selu: rule({ accepts: isFloat32, lower: direct("Selu") }),
  gelu: rule({ since: 20, accepts: isFloat32, lower: direct("Gelu") }),
  geluTanh: rule({
    since: 20,
    accepts: isFloat32,
    lower: (context) => context.emit("Gelu", [context.x.name], { approximate: attribute.string("tanh") }),
  }),
  sigmoid: direct("Sigmoid"),
  softplus: direct("Softplus"),
  mish: rule({ since: 18, accepts: isFloat32, lower: direct("Mish") }),
  hardSigmoid: rule({
    accepts: isFloat32,
    lower: (context) =>
      context.emit("HardSigmoid", [context.x.name], {
        alpha: attribute.float(1 / 6),
        beta: attribute.float(0.5),
      }),
  }),
  hardSwish: rule({ accepts: isFloat32, lower: direct("HardSwish") }),
  softsign: direct("Softsign"),
  softmax: alongAxis("Softmax"),
  logSoftmax: alongAxis("LogSoftmax"),
} satisfies Partial<LoweringTable>;
