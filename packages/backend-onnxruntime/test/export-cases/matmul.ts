// Products of matrices, to be exported and run by ONNX Runtime.
import * as core from "@convoke/core";
import { n, ints, weight, typed, type ExportCase } from "./export-case.js";

export const matmul: Record<string, ExportCase> = {
  matmul: { inputs: [n, [2, 4, 5]], fn: (a, b) => [a!.matmul(b!), a!.matmul(weight([4, 2]))] },
  "matmul, integers": {
    inputs: [ints],
    fn: (x) => [x!.matmul(x!.transpose()), x!.cast("int8").matmul(typed([1, 2, 3, 4], [4, 1], "int8"))],
  },
  linear: { inputs: [[2, 4]], fn: (x) => core.linear(x!, weight([3, 4]), weight([3], 2)), writes: ["Gemm"] },
  "linear, three axes": { inputs: [n], fn: (x) => core.linear(x!, weight([3, 4]), weight([3], 2)) },
};
