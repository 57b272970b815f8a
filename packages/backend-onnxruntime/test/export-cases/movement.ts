// What moves elements without computing, to be exported and run by ONNX Runtime.
import * as core from "@convoke/core";
import { n, gradientOf, type ExportCase } from "./export-case.js";

export const movement: Record<string, ExportCase> = {
  reshape: {
    inputs: [n],
    fn: (x) => [
      x!.reshape([x!.shape[0]!, 12]),
      x!.reshape([-1, 2]),
      x!.reshape([3, -1]),
      x!.reshape([1, x!.shape[0]! * 3, 4, 1]),
    ],
  },
  permute: { inputs: [n], fn: (x) => x!.permute([2, 0, 1]) },
  broadcastTo: {
    inputs: [[2, 1, 4]],
    fn: (x) => [x!.broadcastTo([x!.shape[0]!, 3, 4]), x!.sum(0).broadcastTo([x!.shape[0]!, 1, 4])],
  },
  slice: {
    inputs: [n],
    fn: (x) => [
      x!.slice([undefined, { start: 1 }]),
      x!.slice([undefined, { step: -1 }, { step: -2 }]),
      x!.slice([{ start: 1 }]),
      x!.slice([{ step: -1 }]),
      x!.slice([undefined, { start: 2, end: 2 }]),
      x!.slice([{ start: 1 }, { step: -1 }]),
    ],
  },
  "place (gradient of slice)": {
    inputs: [n],
    fn: gradientOf((x) =>
      x
        .slice([undefined, { start: 1 }, { step: 3 }])
        .add(x.slice([undefined, { end: 2 }, { start: 2, step: -2 }])),
    ) as ExportCase["fn"],
  },
  pad: {
    inputs: [n],
    fn: (x) =>
      x!.pad(
        [
          [0, 0],
          [1, 0],
          [0, 2],
        ],
        -2,
      ),
  },
  padMode: {
    inputs: [n],
    fn: (x) =>
      (["reflect", "replicate", "circular"] as const).map((mode) =>
        core.padMode(
          x!,
          [
            [0, 0],
            [1, 2],
            [2, 1],
          ],
          mode,
        ),
      ),
  },
  concat: { inputs: [n, n], fn: (a, b) => [core.concat([a!, b!], 1), core.concat([a!, b!], 0)] },
  "movement, composed": {
    inputs: [n],
    fn: (x) => [
      core.tile(x!, [1, 2, 1]),
      core.repeat(x!, 3, 1),
      core.flip(x!, [0, 2]),
      ...core.split(x!, [1, 2], 1),
    ],
  },
};
