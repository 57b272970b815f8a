// Losses of classification: the logarithms of probabilities at the places of the labels.
import { logSoftmax, takeAlongAxis, type Tensor } from "@convoke/core";
import { formatShape } from "@convoke/shape";
import { stepwise, type NodeCall, type OperatorTable } from "../import/node-call.js";
import { asIndices } from "./indexing.js";

/** The loss of log-probabilities x [N, C, …] at labels [N, …], with a weight for each class. */
function negativeLogLikelihood(call: NodeCall, x: Tensor): Tensor {
  const [labels, weights] = [call.input(1), call.optional(2)];
  const expected = [x.shape[0]!, ...x.shape.slice(2)];
  if (x.rank < 2 || labels.shape.join() !== expected.join()) {
    call.fail(
      `scores ${formatShape(x.shape)} and labels ${formatShape(labels.shape)}`,
      "they are [N, C, …] and [N, …]",
    );
  }
  const reduction = call.choice("reduction", ["mean", "sum", "none"], "mean");
  const ignored = call.int("ignore_index");
  const at = asIndices(call, labels);
  const counts = ignored === undefined ? undefined : at.equal(ignored).logicalNot();
  const safe: Tensor = counts === undefined ? at : counts.where(at, at.literal(0));
  const column = asIndices(call, safe.unsqueeze(1));
  const own = takeAlongAxis(x, column, 1).reshape(labels.shape).neg();
  const classWeights = weights?.gather(asIndices(call, safe), 0);
  const share = (counts?.cast(x.dtype) ?? undefined) as Tensor | undefined;
  const weight =
    classWeights === undefined ? share : share === undefined ? classWeights : classWeights.mul(share);
  const loss = weight === undefined ? own : own.mul(weight);
  if (reduction === "none") return loss;
  const total = loss.sum();
  if (reduction === "sum") return total;
  return total.div(weight === undefined ? Math.max(1, labels.size) : weight.sum());
}

function crossEntropy(call: NodeCall): (Tensor | undefined)[] {
  const logProbabilities = logSoftmax(call.x, 1);
  return [negativeLogLikelihood(call, logProbabilities), logProbabilities];
}

export const lossOperators: OperatorTable = {
  NegativeLogLikelihoodLoss: stepwise((call) => negativeLogLikelihood(call, call.x)),
  SoftmaxCrossEntropyLoss: stepwise(crossEntropy),
};
