// Reductions, to be exported and run by ONNX Runtime.
import * as core from "@convoke/core";
import { n, ints, type ExportCase } from "./export-case.js";

export const reduce: Record<string, ExportCase> = {
  sum: { inputs: [n], fn: (x) => [x!.sum(), x!.sum(1), x!.sum([0, 2], { keepDims: true }), x!.sum([])] },
  "sum, narrow": { inputs: [ints], fn: (x) => [x!.cast("uint8").sum(1), x!.sum(0), x!.cast("int64").sum()] },
  "max, min, prod": { inputs: [n], fn: (x) => [x!.max(1), x!.min([0, 1]), x!.prod(-1, { keepDims: true })] },
  "argMax, argMin": { inputs: [n], fn: (x) => [core.argMax(x!, 1), core.argMin(x!, 2, { keepDims: true })] },
  mean: { inputs: [n], fn: (x) => [x!.mean(0), x!.mean([1, 2])] },
  "variance, std over the batch": {
    inputs: [[2, 3]],
    fn: (x) => [core.variance(x!.sum(1), 0, { correction: 0 }), core.std(x!, 1)],
  },
  logSumExp: { inputs: [n], fn: (x) => core.logSumExp(x!.mul(50), 2) },
  norm: {
    inputs: [n],
    fn: (x) => [core.norm(x!, 1), core.norm(x!, [1, 2], { order: 1 })],
    writes: ["ReduceL2", "ReduceL1"],
  },
  "any, all": { inputs: [n], fn: (x) => [core.any(x!.less(-1), 1), core.all(x!.less(1), [1, 2])] },
};
