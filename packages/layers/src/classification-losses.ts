// Losses over classes: cross entropy and negative log likelihood, with PyTorch's meaning of weights and reductions.
import {
  apply,
  composite,
  describeOperation,
  isFloat,
  logSoftmax,
  oneHot,
  softmax,
  type DType,
  type Tensor,
} from "@convoke/core";
import type { Fits, Shape } from "@convoke/shape";
import { reduced, type LossOptions, type Reduction } from "./reduction.js";
import {
  checkLabels,
  checkProbabilities,
  type ClassTarget,
  type LabelDType,
  type LabelsFor,
  type Regarding,
} from "./targets.js";

/** Class labels: int32 or int64. */
export type Labels = Tensor<Shape, LabelDType>;

export interface ClassLossOptions<D extends DType = DType> extends LossOptions {
  /** A weight for each class, [C]: a constant, no gradient flows into it. Means divide by the weights of the labels. */
  readonly weight?: Tensor<Shape, D> | undefined;
  /** A label that does not count, neither in the loss nor in the mean. Default: none. */
  readonly ignoreIndex?: number | undefined;
}

export interface CrossEntropyOptions<D extends DType = DType> extends ClassLossOptions<D> {
  /** Mixes the target with the uniform distribution, from 0 (the default) to 1. */
  readonly labelSmoothing?: number | undefined;
}

interface LabelAttributes {
  readonly ignoreIndex: number | null;
}

/** The labels with 0 in place of ignored ones, and where they count (undefined: everywhere). */
function counted(
  labels: Labels,
  { ignoreIndex }: LabelAttributes,
): { safe: Labels; counts: Tensor<Shape, "bool"> | undefined } {
  if (ignoreIndex === null) return { safe: labels, counts: undefined };
  const counts = labels.notEqual(ignoreIndex);
  return { safe: counts.where(labels, 0), counts };
}

/** The weight of each label: that of its class, 0 where it is ignored; undefined when all are 1. */
function labelWeights(
  labels: Labels,
  like: Tensor,
  weight: Tensor | undefined,
  attributes: LabelAttributes,
): Tensor | undefined {
  const { safe, counts } = counted(labels, attributes);
  const weights = weight?.gather(safe);
  if (counts === undefined) return weights;
  return weights === undefined ? counts.cast(like.dtype) : counts.where(weights, 0);
}

/** −weight·score of the label, for scores [N, C, …]. */
function pick(
  scores: Tensor,
  labels: Labels,
  weight: Tensor | undefined,
  attributes: LabelAttributes,
): Tensor {
  const { safe, counts } = counted(labels, attributes);
  const own = scores.takeAlongAxis(safe.unsqueeze(1), 1).squeeze(1).neg();
  const weighted = weight === undefined ? own : own.mul(weight.gather(safe));
  return counts === undefined ? weighted : counts.where(weighted, 0);
}

/**
 * logits [N, C, …], labels [N, …] and perhaps weights [C] → −weight·ln softmax of the label, one loss for each position
 * (ONNX `SoftmaxCrossEntropyLoss` without reduction).
 */
export const softmaxCrossEntropy = composite<"softmaxCrossEntropy", LabelAttributes>({
  name: "softmaxCrossEntropy",
  check: checkLabels,
  body: ([logits, labels, weight], attributes) =>
    pick(logSoftmax(logits!, 1), labels as Labels, weight, attributes),
  // d/dlogits = g·weight·(softmax − onehot)
  gradient: ({ inputs: [logits, labels, weight], gradients: [g], attributes, needs }) => {
    const weights = labelWeights(labels as Labels, logits!, weight, attributes);
    const scale = (weights === undefined ? g! : g!.mul(weights)).unsqueeze(1);
    const { safe } = counted(labels as Labels, attributes);
    const classes = logits!.shape[1]!;
    const target = classesSecond(oneHot(safe, classes, logits!.dtype));
    return [needs[0] ? softmax(logits!, 1).sub(target).mul(scale) : undefined];
  },
});

/** [N, …, C] → [N, C, …]. */
function classesSecond(x: Tensor): Tensor {
  const last = x.rank - 1;
  return x.permute(x.shape.map((_, axis) => (axis === 0 ? 0 : axis === 1 ? last : axis - 1)));
}

/** A weight [C] in a shape that broadcasts against [N, C, …]. */
function alongClasses(weight: Tensor, rank: number): Tensor {
  return weight.reshape([1, weight.size, ...Array.from({ length: rank - 2 }, () => 1)]);
}

