// Activation functions that ONNX has too; the others are written by their bodies.
import type { AttributesOf, GraphNode, OpTable } from "@convoke/core";
import { attribute } from "../model/attributes.js";
import { direct, rule, type LowerFunction, type LoweringTable } from "./lowering.js";

type Alpha = AttributesOf<OpTable["elu"]>;
type Axis = AttributesOf<OpTable["softmax"]>;

/** Attributes of ONNX are float32: for float64 only the bodies are exact. */
function isUpToFloat32(node: GraphNode): boolean {
  const { dtype } = node.outputs[0]!;
  return dtype === "float32" || dtype === "float16";
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
  elu: rule({ accepts: isUpToFloat32, lower: withAlpha("Elu") }),
  celu: rule({ accepts: isUpToFloat32, lower: withAlpha("Celu") }),
  selu: rule({ accepts: isUpToFloat32, lower: direct("Selu") }),
  gelu: rule({ since: 20, accepts: isUpToFloat32, lower: direct("Gelu") }),
  geluTanh: rule({
    since: 20,
    accepts: isUpToFloat32,
    lower: (context) => context.emit("Gelu", [context.x.name], { approximate: attribute.string("tanh") }),
  }),
  sigmoid: direct("Sigmoid"),
  softplus: direct("Softplus"),
  mish: rule({ since: 18, accepts: isUpToFloat32, lower: direct("Mish") }),
  hardSigmoid: rule({
    accepts: isUpToFloat32,
    lower: (context) =>
      context.emit("HardSigmoid", [context.x.name], {
        alpha: attribute.float(1 / 6),
        beta: attribute.float(0.5),
      }),
  }),
  hardSwish: rule({ accepts: isUpToFloat32, lower: direct("HardSwish") }),
  softsign: direct("Softsign"),
  softmax: alongAxis("Softmax"),
  logSoftmax: alongAxis("LogSoftmax"),
} satisfies Partial<LoweringTable>;
