// Losses of regression, of yes-or-no questions, and between distributions.
import { apply, composite, describeOperation, softplus, type DType, type Tensor } from "@convoke/core";
import type { Fits, Shape } from "@convoke/shape";
import { reduced, type LossOptions, type Reduction } from "./reduction.js";
import { checkSame, type SameAsPrediction } from "./targets.js";

/** A loss of each element of a prediction, by the element of a target of the same shape. */
export interface ElementLoss<Op extends string, Options extends object = LossOptions> {
  <S extends Shape, D extends DType, T extends Shape, E extends DType>(
    prediction: Tensor<S, D>,
    target: Fits<SameAsPrediction<S, D, T, E, Op>> & Tensor<T, E>,
    options?: Options,
  ): Tensor<Shape, D>;
}

function difference<D extends DType>(
  name: string,
  prediction: Tensor<Shape, D>,
  target: Tensor,
): Tensor<Shape, D> {
  checkSame(describeOperation(name), [prediction, target]);
  return prediction.sub(target);
}

/**
 * (prediction − target)².
 *
 * @example
 * ```ts
 * import { tensor } from "@convoke/core";
 * import { mse } from "@convoke/layers";
 *
 * console.log(await mse(tensor([1, 2]), tensor([1, 4])).item()); // 2
 * ```
 */
export const mse: ElementLoss<"mse"> = (prediction, target, { reduction } = {}) =>
  reduced(difference("mse", prediction, target).square(), reduction);

/** |prediction − target|; its gradient at 0 is 0. */
export const l1: ElementLoss<"l1"> = (prediction, target, { reduction } = {}) =>
  reduced(difference("l1", prediction, target).abs(), reduction);

/** ½d² / beta where |d| < beta, |d| − ½beta elsewhere; beta is 1 by default. */
export const smoothL1: ElementLoss<"smoothL1", SmoothL1Options> = (
  prediction,
  target,
  { beta = 1, reduction } = {},
) => {
  const d = difference("smoothL1", prediction, target);
  const size = d.abs();
  if (beta === 0) return reduced(size, reduction);
  const losses = size.less(beta).where(d.square().mul(0.5 / beta), size.sub(0.5 * beta));
  return reduced(losses, reduction);
};

export interface SmoothL1Options extends LossOptions {
  /** Where the parabola ends; 0 gives `l1`. Default 1. */
  readonly beta?: number | undefined;
}

/** ½d² where |d| < delta, delta·(|d| − ½delta) elsewhere (Huber 1964); delta is 1 by default. */
export const huber: ElementLoss<"huber", HuberOptions> = (
  prediction,
  target,
  { delta = 1, reduction } = {},
) => {
  const d = difference("huber", prediction, target);
  const size = d.abs();
  const losses = size.less(delta).where(d.square().mul(0.5), size.sub(0.5 * delta).mul(delta));
  return reduced(losses, reduction);
};

export interface HuberOptions extends LossOptions {
  /** Where the parabola ends. Default 1. */
  readonly delta?: number | undefined;
}

/**
 * ln x, but −100 where it would lie below: so that a certain mistake costs 100 and not infinity (PyTorch's bound). Of a
 * negative x it is NaN: no probability, and nobody would see it in a loss of 100.
 */
function boundedLog(x: Tensor): Tensor {
  const isZero = x.equal(0);
  return isZero.where(x.literal(-100), isZero.where(x.literal(1), x).log().maximum(-100));
}

/** probability, target → −target·ln probability − (1 − target)·ln(1 − probability), element by element. */
export const binaryCrossEntropy = composite<"binaryCrossEntropy", { readonly [key: string]: never }>({
  name: "binaryCrossEntropy",
  check: checkSame,
  body: ([p, t]) => {
    const yes = boundedLog(p!).mul(t!);
    return yes.add(boundedLog(p!.neg().add(1)).mul(t!.neg().add(1))).neg();
  },
  // (p − t) / (p·(1 − p)): large but finite where p is 0 or 1, where the derived gradient is lost.
  gradient: ({ inputs: [p, t], gradients: [g], needs }) => [
    needs[0] ? g!.mul(p!.sub(t!)).div(p!.mul(p!.neg().add(1)).maximum(1e-12)) : undefined,
    needs[1] ? g!.mul(boundedLog(p!.neg().add(1)).sub(boundedLog(p!))) : undefined,
  ],
});

/**
 * Binary cross entropy of probabilities in [0, 1]; NaN of what lies outside, such as logits. Prefer `bceWithLogits`, which
 * takes logits and is exact for certain answers too.
 */
export const bce: ElementLoss<"bce"> = <D extends DType>(
  probability: Tensor<Shape, D>,
  target: Tensor,
  { reduction }: LossOptions = {},
) => {
  checkSame(describeOperation("bce"), [probability, target]);
  return reduced(apply(binaryCrossEntropy, [probability, target], {}) as Tensor<Shape, D>, reduction);
};

/**
 * Binary cross entropy of σ(logit): posWeight·target·ln(1 + e⁻ˣ) + (1 − target)·ln(1 + eˣ). `posWeight` broadcasts
 * against the logits; above 1 it raises recall.
 */
export function bceWithLogits<S extends Shape, D extends DType, T extends Shape, E extends DType>(
  logits: Tensor<S, D>,
  target: Fits<SameAsPrediction<S, D, T, E, "bceWithLogits">> & Tensor<T, E>,
  { posWeight, reduction }: LossOptions & { readonly posWeight?: Tensor<Shape, D> | undefined } = {},
): Tensor<Shape, D> {
  checkSame(describeOperation("bceWithLogits"), [logits, target]);
  const [x, t]: readonly Tensor[] = [logits, target];
  const yes = softplus(x!.neg()).mul(t!);
  const weighted = posWeight === undefined ? yes : yes.mul(posWeight.detach());
  const losses = weighted.add(softplus(x!).mul(t!.neg().add(1)));
  return reduced(losses as Tensor<Shape, D>, reduction);
}

export interface KlDivOptions {
  /** `"batchMean"` divides the sum by N: the mathematical divergence. Default `"mean"`, over all elements, as PyTorch. */
  readonly reduction?: Reduction | "batchMean" | undefined;
  /** Whether the target is given as log probabilities. Default false. */
  readonly logTarget?: boolean | undefined;
}

/**
 * The Kullback–Leibler divergence target·(ln target − prediction), of predicted log probabilities from a target
 * distribution; where the target is 0 it is 0.
 */
export const klDiv: ElementLoss<"klDiv", KlDivOptions> = <D extends DType>(
  logProbabilities: Tensor<Shape, D>,
  target: Tensor,
  { reduction = "mean", logTarget = false }: KlDivOptions = {},
) => {
  checkSame(describeOperation("klDiv"), [logProbabilities, target]);
  const losses = logTarget
    ? target.exp().mul(target.sub(logProbabilities))
    : klTerms(logProbabilities, target);
  if (reduction !== "batchMean") return reduced(losses as Tensor<Shape, D>, reduction);
  const total: Tensor = losses.sum().div(target.shape[0] ?? 1);
  return total as Tensor<Shape, D>;
};

function klTerms(logProbabilities: Tensor, target: Tensor): Tensor {
  const isPositive = target.greater(0);
  const safe = isPositive.where(target, 1);
  return isPositive.where(target.mul(safe.log().sub(logProbabilities)), 0);
}
