// Comparisons, logic, and the choice between two tensors.
import type { compareOps } from "@convoke/core";
import { EXTREME_COUNT, extremes, real, values, whole } from "../inputs.js";
import { everyDType, floats, type CasesOf, type OpCase } from "../op-case.js";

type Name = keyof typeof compareOps;
type Cases = readonly [OpCase<Name>, ...OpCase<Name>[]];

const comparison: Cases = [
  {
    name: "equal shapes",
    inputs: [values([6], [1, 2, 3, 4, 0, 1]), values([6], [1, 3, 2, 4, 1, 0])],
    dtypes: everyDType,
  },
  { name: "scalars", inputs: [real([]), real([])], dtypes: everyDType },
  { name: "both broadcast", inputs: [real([7, 1, 5]), real([3, 1])], dtypes: everyDType },
  { name: "empty", inputs: [real([0, 3]), real([3])], dtypes: everyDType },
  { name: "larger than a tile", inputs: [real([67, 129]), real([129])], dtypes: everyDType },
  {
    name: "extreme values in pairs",
    inputs: [extremes([EXTREME_COUNT, 1]), extremes([EXTREME_COUNT])],
    dtypes: everyDType,
  },
];

const truths = (shape: readonly number[]) => whole("bool", shape, [0, 1]);

const logic: Cases = [
  { name: "all four", inputs: [values([4], [0, 0, 1, 1]), values([4], [0, 1, 0, 1])], dtypes: ["bool"] },
  { name: "scalars", inputs: [truths([]), truths([])], dtypes: ["bool"] },
  { name: "both broadcast", inputs: [truths([7, 1, 5]), truths([3, 1])], dtypes: ["bool"] },
  { name: "empty", inputs: [truths([0, 3]), truths([3])], dtypes: ["bool"] },
  { name: "larger than a tile", inputs: [truths([67, 129]), truths([129])], dtypes: ["bool"] },
];

const finiteness: Cases = [
  { name: "extreme values", inputs: [extremes([EXTREME_COUNT])] },
  { name: "a scalar", inputs: [values([], [NaN])] },
  { name: "empty", inputs: [real([0])] },
  { name: "larger than a tile", inputs: [values([67, 129], [1, NaN, -2, Infinity, 3])] },
];

export const compareCases: CasesOf<Name> = {
  equal: comparison,
  notEqual: comparison,
  less: comparison,
  lessEqual: comparison,
  logicalAnd: logic,
  logicalOr: logic,
  logicalXor: logic,
  logicalNot: [
    { name: "a matrix", inputs: [truths([5, 7])], dtypes: ["bool"] },
    { name: "a scalar", inputs: [truths([])], dtypes: ["bool"] },
    { name: "empty", inputs: [truths([2, 0])], dtypes: ["bool"] },
    { name: "larger than a tile", inputs: [truths([67, 129])], dtypes: ["bool"] },
  ],
  isNaN: finiteness,
  isFinite: finiteness,
  where: [
    { name: "equal shapes", inputs: [truths([5, 7]), real([5, 7]), real([5, 7])], dtypes: everyDType },
    { name: "scalars", inputs: [truths([]), real([]), real([])], dtypes: everyDType },
    { name: "all broadcast", inputs: [truths([4, 1, 3]), real([5, 1]), real([3])], dtypes: everyDType },
    { name: "empty", inputs: [truths([0, 3]), real([3]), real([])], dtypes: everyDType, smooth: false },
    {
      name: "larger than a tile",
      inputs: [truths([67, 129]), real([67, 1]), real([129])],
      dtypes: everyDType,
      derivatives: 1,
      smooth: false,
    },
    {
      name: "the branch not taken is not seen",
      inputs: [
        values([4], [1, 0, 1, 0]),
        values([4], [1, NaN, 2, Infinity]),
        values([4], [-Infinity, 3, NaN, 4]),
      ].map((input, i) => (i === 0 ? { ...input, dtype: "bool" as const } : input)),
      dtypes: floats,
      smooth: false,
    },
    {
      name: "extreme values",
      inputs: [truths([EXTREME_COUNT]), extremes([EXTREME_COUNT]), real([])],
      dtypes: everyDType,
      derivatives: 0,
      compare: "bits",
    },
  ],
};