/** Means of class losses divide by the weights of the labels that count. */
function classReduced(losses: Tensor, weights: Tensor | undefined, reduction: Reduction = "mean"): Tensor {
  return reduction === "mean" && weights !== undefined
    ? losses.sum().div(weights.sum())
    : reduced(losses, reduction);
}

/**
 * Cross entropy between softmax(logits) and a target: logits [N, C, …], target either labels int32 [N, …] from 0 to
 * C − 1 or probabilities of the logits' shape. Give it logits: it takes the softmax itself, where nothing overflows.
 * With `labelSmoothing` ε the target is (1 − ε)·target + ε/C. Labels outside the range are not noticed on every
 * backend: see `assertLabels`.
 *
 * @example
 * ```ts
 * import { tensor } from "@convoke/core";
 * import { crossEntropy } from "@convoke/layers";
 *
 * const loss = crossEntropy(tensor([[0, 0], [0, 0]]), tensor([0, 1], { dtype: "int32" }));
 * console.log((await loss.item()).toFixed(4)); // 0.6931
 * ```
 */
export function crossEntropy<S extends Shape, D extends DType, T extends Shape, E extends DType>(
  logits: Fits<Regarding<"scores", ClassTarget<S, D, T, E, "crossEntropy">>> & Tensor<S, D>,
  target: Fits<Regarding<"target", ClassTarget<S, D, T, E, "crossEntropy">>> & Tensor<T, E>,
  options: CrossEntropyOptions<D> = {},
): Tensor<Shape, D> {
  const { labelSmoothing = 0, reduction } = options;
  const weight = options.weight?.detach();
  if (isFloat(target.dtype)) return softCrossEntropy(logits, target, options) as Tensor<Shape, D>;
  const attributes: LabelAttributes = { ignoreIndex: options.ignoreIndex ?? null };
  const inputs: readonly Tensor[] = weight === undefined ? [logits, target] : [logits, target, weight];
  checkLabels(describeOperation("crossEntropy"), inputs);
  const losses = apply(softmaxCrossEntropy, inputs, attributes);
  const weights = labelWeights(target as Labels, logits, weight, attributes);
  const hard = classReduced(losses, weights, reduction);
  if (labelSmoothing === 0) return hard as Tensor<Shape, D>;
  const logProbabilities: Tensor = logSoftmax(logits, 1);
  const weighted =
    weight === undefined ? logProbabilities : logProbabilities.mul(alongClasses(weight, logits.rank));
  const { counts } = counted(target as Labels, attributes);
  const sums: Tensor = weighted.sum(1).neg();
  const smooth = classReduced(counts === undefined ? sums : counts.where(sums, 0), weights, reduction);
  const share = labelSmoothing / logits.shape[1]!;
  return hard.mul(1 - labelSmoothing).add(smooth.mul(share)) as Tensor<Shape, D>;
}

function softCrossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions): Tensor {
  const { labelSmoothing = 0, reduction = "mean" } = options;
  checkProbabilities(describeOperation("crossEntropy"), logits, target);
  const classes = logits.shape[1]!;
  const smooth = labelSmoothing === 0 ? target : target.mul(1 - labelSmoothing).add(labelSmoothing / classes);
  const weight = options.weight?.detach();
  const weighted = weight === undefined ? smooth : smooth.mul(alongClasses(weight, logits.rank));
  const losses = logSoftmax(logits, 1).mul(weighted).sum(1).neg();
  return reduced(losses, reduction);
}

/** −weight·(log probability of the label): log probabilities [N, C, …] as from `logSoftmax`, labels int32 [N, …]. */
export function nllLoss<S extends Shape, D extends DType, T extends Shape, E extends LabelDType>(
  logProbabilities: Fits<Regarding<"scores", LabelsFor<S, D, T, E, "nllLoss">>> & Tensor<S, D>,
  labels: Fits<Regarding<"target", LabelsFor<S, D, T, E, "nllLoss">>> & Tensor<T, E>,
  options: ClassLossOptions<D> = {},
): Tensor<Shape, D> {
  const weight = options.weight?.detach();
  const attributes: LabelAttributes = { ignoreIndex: options.ignoreIndex ?? null };
  checkLabels(
    describeOperation("nllLoss"),
    weight === undefined ? [logProbabilities, labels] : [logProbabilities, labels, weight],
  );
  const losses = pick(logProbabilities, labels, weight, attributes);
  const weights = labelWeights(labels, logProbabilities, weight, attributes);
  return classReduced(losses, weights, options.reduction) as Tensor<Shape, D>;
}
