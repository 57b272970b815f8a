// Losses of regression, of yes-or-no questions, and between distributions.
import {
  apply,
  composite,
  describeOperation,
  softplus,
  type DType,
  type Tensor,
  type TensorSpec,
} from "@convoke/core";
import { formatShape, ShapeError, type Shape } from "@convoke/shape";
import { reduced, type LossOptions, type Reduction } from "./reduction.js";

/** Broadcasting a prediction [N, 1] against a target [N] gives [N, N]: a mistake that would train, so it is refused. */
function checkSame(operation: string, [prediction, target]: readonly Pick<TensorSpec, "shape">[]): void {
  if (formatShape(prediction!.shape) === formatShape(target!.shape)) return;
  throw new ShapeError({
    operation,
    got: `got a prediction ${formatShape(prediction!.shape)} and a target ${formatShape(target!.shape)}`,
    rule: ", they must have the same shape.",
    wayOut: "Reshape one of them, for instance with .reshape([-1, 1]).",
  });
}

function difference<D extends DType>(
  name: string,
  prediction: Tensor<Shape, D>,
  target: Tensor<Shape, D>,
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
export function mse<D extends DType>(
  prediction: Tensor<Shape, D>,
  target: Tensor<Shape, D>,
  { reduction }: LossOptions = {},
): Tensor<Shape, D> {
  return reduced(difference("mse", prediction, target).square(), reduction);
}

/** |prediction − target|; its gradient at 0 is 0. */
export function l1<D extends DType>(
  prediction: Tensor<Shape, D>,
  target: Tensor<Shape, D>,
  { reduction }: LossOptions = {},
): Tensor<Shape, D> {
  return reduced(difference("l1", prediction, target).abs(), reduction);
}

/** ½d² / beta where |d| < beta, |d| − ½beta elsewhere; beta is 1 by default. */
export function smoothL1<D extends DType>(
  prediction: Tensor<Shape, D>,
  target: Tensor<Shape, D>,
  { beta = 1, reduction }: LossOptions & { readonly beta?: number | undefined } = {},
): Tensor<Shape, D> {
  if (beta === 0) return l1(prediction, target, { reduction });
  const d = difference("smoothL1", prediction, target);
  const size = d.abs();
  const losses = size.less(beta).where(d.square().mul(0.5 / beta), size.sub(0.5 * beta));
  return reduced(losses, reduction);
}

/** ½d² where |d| < delta, delta·(|d| − ½delta) elsewhere (Huber 1964); delta is 1 by default. */
export function huber<D extends DType>(
  prediction: Tensor<Shape, D>,
  target: Tensor<Shape, D>,
  { delta = 1, reduction }: LossOptions & { readonly delta?: number | undefined } = {},
): Tensor<Shape, D> {
  const d = difference("huber", prediction, target);
  const size = d.abs();
  const losses = size.less(delta).where(d.square().mul(0.5), size.sub(0.5 * delta).mul(delta));
  return reduced(losses, reduction);
}

/** ln x, but −100 where it would lie below: so that a certain mistake costs 100 and not infinity (PyTorch's bound). */
function boundedLog(x: Tensor): Tensor {
  const isZero = x.lessEqual(0);
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

/** Binary cross entropy of probabilities in [0, 1]. Prefer `bceWithLogits`, which is exact for certain answers too. */
export function bce<D extends DType>(
  probability: Tensor<Shape, D>,
  target: Tensor<Shape, D>,
  { reduction }: LossOptions = {},
): Tensor<Shape, D> {
  return reduced(apply(binaryCrossEntropy, [probability, target], {}) as Tensor<Shape, D>, reduction);
}

/**
 * Binary cross entropy of σ(logit): posWeight·target·ln(1 + e⁻ˣ) + (1 − target)·ln(1 + eˣ). `posWeight` broadcasts
 * against the logits; above 1 it raises recall.
 */
export function bceWithLogits<D extends DType>(
  logits: Tensor<Shape, D>,
  target: Tensor<Shape, D>,
  { posWeight, reduction }: LossOptions & { readonly posWeight?: Tensor<Shape, D> | undefined } = {},
): Tensor<Shape, D> {
  checkSame(describeOperation("bceWithLogits"), [logits, target]);
  const yes = softplus(logits.neg()).mul(target);
  const weighted = posWeight === undefined ? yes : yes.mul(posWeight.detach());
  const losses = weighted.add(softplus(logits).mul(target.neg().add(1)));
  return reduced(losses, reduction);
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
export function klDiv<D extends DType>(
  logProbabilities: Tensor<Shape, D>,
  target: Tensor<Shape, D>,
  { reduction = "mean", logTarget = false }: KlDivOptions = {},
): Tensor<Shape, D> {
  checkSame(describeOperation("klDiv"), [logProbabilities, target]);
  const losses = logTarget
    ? target.exp().mul(target.sub(logProbabilities))
    : klTerms(logProbabilities, target);
  if (reduction !== "batchMean") return reduced(losses as Tensor<Shape, D>, reduction);
  const total: Tensor = losses.sum().div(target.shape[0] ?? 1);
  return total as Tensor<Shape, D>;
}

function klTerms(logProbabilities: Tensor, target: Tensor): Tensor {
  const isPositive = target.greater(0);
  const safe = isPositive.where(target, 1);
  return isPositive.where(target.mul(safe.log().sub(logProbabilities)), 0);
}
