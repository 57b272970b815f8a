// Losses by name, and losses as functions.
import { ConvokeError, isFloat, type Tensor } from "@convoke/core";
import { bce, bceWithLogits, crossEntropy, huber, l1, mse, nllLoss, type Labels } from "@convoke/layers";
import { fieldOf, type BatchTensors } from "./batch.js";

/**
 * The loss of a batch: a scalar, the mean over the examples (then partial batches and accumulated gradients weigh
 * right). It is traced, not run: write it with tensor operations.
 */
export type LossFunction<Out = Tensor> = (outputs: Out, fields: BatchTensors) => Tensor;

/** Class labels, which files and arrays often hold as bytes, or probabilities. */
export function classTarget(fields: BatchTensors): Tensor {
  const y = fieldY(fields);
  return isFloat(y.dtype) ? y : y.cast("int32");
}

function fieldY(fields: BatchTensors): Tensor {
  return fieldOf(fields, "y");
}

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
    const target = name === "crossEntropy" || name === "nll" ? classTarget : fieldY;
    return (outputs, fields) => loss(outputs, target(fields) as Labels);
  }
  throw new ConvokeError({
    operation: "loss",
    problem: `got the name "${name}"; the losses by name are ${lossNames.join(", ")}.`,
    wayOut: "Use one of them, or a function (outputs, fields) => scalar tensor.",
  });
}
