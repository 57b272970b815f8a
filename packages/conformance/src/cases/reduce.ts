// Reductions: over all axes, some and none, of everything from nothing to more than a tile.
import type { reduceOps } from "@convoke/core";
import { distinct, real, values, whole, type Input } from "../inputs.js";
import { floats, numeric, type AnyCase, type CasesOf, type OpCase } from "../op-case.js";

type Name = keyof typeof reduceOps;

interface Shaped {
  readonly name: string;
  readonly shape: readonly number[];
  readonly attributes: { readonly axes: readonly number[]; readonly keepDims: boolean };
  readonly isEmpty?: boolean;
  readonly isLarge?: boolean;
}

const shapes: readonly Shaped[] = [
  { name: "all axes", shape: [3, 4], attributes: { axes: [0, 1], keepDims: false } },
  { name: "the last axis", shape: [3, 5], attributes: { axes: [1], keepDims: false } },
  { name: "the first axis, kept", shape: [5, 3], attributes: { axes: [0], keepDims: true } },
  { name: "everything but channels", shape: [2, 3, 2, 2], attributes: { axes: [0, 2, 3], keepDims: false } },
  { name: "the middle of five axes", shape: [2, 2, 3, 2, 1], attributes: { axes: [1, 3], keepDims: true } },
  { name: "no axis", shape: [2, 3], attributes: { axes: [], keepDims: false } },
  { name: "a scalar", shape: [], attributes: { axes: [], keepDims: false } },
  { name: "axes of 1", shape: [1, 4, 1], attributes: { axes: [0, 2], keepDims: false } },
  { name: "primes", shape: [7, 13], attributes: { axes: [1], keepDims: false } },
  { name: "an empty axis", shape: [3, 0], attributes: { axes: [1], keepDims: false }, isEmpty: true },
  { name: "around an empty axis", shape: [0, 3], attributes: { axes: [1], keepDims: false } },
  { name: "long rows", shape: [67, 129], attributes: { axes: [1], keepDims: false }, isLarge: true },
  { name: "long columns", shape: [129, 67], attributes: { axes: [0], keepDims: false }, isLarge: true },
  { name: "a long vector", shape: [4099], attributes: { axes: [0], keepDims: false }, isLarge: true },
];

interface Options<A extends object> extends Pick<AnyCase, "dtypes" | "compare" | "smooth" | "tolerance"> {
  readonly fill?: (shape: readonly number[]) => Input;
  /** Attributes beyond the axes. */
  readonly more: A;
  /** Whether it is defined over no elements. */
  readonly ofNothing: boolean;
  /** Whether it has a gradient where nothing is reduced (the root of a variance of 0 has none). */
  readonly ofOne?: boolean;
}

interface Case<A extends object> extends Omit<AnyCase, "attributes"> {
  readonly attributes: Shaped["attributes"] & A;
}

function reduction<A extends object>(options: Options<A>): [Case<A>, ...Case<A>[]] {
  const { more, ofNothing, ofOne = true, fill = real, ...rest } = options;
  const cases = shapes
    .filter(({ isEmpty }) => isEmpty !== true || ofNothing)
    .filter(({ shape, attributes }) => ofOne || attributes.axes.some((axis) => shape[axis] !== 1))
    .map(({ name, shape, attributes, isLarge, isEmpty }): Case<A> => ({
      ...rest,
      name,
      inputs: [fill(shape)],
      attributes: { ...attributes, ...more },
      ...(isLarge && { derivatives: 1 as const, smooth: false }),
      ...(isEmpty && { smooth: false }),
    }));
  return [cases[0]!, ...cases.slice(1)];
}

const row = { axes: [1], keepDims: false } as const;
const notFinite = values([4, 3], [1, NaN, 2, Infinity, 3, 1, -Infinity, Infinity, 0, -Infinity, 4, -1]);

function edge(name: string, input: Input, options: Partial<AnyCase> = {}): Case<object> {
  return { ...options, name, inputs: [input], attributes: row };
}

const extremum = [
  edge("not finite", notFinite, { derivatives: 0, compare: "exact" }),
  edge("ties share the gradient", values([2, 4], [1, 3, 3, 0, 2, 2, 2, 2]), { smooth: false }),
  edge(
    "the ends of the type",
    { shape: [3, 3], fill: { kind: "extremes" } },
    { dtypes: ["int64", "int32", "uint32", "int8", "uint8"] },
  ),
] as const;

