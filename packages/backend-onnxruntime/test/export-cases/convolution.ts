// Convolutions, their gradients and their kin, to be exported and run by ONNX Runtime.
import * as core from "@convoke/core";
import { gradients } from "@convoke/core";
import { image, weight, gradientOf, type ExportCase } from "./export-case.js";

export const convolution: Record<string, ExportCase> = {
  conv1d: {
    inputs: [[2, 4, 9]],
    fn: (x) => core.conv1d(x!, weight([6, 2, 3]), { stride: 2, padding: 1, groups: 2 }),
  },
  conv2d: {
    inputs: [image],
    fn: (x) =>
      core.conv2d(x!, weight([5, 4, 3, 2]), {
        stride: [2, 1],
        padding: "same",
        dilation: [1, 2],
        bias: weight([5], 2),
      }),
    writes: ["Conv"],
  },
  "conv2d, flipped": {
    inputs: [image],
    fn: (x) => core.conv2d(x!, weight([5, 4, 3, 3]), { flipKernel: true }),
  },
  conv3d: { inputs: [[2, 2, 4, 5, 5]], fn: (x) => core.conv3d(x!, weight([3, 2, 2, 3, 3]), { padding: 1 }) },
  "conv2d, gradient": {
    inputs: [image],
    fn: gradientOf((x) =>
      core.conv2d(x, weight([6, 2, 3, 2]), { stride: 2, padding: 1, groups: 2 }),
    ) as ExportCase["fn"],
  },
  "conv2d, filter gradient": {
    inputs: [image],
    fn: (x) => {
      const w = core.alias(weight([6, 2, 3, 2]));
      const y = core.conv2d(x!, w, { stride: [2, 3], padding: 1, groups: 2, dilation: [1, 2] });
      return gradients(y.mul(y).mean(), [w])[0]!;
    },
  },
  convTranspose1d: {
    inputs: [[2, 4, 5]],
    fn: (x) => core.convTranspose1d(x!, weight([4, 3, 3]), { stride: 2, padding: 1, outputPadding: 1 }),
  },
  convTranspose2d: {
    inputs: [image],
    fn: (x) =>
      core.convTranspose2d(x!, weight([4, 3, 3, 3]), {
        stride: 2,
        padding: 1,
        groups: 2,
        bias: weight([6], 2),
        dilation: [1, 2],
      }),
    writes: ["ConvTranspose"],
  },
  convTranspose3d: {
    inputs: [[2, 2, 3, 3, 3]],
    fn: (x) => core.convTranspose3d(x!, weight([2, 3, 2, 2, 2]), { stride: 2 }),
  },
  pixelShuffle: { inputs: [image], fn: (x) => core.pixelShuffle(x!, 2), writes: ["DepthToSpace"] },
  unfold: { inputs: [image], fn: (x) => core.unfold(x!, { size: 2, stride: 2 }) },
};
