// Normalisation: over the batch, a layer, an instance, groups of channels, and neighbouring channels.
import { ShapeError, shapeSize, type Shape } from "@convoke/shape";
import type { DType } from "../dtype.js";
import { apply, applyAll } from "../graph/apply.js";
import type { TensorSpec } from "../graph/node.js";
import type { Tensor } from "../tensor.js";
import { composite } from "./definition.js";
import { floatDType, sameDType } from "./dtype-rules.js";

type Epsilon = {
  readonly epsilon: number;
};

/** A number for each channel of x, in a shape that broadcasts against it. */
function perChannel(values: Tensor, x: Tensor): Tensor {
  return values.reshape([values.size, ...x.shape.slice(2).map(() => 1)]);
}

/** Everything but the channels. */
function batchAxes(x: Tensor): number[] {
  return x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
}

/** 1 / √(variance + epsilon). */
function inverseDeviation(variance: Tensor, epsilon: number): Tensor {
  return variance.add(epsilon).sqrt().pow(-1);
}

/** (x − mean) / √(variance + epsilon) with the biased moments over `axes`. */
function standardized(x: Tensor, axes: readonly number[], epsilon: number): Tensor {
  const centred = x.sub(x.mean(axes, { keepDims: true }));
  return centred.mul(inverseDeviation(centred.mul(centred).mean(axes, { keepDims: true }), epsilon));
}

function checkChannels(operation: string, specs: readonly TensorSpec[], names: readonly string[]): void {
  const [x, ...parameters] = specs;
  sameDType(operation, specs);
  floatDType(operation, x!);
  if (x!.shape.length < 2) {
    throw new ShapeError({
      operation,
      got: `input [${x!.shape.join(", ")}] has no channels`,
      rule: ", it takes [N, C, …].",
      wayOut: "Add a batch axis in front with .unsqueeze(0).",
    });
  }
  const channels = x!.shape[1]!;
  parameters.forEach(({ shape }, i) => {
    if (shape.length === 1 && shape[0] === channels) return;
    throw new ShapeError({
      operation,
      got: `the ${names[i] ?? "parameter"} has shape [${shape.join(", ")}], the input [${x!.shape.join(", ")}]`,
      rule: `, it must be [${channels}], one number for each channel.`,
      wayOut: `Give the layer ${channels} channels, or reshape it.`,
    });
  });
}

/** How many numbers one channel's statistics are made of. */
function countOf(x: Tensor): number {
  return shapeSize(x.shape) / Math.max(1, x.shape[1]!);
}

