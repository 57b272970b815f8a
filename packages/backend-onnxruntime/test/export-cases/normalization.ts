// Normalisations, to be exported and run by ONNX Runtime.
import * as core from "@convoke/core";
import { n, image, weight, gradientOf, type ExportCase } from "./export-case.js";

export const normalization: Record<string, ExportCase> = {
  batchNorm: {
    inputs: [image],
    fn: (x) =>
      core.batchNorm(x!, {
        mean: weight([4]),
        variance: weight([4], 2).abs(),
        scale: weight([4], 3),
        bias: weight([4], 4),
      }),
    writes: ["BatchNormalization"],
  },
  "batchNorm of features": {
    inputs: [[2, 4]],
    fn: (x) => core.batchNorm(x!, { mean: weight([4]), variance: core.ones([4]) }),
  },
  // Its unbiased variance is multiplied by n / (n − 1): no form for every batch size.
  batchNormTraining: {
    inputs: [image],
    fn: (x) => Object.values(core.batchNormTraining(x!, { scale: weight([4]) })),
    options: { batch: 5 },
  },
  "batchNormTraining, gradient": {
    inputs: [image],
    fn: gradientOf((x) => core.batchNormTraining(x, { scale: weight([4]) }).output) as ExportCase["fn"],
    options: { batch: 5 },
  },
  layerNorm: {
    inputs: [n],
    fn: (x) => [
      core.layerNorm(x!),
      core.layerNorm(x!, { axes: 2, scale: weight([3, 4]), bias: weight([3, 4], 2) }),
    ],
    writes: ["LayerNormalization", "LayerNormalization"],
  },
  groupNorm: {
    inputs: [image],
    fn: (x) => core.groupNorm(x!, { groups: 2, scale: weight([4]), bias: weight([4], 2) }),
    writes: ["GroupNormalization"],
  },
  instanceNorm: {
    inputs: [image],
    fn: (x) => core.instanceNorm(x!, { scale: weight([4]), bias: weight([4], 2) }),
    writes: ["InstanceNormalization"],
  },
  localResponseNorm: {
    inputs: [image],
    fn: (x) => core.localResponseNorm(x!, { size: 3, alpha: 0.5 }),
    writes: ["LRN"],
  },
  "localResponseNorm, even": {
    inputs: [image],
    fn: (x) => core.localResponseNorm(x!, { size: 4, alpha: 0.5 }),
  },
};
