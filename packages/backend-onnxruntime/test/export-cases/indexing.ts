// Gathering, scattering, sorting and running sums, to be exported and run by ONNX Runtime.
import * as core from "@convoke/core";
import { tensor, type Tensor } from "@convoke/core";
import { n, ints, whole, weight, gradientOf, type ExportCase } from "./export-case.js";

export const indexing: Record<string, ExportCase> = {
  gather: {
    inputs: [n],
    fn: (x) => [x!.gather(whole.cast("int32"), 1), x!.gather(tensor([-1, 0], { dtype: "int32" }), 2)],
  },
  embedding: {
    inputs: [whole],
    fn: (i) => weight([3, 4]).gather(i as Tensor<core.Tensor["shape"], "int32">),
  },
  "gather, gradient (scatterAdd)": {
    inputs: [n],
    fn: gradientOf((x) => x.gather(whole as Tensor<core.Tensor["shape"], "int32">, 2)) as ExportCase["fn"],
  },
  "takeAlongAxis, gradient (scatterAlongAxis)": {
    inputs: [n],
    fn: gradientOf((x) => core.topK(x, 2, { axis: 1, largest: false }).values) as ExportCase["fn"],
  },
  takeAlongAxis: { inputs: [n], fn: (x) => core.takeAlongAxis(x!, core.topK(x!, 2, { axis: 1 }).indices, 1) },
  oneHot: {
    inputs: [whole],
    fn: (i) => [
      core.oneHot(i as Tensor<core.Tensor["shape"], "int32">, 4),
      core.oneHot(i!.sub(2) as Tensor<core.Tensor["shape"], "int32">, 3, "bool"),
    ],
  },
  cumsum: {
    inputs: [n],
    fn: (x) => [core.cumsum(x!, 1), core.cumsum(x!, 2, { exclusive: true, reverse: true })],
  },
  "cumsum, narrow": { inputs: [ints], fn: (x) => core.cumsum(x!.cast("uint8"), 1) },
  topK: {
    inputs: [n],
    fn: (x) => {
      const { values, indices } = core.topK(x!, 2);
      return { values, indices };
    },
  },
  "topK, integers": {
    inputs: [ints],
    fn: (x) => {
      const { values, indices } = core.topK(x!.cast("int8"), 3, { largest: false });
      return [values, indices];
    },
  },
};
