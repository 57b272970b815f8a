// Losses by name, and losses as functions.
import { ConvokeError, type Tensor } from "@convoke/core";
import { bce, bceWithLogits, crossEntropy, huber, l1, mse, nllLoss, type Labels } from "@convoke/layers";
import { fieldOf, type BatchTensors } from "./batch.js";

/**
 * The loss of a batch: a scalar, the mean over the examples (then partial batches and accumulated gradients weigh
 * right). It is traced, not run: write it with tensor operations.
 */
export type LossFunction<Out = Tensor> = (outputs: Out, fields: BatchTensors) => Tensor;

const named = { crossEntropy, nll: nllLoss, mse, l1, huber, bce, bceWithLogits };

/** A loss between the model's one output and the field `y`. */
export type LossName = keyof typeof named;

export const lossNames: readonly string[] = Object.keys(named);

function isLossName(name: string): name is LossName {
  return Object.hasOwn(named, name);
}

/** The loss with this name. */
export function lossNamed(name: string): LossFunction {
  if (isLossName(name)) {
    const loss: (outputs: Tensor, labels: Labels) => Tensor = named[name];
    return (outputs, fields) => loss(outputs, fieldOf(fields, "y") as Labels);
  }
  throw new ConvokeError({
    operation: "loss",
    problem: `got the name "${name}"; the losses by name are ${lossNames.join(", ")}.`,
    wayOut: "Use one of them, or a function (outputs, fields) => scalar tensor.",
  });
}
