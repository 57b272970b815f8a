// The largest and smallest elements, in order.
import type { sortOps } from "@convoke/core";
import { distinct, values } from "../inputs.js";
import { floats, numeric, type CasesOf } from "../op-case.js";

export const sortCases: CasesOf<keyof typeof sortOps> = {
  topK: [
    {
      name: "the largest",
      inputs: [distinct([3, 7])],
      attributes: { k: 3, axis: 1, largest: true },
      dtypes: numeric,
      compare: "exact",
    },
    {
      name: "the smallest",
      inputs: [distinct([3, 7])],
      attributes: { k: 2, axis: 1, largest: false },
      dtypes: numeric,
      compare: "exact",
    },
    {
      name: "columns",
      inputs: [distinct([7, 3])],
      attributes: { k: 2, axis: 0, largest: true },
      compare: "exact",
    },
    {
      name: "the middle of five axes",
      inputs: [distinct([2, 1, 4, 2, 2])],
      attributes: { k: 2, axis: 2, largest: true },
      compare: "exact",
    },
    {
      name: "all of them",
      inputs: [distinct([17])],
      attributes: { k: 17, axis: 0, largest: true },
      compare: "exact",
    },
    {
      name: "none of them",
      inputs: [distinct([2, 3])],
      attributes: { k: 0, axis: 1, largest: true },
      smooth: false,
    },
    {
      name: "of equals the first comes first",
      inputs: [values([2, 5], [1, 3, 3, 0, 3, 2, 2, 2, 2, 2])],
      attributes: { k: 4, axis: 1, largest: true },
      dtypes: numeric,
      smooth: false,
    },
    {
      name: "of equals the first comes first, smallest",
      inputs: [values([2, 5], [1, 3, 0, 0, 3, 2, 2, 2, 2, 2])],
      attributes: { k: 4, axis: 1, largest: false },
      dtypes: numeric,
      smooth: false,
    },
    {
      name: "NaN is largest",
      inputs: [values([6], [1, NaN, -Infinity, Infinity, NaN, 0])],
      attributes: { k: 4, axis: 0, largest: true },
      derivatives: 0,
      compare: "exact",
    },
    {
      name: "larger than a tile",
      inputs: [distinct([13, 129])],
      attributes: { k: 67, axis: 1, largest: true },
      dtypes: floats,
      derivatives: 1,
      smooth: false,
    },
  ],
};
