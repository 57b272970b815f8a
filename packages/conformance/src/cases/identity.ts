// Casts, and ops that pass their input through.
import { isFloat, type identityOps } from "@convoke/core";
import { EXTREME_COUNT, extremes, real, values } from "../inputs.js";
import { everyDType, integers, type CasesOf, type OpCase } from "../op-case.js";

type Name = keyof typeof identityOps;

const passing: readonly [OpCase<"alias">, ...OpCase<"alias">[]] = [
  { name: "a matrix", inputs: [real([5, 7])], dtypes: everyDType, compare: "bits" },
  { name: "a scalar", inputs: [real([])], dtypes: everyDType, compare: "bits" },
  { name: "empty", inputs: [real([0, 2])], dtypes: everyDType, smooth: false },
  {
    name: "extreme values",
    inputs: [extremes([EXTREME_COUNT])],
    dtypes: everyDType,
    derivatives: 0,
    compare: "bits",
  },
];

/** Gradients pass between floating-point types only; a rounded number is not smooth. */
const casts = everyDType.map((dtype): OpCase<"cast"> => ({
  name: `to ${dtype}`,
  inputs: [real([5, 7], -20, 20)],
  attributes: { dtype },
  dtypes: everyDType.filter((from) => from !== dtype),
  ...(isFloat(dtype) ? { smooth: false } : { derivatives: 0 }),
}));

export const identityCases: CasesOf<Name> = {
  cast: [
    { name: "a scalar", inputs: [real([])], attributes: { dtype: "float64" }, dtypes: ["float32"] },
    ...casts,
    {
      name: "empty",
      inputs: [real([0, 3])],
      attributes: { dtype: "int32" },
      dtypes: ["float32"],
      derivatives: 0,
    },
    {
      name: "larger than a tile",
      inputs: [real([67, 129], -100, 100)],
      attributes: { dtype: "int32" },
      dtypes: ["float32"],
      derivatives: 0,
    },
    {
      name: "cuts towards zero",
      inputs: [values([6], [0.9, -0.9, 1.5, -1.5, 127.9, -127.9])],
      attributes: { dtype: "int8" },
      derivatives: 0,
    },
    {
      name: "NaN and infinities become 0",
      inputs: [values([3], [NaN, Infinity, -Infinity])],
      attributes: { dtype: "int32" },
      derivatives: 0,
    },
    {
      name: "NaN is true",
      inputs: [values([4], [NaN, 0, -0, 1e-40])],
      attributes: { dtype: "bool" },
      derivatives: 0,
    },
    ...integers.map((dtype): OpCase<"cast"> => ({
      name: `extreme integers to ${dtype}`,
      inputs: [extremes([9])],
      attributes: { dtype },
      dtypes: integers.filter((from) => from !== dtype),
    })),
    {
      name: "extreme integers to float32",
      inputs: [extremes([9])],
      attributes: { dtype: "float32" },
      dtypes: integers,
      compare: "exact",
    },
    {
      name: "past the ends of float32",
      inputs: [values([3], [1e30, -1e30, 0.1])],
      attributes: { dtype: "float32" },
      dtypes: ["float64"],
      derivatives: 0,
      compare: "exact",
    },
  ],
  detach: passing,
  alias: passing,
  tap: passing,
};
