// The network of the page, and its report.
import { lenet5, report, type Module } from "convoke";
import type { NetworkReport } from "./protocol.js";

export const INPUT_SHAPE = [1, 28, 28] as const;

/** LeNet-5 with the initial weights of this seed. */
export function networkOf(seed: number): Module {
  const network = lenet5({ inputShape: INPUT_SHAPE });
  network.initialize(seed);
  return network;
}

export function networkReport(network: Module): NetworkReport {
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