const choice: readonly [OpCase<"argMax">, ...OpCase<"argMax">[]] = [
  {
    name: "the last axis",
    inputs: [distinct([3, 5])],
    attributes: { axis: 1, keepDims: false },
    dtypes: numeric,
  },
  {
    name: "the first axis, kept",
    inputs: [distinct([5, 3])],
    attributes: { axis: 0, keepDims: true },
    dtypes: numeric,
  },
  {
    name: "the middle of five axes",
    inputs: [distinct([2, 2, 3, 2, 1])],
    attributes: { axis: 2, keepDims: false },
  },
  {
    name: "the first of equals",
    inputs: [values([2, 4], [1, 3, 3, 0, 0, 0, 2, 2])],
    attributes: { axis: 1, keepDims: false },
    dtypes: numeric,
  },
  {
    name: "NaN wins",
    inputs: [values([2, 4], [1, NaN, 3, NaN, -Infinity, 0, Infinity, NaN])],
    attributes: { axis: 1, keepDims: false },
  },
  { name: "one element", inputs: [real([3, 1])], attributes: { axis: 1, keepDims: false } },
  { name: "around an empty axis", inputs: [real([0, 3])], attributes: { axis: 1, keepDims: false } },
  {
    name: "long rows",
    inputs: [distinct([13, 129])],
    attributes: { axis: 1, keepDims: false },
    dtypes: floats,
  },
];

const none = {};
const truths = (shape: readonly number[]): Input => whole("bool", shape, [0, 1]);
const truthCases = reduction({ more: none, ofNothing: true, fill: truths, dtypes: ["bool"] });

export const reduceCases: CasesOf<Name> = {
  sum: [
    ...reduction({ more: none, ofNothing: true, dtypes: numeric }),
    edge("not finite", notFinite, { derivatives: 0, compare: "each" }),
    edge(
      "integers wrap",
      { shape: [3, 3], fill: { kind: "extremes" } },
      { dtypes: ["int64", "int32", "uint32", "int8", "uint8"] },
    ),
    edge("large parts cancel", values([2, 4], [1e8, 1, -1e8, 1, 3e7, -3e7, 0.5, 0.25]), {
      dtypes: ["float64"],
      smooth: false,
    }),
  ],
  mean: [
    ...reduction({ more: none, ofNothing: true }),
    edge("not finite", notFinite, { derivatives: 0, compare: "each" }),
  ],
  max: [
    ...reduction({ more: none, ofNothing: false, fill: distinct, dtypes: numeric, compare: "exact" }),
    ...extremum,
  ],
  min: [
    ...reduction({ more: none, ofNothing: false, fill: distinct, dtypes: numeric, compare: "exact" }),
    ...extremum,
  ],
  prod: [
    ...reduction({
      more: none,
      ofNothing: true,
      fill: (shape) => real(shape, 0.9, 1.1),
      dtypes: floats,
      tolerance: { float16: 2 ** -6, reason: "products of the others are quotients, each rounded" },
    }),
    {
      name: "integers wrap",
      inputs: [values([2, 9], [2, 3, 5, 7, 11, 13, 17, 19, 23])],
      attributes: row,
      dtypes: ["int64", "int32", "uint32", "int8", "uint8"],
    },
    edge("a zero", values([2, 3], [2, 0, 3, 1, 4, 5])),
    edge("two zeros", values([2, 3], [0, 2, 0, 1, 4, 5])),
    edge("not finite", notFinite, { derivatives: 0, compare: "each" }),
  ],
  argMax: choice,
  argMin: choice,
  variance: [
    ...reduction({ more: { correction: 0 as const }, ofNothing: true }),
    { name: "unbiased", inputs: [real([3, 5])], attributes: { ...row, correction: 1 } },
    {
      name: "far from 0",
      inputs: [real([2, 9], 100, 101)],
      attributes: { ...row, correction: 1 },
      smooth: false,
    },
  ],
  std: [
    ...reduction({ more: { correction: 0 as const }, ofNothing: false, ofOne: false, fill: distinct }),
    { name: "unbiased", inputs: [real([3, 5])], attributes: { ...row, correction: 1 } },
  ],
  logSumExp: [
    ...reduction({ more: none, ofNothing: true }),
    edge(
      "not finite",
      values([4, 3], [1, NaN, 2, Infinity, 3, 1, -Infinity, -Infinity, -Infinity, 4, -Infinity, -1]),
      {
        derivatives: 0,
        compare: "each",
      },
    ),
    edge("without overflow", values([2, 3], [1000, 1000, 999, -1000, -1001, -1002]), {
      smooth: false,
      tolerance: { float16: 2 ** -5, reason: "half-precision numbers around 1000 are 2⁻¹ apart" },
    }),
  ],
  norm: [
    ...reduction({ more: { order: 2 as const }, ofNothing: true }),
    { name: "the sum of absolute values", inputs: [real([3, 5])], attributes: { ...row, order: 1 } },
    {
      name: "gradient at the origin",
      inputs: [values([2, 2], [0, 0, 3, 4])],
      attributes: { ...row, order: 2 },
      derivatives: 1,
      smooth: false,
    },
  ],
  any: truthCases,
  all: truthCases,
};