export const normalizationOps = {
  /** x, scale, bias, mean, variance → scale·(x − mean)/√(variance + epsilon) + bias (ONNX `BatchNormalization`). */
  batchNormInference: composite<"batchNormInference", Epsilon>({
    name: "batchNormInference",
    check: (operation, specs) => checkChannels(operation, specs, ["scale", "bias", "mean", "variance"]),
    body: ([x, scale, bias, mean, variance], { epsilon }) => {
      const factor = scale!.mul(inverseDeviation(variance!, epsilon));
      return x!.sub(perChannel(mean!, x!)).mul(perChannel(factor, x!)).add(perChannel(bias!, x!));
    },
    gradient: ({ inputs: [x, scale, , mean, variance], gradients: [g], attributes: { epsilon }, needs }) => {
      const inverse = inverseDeviation(variance!, epsilon);
      const factor = scale!.mul(inverse);
      const sum = g!.sum(batchAxes(g!));
      // Σ g·(x − mean)/√(variance + epsilon): the gradient of scale, and up to a factor that of variance.
      const weighted =
        needs[1] || needs[4]
          ? g!
              .mul(x!.sub(perChannel(mean!, x!)))
              .sum(batchAxes(x!))
              .mul(inverse)
          : undefined;
      return [
        needs[0] ? g!.mul(perChannel(factor, x!)) : undefined,
        weighted,
        sum,
        needs[3] ? sum.mul(factor).neg() : undefined,
        needs[4] ? weighted!.mul(factor).mul(inverse).mul(-0.5) : undefined,
      ];
    },
  }),
  /**
   * x, scale, bias → the normalised x, the batch mean, and the unbiased batch variance (what running statistics take;
   * the normalisation itself uses the biased one, as PyTorch does).
   */
  batchNormTraining: composite<"batchNormTraining", Epsilon>({
    name: "batchNormTraining",
    check: (operation, specs) => {
      checkChannels(operation, specs, ["scale", "bias"]);
      const shape = specs[0]!.shape;
      if (shapeSize(shape) > shape[1]! || shapeSize(shape) === 0) return;
      throw new ShapeError({
        operation,
        got: `input [${shape.join(", ")}] has one value for each channel`,
        rule: ", a variance needs at least two.",
        wayOut: "Use larger batches (drop a last batch of one), or run the layer in inference.",
      });
    },
    body: ([x, scale, bias], { epsilon }) => {
      const axes = batchAxes(x!);
      const count = countOf(x!);
      const mean = x!.mean(axes);
      const centred = x!.sub(perChannel(mean, x!));
      const variance = centred.mul(centred).mean(axes);
      const factor = scale!.mul(inverseDeviation(variance, epsilon));
      const y = centred.mul(perChannel(factor, x!)).add(perChannel(bias!, x!));
      return [y, mean, variance.mul(count / Math.max(1, count - 1))];
    },
    gradient: ({
      inputs: [x, scale],
      outputs: [, mean, variance],
      gradients,
      attributes,
      needs,
    }): readonly (Tensor | undefined)[] => {
      const count = countOf(x!);
      const [g, meanGradient, varianceGradient] = gradients;
      const parts: readonly Tensor[] =
        g === undefined
          ? []
          : applyAll(normalizationOps.batchNormTrainingGrad, [g, x!, scale!, mean!, variance!], attributes);
      // ∂mean/∂x = 1/n, ∂variance/∂x = 2·(x − mean)/(n − 1); both only where somebody uses these outputs.
      const terms = [
        parts[0],
        meanGradient && perChannel(meanGradient.div(count), x!).broadcastTo(x!.shape),
        varianceGradient &&
          x!.sub(perChannel(mean!, x!)).mul(perChannel(varianceGradient.mul(2 / Math.max(1, count - 1)), x!)),
      ].filter((term) => term !== undefined);
      return [needs[0] ? terms.reduce((sum, term) => sum.add(term)) : undefined, parts[1], parts[2]];
    },
  }),
  /**
   * g, x, scale, mean, unbiased variance → the gradients of x, scale and bias: one node for the backward pass.
   * dx = scale/σ · (g − mean(g) − x̂·mean(g·x̂)) (Ioffe, Szegedy, arXiv:1502.03167).
   */
  batchNormTrainingGrad: composite<"batchNormTrainingGrad", Epsilon>({
    name: "batchNormTrainingGrad",
    body: ([g, x, scale, mean, variance], { epsilon }): readonly Tensor[] => {
      const axes = batchAxes(x!);
      const count = countOf(x!);
      const inverse = inverseDeviation(variance!.mul(Math.max(1, count - 1) / count), epsilon);
      const normal = x!.sub(perChannel(mean!, x!)).mul(perChannel(inverse, x!));
      const biasGradient = g!.sum(axes);
      const scaleGradient = g!.mul(normal).sum(axes);
      const centred = g!
        .sub(perChannel(biasGradient.div(count), x!))
        .sub(normal.mul(perChannel(scaleGradient.div(count), x!)));
      return [centred.mul(perChannel(scale!.mul(inverse), x!)), scaleGradient, biasGradient];
    },
  }),
  /** Over all axes from `axis` on; then scale and bias of their shape, if given (ONNX `LayerNormalization`). */
  layerNorm: composite<"layerNorm", Epsilon & { readonly axis: number }>({
    name: "layerNorm",
    check: (operation, specs, { axis }) => {
      sameDType(operation, specs);
      floatDType(operation, specs[0]!);
      const wanted = specs[0]!.shape.slice(axis).join(", ");
      for (const { shape } of specs.slice(1)) {
        if (shape.join(", ") === wanted) continue;
        throw new ShapeError({
          operation,
          got: `scale or bias has shape [${shape.join(", ")}]`,
          rule: `, it must be [${wanted}], the shape that is normalised.`,
          wayOut: "Give both the trailing axes of the input.",
        });
      }
    },
    body: ([x, scale, bias], { axis, epsilon }) => {
      const axes = x!.shape.flatMap((_, i) => (i < axis ? [] : [i]));
      const normal = standardized(x!, axes, epsilon);
      const scaled = scale === undefined ? normal : normal.mul(scale);
      return bias === undefined ? scaled : scaled.add(bias);
    },
  }),
  /** Over groups of channels of each sample; one group is the whole sample, as many as channels an instance norm. */
  groupNorm: composite<"groupNorm", Epsilon & { readonly groups: number }>({
    name: "groupNorm",
    check: (operation, specs, { groups }) => {
      checkChannels(operation, specs, ["scale", "bias"]);
      const channels = specs[0]!.shape[1]!;
      if (Number.isInteger(groups) && groups > 0 && channels % groups === 0) return;
      throw new ShapeError({
        operation,
        got: `${channels} channels are not divisible by groups ${groups}`,
        rule: ", each group must have as many channels.",
        wayOut: `Use a number of groups that divides ${channels}.`,
      });
    },
    body: ([x, scale, bias], { groups, epsilon }) =>
      normalizedGroups({ x: x!, scale, bias }, groups, epsilon),
  }),
  /** Over the positions of each channel of each sample (ONNX `InstanceNormalization`). */
  instanceNorm: composite<"instanceNorm", Epsilon>({
    name: "instanceNorm",
    check: (operation, specs) => checkChannels(operation, specs, ["scale", "bias"]),
    body: ([x, scale, bias], { epsilon }) => normalizedGroups({ x: x!, scale, bias }, x!.shape[1]!, epsilon),
  }),
  /** x / (k + alpha·mean of x² over `size` neighbouring channels)^beta (Krizhevsky et al. 2012, PyTorch's mean). */
  localResponseNorm: composite<
    "localResponseNorm",
    { readonly size: number; readonly alpha: number; readonly beta: number; readonly k: number }
  >({
    name: "localResponseNorm",
    check: (operation, [x]) => checkChannels(operation, [x!], []),
    body: ([x], { size, alpha, beta, k }) => {
      const channels = x!.shape[1]!;
      const rest = x!.shape.slice(2).map(() => [0, 0] as const);
      const squares = x!.mul(x!).pad([[0, 0], [size >> 1, (size - 1) >> 1], ...rest]);
      let sum = squares.slice([{}, { start: 0, end: channels }]);
      for (let i = 1; i < size; i++) sum = sum.add(squares.slice([{}, { start: i, end: i + channels }]));
      return x!.div(
        sum
          .mul(alpha / size)
          .add(k)
          .pow(beta),
      );
    },
  }),
};

