// Running totals.
import type { scanOps } from "@convoke/core";
import { extremes, real } from "../inputs.js";
import { integers, numeric, type CasesOf } from "../op-case.js";

const plain = { exclusive: false, reverse: false } as const;

export const scanCases: CasesOf<keyof typeof scanOps> = {
  cumsum: [
    { name: "rows", inputs: [real([3, 5])], attributes: { axis: 1, ...plain }, dtypes: numeric },
    { name: "columns", inputs: [real([5, 3])], attributes: { axis: 0, ...plain }, dtypes: numeric },
    {
      name: "exclusive",
      inputs: [real([2, 5])],
      attributes: { axis: 1, exclusive: true, reverse: false },
      dtypes: numeric,
    },
    {
      name: "from the end",
      inputs: [real([2, 5])],
      attributes: { axis: 1, exclusive: false, reverse: true },
      dtypes: numeric,
    },
    {
      name: "exclusive, from the end",
      inputs: [real([2, 5])],
      attributes: { axis: 1, exclusive: true, reverse: true },
    },
    { name: "the middle of five axes", inputs: [real([2, 1, 4, 2, 2])], attributes: { axis: 2, ...plain } },
    { name: "one element", inputs: [real([1])], attributes: { axis: 0, ...plain } },
    { name: "nothing", inputs: [real([3, 0])], attributes: { axis: 1, ...plain }, smooth: false },
    { name: "integers wrap", inputs: [extremes([9])], attributes: { axis: 0, ...plain }, dtypes: integers },
    {
      name: "larger than a tile",
      inputs: [real([67, 129])],
      attributes: { axis: 1, ...plain },
      derivatives: 1,
      smooth: false,
    },
    {
      name: "a long vector",
      inputs: [real([4099])],
      attributes: { axis: 0, ...plain },
      derivatives: 1,
      smooth: false,
    },
  ],
};
