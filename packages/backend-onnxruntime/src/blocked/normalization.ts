// Batch norm in blocked layout: moments as means of planes, what is done to each channel as depthwise convolutions.
import { specOf, type AttributesOf, type GraphNode, type OpTable } from "@convoke/core";
import type { LoweringContext } from "@convoke/onnx";
import { shapeSize } from "@convoke/shape";
import {
  channelMeans,
  emitConv,
  isBlockable,
  perChannel,
  type BlockedValues,
  type BlockedForm,
} from "./layout.js";

type Epsilon = AttributesOf<OpTable["batchNormTraining"]>;

/** The numbers for each channel are vectors: arithmetic on them costs next to nothing. */
function arithmetic(context: LoweringContext) {
  const emit =
    (opType: string) =>
    (a: string, b: string): string =>
      context.emit(opType, [a, b]);
  return {
    add: emit("Add"),
    sub: emit("Sub"),
    mul: emit("Mul"),
    div: emit("Div"),
    sqrt: (a: string): string => context.emit("Sqrt", [a]),
    neg: (a: string): string => context.emit("Neg", [a]),
    number: (value: number): string => context.scalar(value, "float32"),
  };
}

/** How many samples and channels there are, and how many numbers one channel's statistics are made of. */
function countOf(node: GraphNode): { samples: number; channels: number; count: number } {
  const { shape } = specOf(node.inputs[0]!);
  return { samples: shape[0]!, channels: shape[1]!, count: shapeSize(shape) / shape[1]! };
}

/** x − mean for each channel; forward and backward pass write it alike, and so share it. */
function centred(context: LoweringContext, x: string, of: { mean: string; channels: number }): string {
  const ones = context.constant(new Float32Array(of.channels).fill(1), [of.channels], "float32");
  const summand = arithmetic(context).neg(of.mean);
  return emitConv(context, perChannel(context, x, { factor: ones, summand, channels: of.channels }));
}

export function batchNormTraining(values: BlockedValues, node: GraphNode): BlockedForm | undefined {
  if (!isBlockable(node.inputs[0]!, values.block)) return undefined;
  const { epsilon } = node.attributes as Epsilon;
  const { samples, channels, count } = countOf(node);
  const sizes = { samples, channels };
  return (context) => {
    const { add, mul, div, sqrt, number } = arithmetic(context);
    const [, scale, bias] = context.inputs;
    const x = values.read(context, node, 0);
    const mean = channelMeans(context, x, sizes);
    const deviation = centred(context, x, { mean, channels });
    const variance = channelMeans(context, mul(deviation, deviation), sizes);
    const factor = div(scale!.name, sqrt(add(variance, number(epsilon))));
    const y = perChannel(context, deviation, { factor, summand: bias!.name, channels });
    const unbiased = mul(variance, number(count / Math.max(1, count - 1)));
    return [values.giveConv(context, node, y), mean, unbiased];
  };
}

/** dx = scale/σ · (g − mean(g) − x̂·mean(g·x̂)), as factors of g and of x − mean and a summand. */
export function batchNormTrainingGrad(values: BlockedValues, node: GraphNode): BlockedForm | undefined {
  if (![0, 1].every((i) => isBlockable(node.inputs[i]!, values.block))) return undefined;
  const { epsilon } = node.attributes as Epsilon;
  const { samples, channels, count } = countOf(node);
  const sizes = { samples, channels };
  return (context) => {
    const { add, mul, div, sqrt, neg, number } = arithmetic(context);
    const [, , scale, mean, unbiased] = context.inputs.map(({ name }) => name);
    const [g, x] = [0, 1].map((i) => values.read(context, node, i));
    const deviation = centred(context, x!, { mean: mean!, channels });
    const variance = mul(unbiased!, number(Math.max(1, count - 1) / count));
    const inverse = div(number(1), sqrt(add(variance, number(epsilon))));
    const meanOfG = channelMeans(context, g!, sizes);
    const meanOfProduct = mul(channelMeans(context, mul(g!, deviation), sizes), inverse);
    const factor = mul(scale!, inverse);
    const ofDeviation = neg(mul(mul(factor, inverse), meanOfProduct));
    const summand = neg(mul(factor, meanOfG));
    const part = emitConv(
      context,
      perChannel(context, deviation, { factor: ofDeviation, summand, channels }),
    );
    const zeros = context.constant(new Float32Array(channels), [channels], "float32");
    const whole = perChannel(context, g!, { factor, summand: zeros, channels });
    const name = emitConv(context, { ...whole, inputs: [...whole.inputs, part] });
    const sums = [meanOfProduct, meanOfG].map((value) => mul(value, number(count)));
    return [values.give(context, node, { name }), ...sums];
  };
}

export function batchNormInference(values: BlockedValues, node: GraphNode): BlockedForm | undefined {
  if (!values.has(node.inputs[0]!)) return undefined;
  const { epsilon } = node.attributes as Epsilon;
  const { channels } = countOf(node);
  return (context) => {
    const { add, sub, mul, div, sqrt, number } = arithmetic(context);
    const [, scale, bias, mean, variance] = context.inputs.map(({ name }) => name);
    const factor = div(scale!, sqrt(add(variance!, number(epsilon))));
    const summand = sub(bias!, mul(mean!, factor));
    const x = values.read(context, node, 0);
    return values.giveConv(context, node, perChannel(context, x, { factor, summand, channels }));
  };
}