interface Affine {
  readonly x: Tensor;
  readonly scale: Tensor | undefined;
  readonly bias: Tensor | undefined;
}

function normalizedGroups({ x, scale, bias }: Affine, groups: number, epsilon: number): Tensor {
  const [samples, channels] = [x.shape[0]!, x.shape[1]!];
  const members = (channels / Math.max(1, groups)) * shapeSize(x.shape.slice(2));
  const normal = standardized(x.reshape([samples, groups, members]), [2], epsilon).reshape(x.shape);
  const scaled = scale === undefined ? normal : normal.mul(perChannel(scale, x));
  return bias === undefined ? scaled : scaled.add(perChannel(bias, x));
}

/** Scale and bias after the normalisation (absent: 1 and 0), and what keeps the root from 0 (1e-5 by default). */
export interface NormalizationOptions<D extends DType = DType> {
  readonly scale?: Tensor<Shape, D> | undefined;
  readonly bias?: Tensor<Shape, D> | undefined;
  readonly epsilon?: number | undefined;
}

/** x and what of scale and bias is given; a bias alone brings a scale of ones. */
function withAffine<D extends DType>(
  x: Tensor<Shape, D>,
  { scale, bias }: NormalizationOptions<D>,
): Tensor[] {
  if (bias !== undefined) return [x, scale ?? x.literal(1).broadcastTo(bias.shape), bias];
  return scale === undefined ? [x] : [x, scale];
}

/** Scale and bias, both given, one number for each channel of x. */
function channelAffine<D extends DType>(
  x: Tensor<Shape, D>,
  { scale, bias }: NormalizationOptions<D>,
): [Tensor, Tensor] {
  const shape = [x.shape[1] ?? 1];
  return [scale ?? x.literal(1).broadcastTo(shape), bias ?? x.literal(0).broadcastTo(shape)];
}

