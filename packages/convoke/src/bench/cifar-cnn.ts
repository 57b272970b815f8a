// A plain network for images of 32×32, as a benchmark.
import {
  batchNorm,
  conv2d,
  dense,
  flatten,
  input,
  maxPool2d,
  relu,
  sequential,
  type Layer,
  type Sequential,
} from "@convoke/layers";

function block(filters: number): Layer[] {
  return [conv2d({ filters, kernelSize: 3, padding: "same" }), batchNorm(), relu()];
}

/** Two convolutions of 32 filters, two of 64, each with batch norm and ReLU, pooling after each pair, dense 10. */
export function cifarCnn(): Sequential {
  return sequential(
    input(3, 32, 32),
    ...block(32),
    ...block(32),
    maxPool2d({ size: 2 }),
    ...block(64),
    ...block(64),
    maxPool2d({ size: 2 }),
    flatten(),
    dense({ units: 10 }),
  );
}
