// Running sums and products.
import { cumsum, type Tensor } from "@convoke/core";
import { knowing, stepwise, type NodeCall, type OperatorTable } from "../import/node-call.js";

function axisOf(call: NodeCall): number {
  return call.axis(call.number(1) ?? call.fail("no axis", "it needs one"), call.x.rank);
}

/** Products of doubling stretches: after step k each element is the product of the last 2ᵏ. */
function runningProduct(call: NodeCall): Tensor {
  const axis = axisOf(call);
  const isReverse = call.flag("reverse", false);
  const x = isReverse ? call.x.flip([axis]) : call.x;
  const size = x.shape[axis]!;
  const shifted = (value: Tensor, by: number): Tensor => {
    const kept = value.slice(
      value.shape.map((_, i) => (i === axis ? { start: 0, end: Math.max(0, size - by) } : {})),
    );
    return kept.pad(
      kept.shape.map((_, i) => [i === axis ? Math.min(by, size) : 0, 0] as const),
      1,
    );
  };
  let product = call.flag("exclusive", false) ? shifted(x, 1) : x;
  for (let by = 1; by < size; by *= 2) product = product.mul(shifted(product, by));
  return isReverse ? product.flip([axis]) : product;
}

export const scanOperators: OperatorTable = {
  CumSum: knowing([1], (call) =>
    cumsum(call.x, axisOf(call), {
      exclusive: call.flag("exclusive", false),
      reverse: call.flag("reverse", false),
    }),
  ),
  CumProd: knowing([1], stepwise(runningProduct)),
};