/**
 * Batch normalisation with given statistics, as in inference: x [N, C, …], all others [C].
 *
 * @example
 * ```ts
 * import { batchNorm, tensor } from "@convoke/core";
 *
 * const y = batchNorm(tensor([[1, 5]]), { mean: tensor([1, 1]), variance: tensor([1, 4]), epsilon: 0 });
 * console.log(await y.data()); // Float32Array [0, 2]
 * ```
 */
export function batchNorm<S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  options: NormalizationOptions<D> & { readonly mean: Tensor<Shape, D>; readonly variance: Tensor<Shape, D> },
): Tensor<S, D> {
  const inputs = [x, ...channelAffine(x, options), options.mean, options.variance];
  return apply(normalizationOps.batchNormInference, inputs, { epsilon: options.epsilon ?? 1e-5 }) as Tensor<
    S,
    D
  >;
}

/** What `batchNormTraining` gives. */
export interface BatchNormResult<S extends Shape, D extends DType> {
  readonly output: Tensor<S, D>;
  /** The mean of each channel over this batch, [C]. */
  readonly mean: Tensor<Shape, D>;
  /** The unbiased variance of each channel over this batch, [C]: what running statistics take up. */
  readonly variance: Tensor<Shape, D>;
}

/**
 * Batch normalisation with the statistics of this batch, as in training: x [N, C, …]. Normalises by the biased variance
 * and gives the unbiased one for running statistics, as PyTorch does. Refuses a single value per channel.
 *
 * @example
 * ```ts
 * import { batchNormTraining, tensor } from "@convoke/core";
 *
 * const { output, mean, variance } = batchNormTraining(tensor([[1], [3]]), { epsilon: 0 });
 * console.log(await output.data(), await mean.item(), await variance.item()); // Float32Array [-1, 1] 2 2
 * ```
 */
export function batchNormTraining<S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  options: NormalizationOptions<D> = {},
): BatchNormResult<S, D> {
  const inputs = [x, ...channelAffine(x, options)];
  const attributes = { epsilon: options.epsilon ?? 1e-5 };
  const [output, mean, variance] = applyAll(normalizationOps.batchNormTraining, inputs, attributes);
  return {
    output: output as Tensor<S, D>,
    mean: mean as Tensor<Shape, D>,
    variance: variance as Tensor<Shape, D>,
  };
}

/** Layer normalisation over the last `axes` axes (1 by default); scale and bias have the shape of these axes. */
export function layerNorm<S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  options: NormalizationOptions<D> & { readonly axes?: number | undefined } = {},
): Tensor<S, D> {
  const attributes = { axis: Math.max(0, x.rank - (options.axes ?? 1)), epsilon: options.epsilon ?? 1e-5 };
  return apply(normalizationOps.layerNorm, withAffine(x, options), attributes) as Tensor<S, D>;
}

/** Each channel of each sample to mean 0 and variance 1 over its positions: x [N, C, …spatial], scale and bias [C]. */
export function instanceNorm<S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  options: NormalizationOptions<D> = {},
): Tensor<S, D> {
  const inputs = [x, ...channelAffine(x, options)];
  return apply(normalizationOps.instanceNorm, inputs, { epsilon: options.epsilon ?? 1e-5 }) as Tensor<S, D>;
}

/** Each of `groups` groups of channels of each sample to mean 0 and variance 1 (Wu, He, arXiv:1803.08494). */
export function groupNorm<S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  options: NormalizationOptions<D> & { readonly groups: number },
): Tensor<S, D> {
  const inputs = [x, ...channelAffine(x, options)];
  const attributes = { groups: options.groups, epsilon: options.epsilon ?? 1e-5 };
  return apply(normalizationOps.groupNorm, inputs, attributes) as Tensor<S, D>;
}

/** x [N, C, …] / (k + alpha·mean of x² over `size` neighbouring channels)^beta, PyTorch's definition and defaults. */
export function localResponseNorm<S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  options: { readonly size: number; readonly alpha?: number; readonly beta?: number; readonly k?: number },
): Tensor<S, D> {
  const { size, alpha = 1e-4, beta = 0.75, k = 1 } = options;
  return apply(normalizationOps.localResponseNorm, [x], { size, alpha, beta, k }) as Tensor<S, D>;
}
