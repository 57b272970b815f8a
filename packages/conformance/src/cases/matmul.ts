// Matrix products: small, batched, empty, and larger than any tile.
import type { matmulOps } from "@convoke/core";
import { real, values } from "../inputs.js";
import { integers, numeric, type AnyCase, type CasesOf } from "../op-case.js";

const large = { derivatives: 1, smooth: false } as const satisfies Partial<AnyCase>;

export const matmulCases: CasesOf<keyof typeof matmulOps> = {
  matmul: [
    { name: "two matrices", inputs: [real([3, 4]), real([4, 5])], dtypes: numeric },
    { name: "one by one", inputs: [real([1, 1]), real([1, 1])], dtypes: numeric },
    { name: "a row by a column", inputs: [real([1, 7]), real([7, 1])] },
    { name: "a column by a row", inputs: [real([7, 1]), real([1, 5])] },
    { name: "a batch", inputs: [real([2, 3, 4]), real([2, 4, 2])] },
    { name: "one for all of a batch", inputs: [real([2, 3, 4]), real([4, 2])] },
    { name: "batches broadcast", inputs: [real([2, 1, 2, 3]), real([3, 3, 2])] },
    { name: "six axes", inputs: [real([2, 1, 2, 1, 2, 2]), real([1, 2, 1, 2, 2, 1])] },
    { name: "no depth", inputs: [real([3, 0]), real([0, 4])], smooth: false },
    { name: "no rows", inputs: [real([0, 3]), real([3, 4])], smooth: false },
    { name: "no batch", inputs: [real([0, 2, 3]), real([3, 4])], smooth: false },
    { ...large, name: "primes", inputs: [real([13, 17]), real([17, 7])] },
    { ...large, name: "larger than a tile", inputs: [real([67, 129]), real([129, 71])] },
    { ...large, name: "deep", inputs: [real([5, 1031]), real([1031, 3])] },
    { ...large, name: "tall", inputs: [real([257, 3]), real([3, 5])] },
    { ...large, name: "wide", inputs: [real([3, 5]), real([5, 517])] },
    {
      name: "integers wrap",
      inputs: [
        { shape: [3, 3], fill: { kind: "extremes" } },
        { shape: [3, 3], fill: { kind: "extremes" } },
      ],
      dtypes: integers.filter((dtype) => dtype === "int64"),
    },
    {
      name: "not finite",
      inputs: [values([2, 3], [1, NaN, 2, 0, 1, 1]), values([3, 2], [1, Infinity, 0, 1, 2, -1])],
      derivatives: 0,
      compare: "each",
    },
  ],
  linear: [
    { name: "with bias", inputs: [real([3, 4]), real([5, 4]), real([5])] },
    { name: "without bias", inputs: [real([3, 4]), real([2, 4])] },
    { name: "leading axes", inputs: [real([2, 3, 4]), real([2, 4]), real([2])] },
    { name: "one sample, one unit", inputs: [real([1, 3]), real([1, 3]), real([1])] },
    { name: "an empty batch", inputs: [real([0, 4]), real([3, 4]), real([3])], smooth: false },
    { ...large, name: "larger than a tile", inputs: [real([67, 129]), real([71, 129]), real([71])] },
    { ...large, name: "a classifier's head", inputs: [real([64, 84]), real([10, 84]), real([10])] },
  ],
};
