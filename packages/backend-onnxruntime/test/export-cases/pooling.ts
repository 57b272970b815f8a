// Pooling, and its gradients, to be exported and run by ONNX Runtime.
import * as core from "@convoke/core";
import { image, gradientOf, type ExportCase } from "./export-case.js";

export const pooling: Record<string, ExportCase> = {
  maxPool1d: {
    inputs: [[2, 3, 9]],
    fn: (x) => core.maxPool1d(x!, { size: 3, stride: 2, padding: 1 }),
    writes: ["MaxPool"],
  },
  maxPool2d: {
    inputs: [image],
    fn: (x) => core.maxPool2d(x!, { size: 3, stride: 2, padding: 1, ceilMode: true, dilation: [1, 2] }),
    writes: ["MaxPool"],
  },
  maxPool3d: { inputs: [[2, 2, 4, 5, 5]], fn: (x) => core.maxPool3d(x!, { size: 2 }) },
  "maxPool2d, indices": {
    inputs: [image],
    fn: (x) => [...core.maxPool2dWithIndices(x!, { size: 2, padding: 1 })],
  },
  "maxPool2d, gradient": {
    inputs: [image],
    fn: gradientOf((x) => core.maxPool2d(x, { size: 3, stride: 2 })) as ExportCase["fn"],
  },
  "maxPool2d, second gradient": {
    inputs: [image],
    fn: gradientOf(gradientOf((x) => core.maxPool2d(x, { size: 3, stride: 2 }))) as ExportCase["fn"],
  },
  avgPool1d: {
    inputs: [[2, 3, 9]],
    fn: (x) => core.avgPool1d(x!, { size: 3, stride: 2, padding: 1 }),
    writes: ["AveragePool"],
  },
  "avgPool2d, padding not counted": {
    inputs: [image],
    fn: (x) => core.avgPool2d(x!, { size: 3, stride: 2, padding: 1, ceilMode: true, countIncludePad: false }),
    writes: ["AveragePool"],
  },
  "avgPool2d, ceil": {
    reformulated: true,
    inputs: [image],
    fn: (x) => core.avgPool2d(x!, { size: 3, stride: 2, padding: 1, ceilMode: true }),
  },
  "avgPool2d, dilated": {
    inputs: [image],
    fn: (x) => core.avgPool2d(x!, { size: 2, stride: 2, dilation: 2, padding: 1 }),
  },
  avgPool3d: { reformulated: true, inputs: [[2, 2, 4, 5, 5]], fn: (x) => core.avgPool3d(x!, { size: 2 }) },
  "avgPool2d, gradient": {
    reformulated: true,
    inputs: [image],
    fn: gradientOf((x) =>
      core.avgPool2d(x, { size: 3, stride: 2, padding: 1, countIncludePad: false }),
    ) as ExportCase["fn"],
  },
  "avgPool2d, ceil, gradient": {
    reformulated: true,
    inputs: [image],
    fn: gradientOf((x) =>
      core.avgPool2d(x, { size: 3, stride: 2, padding: 1, ceilMode: true }),
    ) as ExportCase["fn"],
  },
  "global pools": {
    inputs: [image],
    fn: (x) => [core.globalAvgPool(x!), core.globalMaxPool(x!)],
    writes: ["GlobalAveragePool", "Flatten", "GlobalMaxPool", "Flatten"],
  },
  "adaptive pools": {
    inputs: [image],
    fn: (x) => [
      core.adaptiveAvgPool2d(x!, [3, 3]),
      core.adaptiveMaxPool2d(x!, [4, 3]),
      core.adaptiveAvgPool2d(x!, [3, 4]),
    ],
  },
};
