// The network of the page, and its report.
import { conv2d, dense, flatten, input, maxPool2d, relu, sequential } from "@convoke/layers";
import { report } from "@convoke/shape-checker";
import type { NetworkReport } from "./protocol.js";

export const INPUT_SHAPE = [1, 28, 28] as const;

export type Network = ReturnType<typeof lenet5>;

/** LeNet-5 with today's parts: rectifiers and max pooling in place of sigmoids and trained averages. */
export function lenet5(seed: number) {
  const network = sequential(input(...INPUT_SHAPE), {
    conv1: conv2d({ filters: 6, kernelSize: 5, padding: 2 }),
    relu1: relu(),
    pool1: maxPool2d({ size: 2 }),
    conv2: conv2d({ filters: 16, kernelSize: 5 }),
    relu2: relu(),
    pool2: maxPool2d({ size: 2 }),
    flatten: flatten(),
    dense1: dense({ units: 120 }),
    relu3: relu(),
    dense2: dense({ units: 84 }),
    relu4: relu(),
    output: dense({ units: 10 }),
  });
  network.initialize(seed);
  return network;
}

export function networkReport(network: Network): NetworkReport {
  const { layers, totals } = report(network, INPUT_SHAPE);
  return {
    inputShape: INPUT_SHAPE,
    layers: layers.map(({ path, kind, outputShape, parameters }) => ({
      name: path,
      kind,
      outputShape: outputShape ?? [],
      parameters,
    })),
    parameters: totals.parameters,
    multiplyAdds: totals.multiplyAdds,
  };
}
