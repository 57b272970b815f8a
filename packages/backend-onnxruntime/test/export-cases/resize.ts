// Interpolation, to be exported and run by ONNX Runtime.
import * as core from "@convoke/core";
import { image, type ExportCase } from "./export-case.js";

export const resize: Record<string, ExportCase> = {
  "interpolate, nearest": {
    inputs: [image],
    fn: (x) => [core.upsample(x!, 2), core.interpolate(x!, { size: [5, 13] })],
  },
  "interpolate, bilinear": {
    inputs: [image],
    fn: (x) => [
      core.interpolate(x!, { size: [5, 13], mode: "bilinear" }),
      core.interpolate(x!, { size: [18, 3], mode: "bilinear", alignCorners: true }),
    ],
    writes: ["Resize", "Resize"],
  },
  "interpolate, bicubic": {
    inputs: [image],
    fn: (x) => [
      core.interpolate(x!, { size: [18, 16], mode: "bicubic" }),
      core.interpolate(x!, { scale: 1.7, mode: "bicubic" }),
    ],
  },
  "interpolate, area": { inputs: [image], fn: (x) => core.interpolate(x!, { size: [4, 3], mode: "area" }) },
};
