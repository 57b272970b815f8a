// Looking up and adding by index.
import type { indexingOps } from "@convoke/core";
import { extremes, indices, real, whole, type Input } from "../inputs.js";
import { everyDType, numeric, type AnyCase, type CasesOf, type OpCase } from "../op-case.js";

const moved = { dtypes: everyDType, compare: "bits" } as const satisfies Partial<AnyCase>;
const large = { derivatives: 1, smooth: false } as const satisfies Partial<AnyCase>;

/** Indices fix their own type, so there is one case for each entry. */
const labels = { dtypes: ["int32"] } as const satisfies Partial<AnyCase>;

const wide = (input: Input): Input => ({ ...input, dtype: "int64" });

export const indexingCases: CasesOf<keyof typeof indexingOps> = {
  gather: [
    { ...moved, name: "rows", inputs: [real([5, 3]), indices([4], [4, 0, 2, 2])], attributes: { axis: 0 } },
    {
      ...moved,
      name: "columns, by a matrix of indices",
      inputs: [real([3, 5]), indices([2, 2], [1, 4, 0, 1])],
      attributes: { axis: 1 },
    },
    {
      ...moved,
      name: "from the end",
      inputs: [real([5]), indices([3], [-1, -5, 2])],
      attributes: { axis: 0 },
    },
    { ...moved, name: "by one index", inputs: [real([4, 3]), indices([], [2])], attributes: { axis: 0 } },
    {
      name: "by 64-bit indices",
      inputs: [real([5, 3]), wide(indices([3], [4, -1, 2]))],
      attributes: { axis: 0 },
    },
    {
      name: "the middle of five axes",
      inputs: [real([2, 1, 4, 2, 2]), indices([3], [3, 0, 3])],
      attributes: { axis: 2 },
    },
    { name: "nothing", inputs: [real([4, 3]), indices([0], [0])], attributes: { axis: 0 }, smooth: false },
    {
      ...large,
      name: "an embedding",
      inputs: [real([129, 67]), whole("int32", [5, 13], [0, 128])],
      attributes: { axis: 0 },
    },
    {
      name: "extreme values",
      inputs: [extremes([14]), whole("int32", [14], [0, 13])],
      attributes: { axis: 0 },
      derivatives: 0,
      compare: "bits",
    },
  ],
  scatterAdd: [
    {
      name: "rows",
      inputs: [real([5, 3]), indices([2], [4, 0]), real([2, 3])],
      attributes: { axis: 0 },
      dtypes: numeric,
    },
    {
      name: "places named twice add up",
      inputs: [real([4]), indices([5], [1, 1, 3, 1, -1]), real([5])],
      attributes: { axis: 0 },
      dtypes: numeric,
    },
    {
      name: "columns, by a matrix of indices",
      inputs: [real([3, 5]), indices([2, 2], [1, 4, 0, 1]), real([3, 2, 2])],
      attributes: { axis: 1 },
    },
    {
      name: "by 64-bit indices",
      inputs: [real([5]), wide(indices([2], [-2, 0])), real([2])],
      attributes: { axis: 0 },
    },
    {
      name: "nothing",
      inputs: [real([4, 3]), indices([0], [0]), real([0, 3])],
      attributes: { axis: 0 },
      smooth: false,
    },
    {
      ...large,
      name: "an embedding's gradient",
      inputs: [real([129, 67]), whole("int32", [5, 13], [0, 128]), real([5, 13, 67])],
      attributes: { axis: 0 },
    },
    {
      ...large,
      name: "all into one place",
      inputs: [real([2]), whole("int32", [1031], [0, 0]), real([1031])],
      attributes: { axis: 0 },
    },
  ],
  takeAlongAxis: [
    {
      ...moved,
      name: "rows",
      inputs: [real([3, 4]), whole("int32", [3, 2], [0, 3])],
      attributes: { axis: 1 },
    },
    {
      ...moved,
      name: "columns",
      inputs: [real([3, 4]), whole("int32", [5, 4], [-3, 2])],
      attributes: { axis: 0 },
    },
    {
      name: "by 64-bit indices",
      inputs: [real([3, 4]), whole("int64", [3, 2], [-4, 3])],
      attributes: { axis: 1 },
    },
    {
      name: "the middle of five axes",
      inputs: [real([2, 1, 4, 2, 2]), whole("int32", [2, 1, 3, 2, 2], [0, 3])],
      attributes: { axis: 2 },
    },
    {
      name: "nothing",
      inputs: [real([3, 4]), whole("int32", [3, 0], [0, 0])],
      attributes: { axis: 1 },
      smooth: false,
    },
    {
      ...large,
      name: "larger than a tile",
      inputs: [real([67, 129]), whole("int32", [67, 71], [0, 128])],
      attributes: { axis: 1 },
    },
  ],
  scatterAlongAxis: [
    {
      name: "rows",
      inputs: [real([3, 4]), whole("int32", [3, 2], [0, 3]), real([3, 2])],
      attributes: { axis: 1 },
      dtypes: numeric,
    },
    {
      name: "columns, some twice",
      inputs: [real([3, 4]), whole("int32", [5, 4], [-3, 2]), real([5, 4])],
      attributes: { axis: 0 },
      dtypes: numeric,
    },
    {
      name: "by 64-bit indices",
      inputs: [real([3, 4]), whole("int64", [3, 2], [-4, 3]), real([3, 2])],
      attributes: { axis: 1 },
    },
    {
      name: "nothing",
      inputs: [real([3, 4]), whole("int32", [3, 0], [0, 0]), real([3, 0])],
      attributes: { axis: 1 },
      smooth: false,
    },
    {
      ...large,
      name: "larger than a tile",
      inputs: [real([67, 129]), whole("int32", [67, 71], [0, 128]), real([67, 71])],
      attributes: { axis: 1 },
    },
  ],
  oneHot: [
    {
      ...labels,
      name: "out of range gives zeros",
      inputs: [indices([5], [0, 7, -1, -9, 2])],
      attributes: { depth: 3, dtype: "float32" },
    },
    { ...labels, name: "one index", inputs: [indices([], [1])], attributes: { depth: 3, dtype: "float32" } },
    { ...labels, name: "no index", inputs: [indices([0], [0])], attributes: { depth: 3, dtype: "float32" } },
    {
      ...labels,
      name: "64-bit indices",
      inputs: [whole("int64", [3, 2], [0, 9])],
      attributes: { depth: 10, dtype: "float32" },
    },
    {
      ...labels,
      name: "a batch of labels",
      inputs: [whole("int32", [67], [0, 128])],
      attributes: { depth: 129, dtype: "float32" },
    },
    ...everyDType.map((dtype): OpCase<"oneHot"> => ({
      ...labels,
      name: `as ${dtype}`,
      inputs: [indices([4], [2, 0, 1, 2])],
      attributes: { depth: 3, dtype },
    })),
  ],
};
