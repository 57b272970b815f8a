// Arithmetic, element by element.
import type { elementwiseOps } from "@convoke/core";
import { EXTREME_COUNT, extremes, real, values } from "../inputs.js";
import { floats, numeric, signed, type CasesOf, type OpCase } from "../op-case.js";

type Name = keyof typeof elementwiseOps;
type Cases = readonly [OpCase<Name>, ...OpCase<Name>[]];
type Options = Pick<OpCase<Name>, "dtypes" | "smooth" | "derivatives" | "compare">;

/** The shapes that every op of one input has to know, with numbers from a range where the op is smooth. */
function unary([min, max]: readonly [number, number], options: Options = {}, edges: Cases | [] = []): Cases {
  const make = (name: string, shape: readonly number[], more: Options = {}): OpCase<Name> => ({
    name,
    inputs: [real(shape, min, max)],
    ...options,
    ...more,
  });
  return [
    make("a matrix", [5, 7]),
    make("a scalar", []),
    make("empty", [3, 0, 2], { smooth: false }),
    make("one element", [1, 1]),
    make("a prime number of elements", [17, 13]),
    make("larger than a tile", [67, 129], { derivatives: 1, smooth: false }),
    make("six axes", [2, 1, 3, 1, 2, 2]),
    {
      name: "extreme values",
      inputs: [extremes([EXTREME_COUNT])],
      ...options,
      derivatives: 0,
      compare: options.compare ?? "each",
    },
    ...edges,
  ];
}

/** Without the extremes: an op whose value there says more about its argument reduction than about the op. */
function unaryWithin(range: readonly [number, number], list: readonly number[]): Cases {
  const cases = unary(range).filter(({ name }) => name !== "extreme values");
  const special: OpCase<Name> = {
    name: "special values",
    inputs: [values([list.length], list)],
    derivatives: 0,
    compare: "each",
  };
  return [special, ...cases];
}

type Range = readonly [number, number];

/** The ways in which two shapes meet. `a` and `b` are ranges where the op is smooth. */
function binary(a: Range, b: Range, options: Options = {}): Cases {
  const make = (
    name: string,
    left: readonly number[],
    right: readonly number[],
    more: Options = {},
  ): OpCase<Name> => ({
    name,
    inputs: [real(left, ...a), real(right, ...b)],
    ...options,
    ...more,
  });
  return [
    make("equal shapes", [5, 7], [5, 7]),
    make("scalars", [], []),
    make("a scalar on the right", [3, 5], []),
    make("a scalar on the left", [], [3, 5]),
    make("rows", [4, 7], [7]),
    make("columns", [4, 7], [4, 1]),
    make("channels", [2, 3, 4, 5], [3, 1, 1]),
    make("both broadcast", [7, 1, 5], [3, 1]),
    make("five axes", [2, 1, 3, 1, 2], [1, 2, 1, 3, 2]),
    make("empty", [0, 3], [1, 3], { smooth: false }),
    make("empty against one", [2, 0], [2, 1], { smooth: false }),
    make("primes", [13, 17], [17]),
    make("larger than a tile", [67, 129], [67, 129], { derivatives: 1, smooth: false }),
    make("larger than a tile, columns", [67, 129], [67, 1], { derivatives: 1, smooth: false }),
  ];
}

/** Every extreme value against every other. */
function allPairs(options: Options = {}): OpCase<Name> {
  return {
    name: "extreme values in pairs",
    inputs: [extremes([EXTREME_COUNT, 1]), extremes([EXTREME_COUNT])],
    derivatives: 0,
    compare: "each",
    ...options,
  };
}

const rounding = { smooth: false, compare: "exact" } as const;

export const elementwiseCases: CasesOf<Name> = {
  neg: unary([-2, 2], { dtypes: signed, compare: "bits" }),
  abs: unary([0.1, 2], { dtypes: numeric, compare: "exact" }, [
    { name: "negative", inputs: [real([9], -3, -0.1)], dtypes: signed },
    { name: "gradient at 0", inputs: [values([3], [0, -1, 2])], smooth: false },
  ]),
  sign: unary([-2, 2], { dtypes: numeric, compare: "exact" }),
  floor: unary([-5, 5], rounding),
  ceil: unary([-5, 5], rounding),
  round: unary([-5, 5], rounding, [
    {
      name: "halves go to even",
      inputs: [values([8], [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 8388609.5, 4194303.5])],
      derivatives: 0,
      compare: "exact",
    },
  ]),
  exp: unary([-3, 3], {}, [
    {
      name: "to the ends of float32",
      inputs: [values([6], [88.7, 89, -87, -104, 700, -750])],
      derivatives: 0,
      compare: "each",
      dtypes: ["float32"],
    },
  ]),
  expm1: unary([-3, 3], {}, [
    {
      name: "tiny",
      inputs: [values([6], [1e-8, -1e-8, 1e-20, -1e-20, 1e-4, -1e-4])],
      derivatives: 0,
      compare: "each",
    },
  ]),
  log: unary([0.3, 5]),
  log1p: unary([-0.6, 5], {}, [
    {
      name: "tiny",
      inputs: [values([6], [1e-8, -1e-8, 1e-20, -1e-20, 1e-4, -1])],
      derivatives: 0,
      compare: "each",
    },
  ]),
  sqrt: unary([0.3, 5]),
  sin: unaryWithin([-4, 4], [0, -0, NaN, Infinity, -Infinity, 100, -100, 1e-38]),
  cos: unaryWithin([-4, 4], [0, -0, NaN, Infinity, -Infinity, 100, -100, 1e-38]),
  tanh: unary([-3, 3]),
  erf: unary([-2.5, 2.5]),
  add: [...binary([-2, 2], [-2, 2], { dtypes: numeric }), allPairs({ dtypes: numeric })],
  sub: [...binary([-2, 2], [-2, 2], { dtypes: numeric }), allPairs({ dtypes: numeric })],
  mul: [...binary([-2, 2], [-2, 2], { dtypes: numeric }), allPairs({ dtypes: numeric })],
  div: [...binary([-2, 2], [0.5, 2], { dtypes: numeric }), allPairs({ dtypes: numeric })],
  mod: [
    ...binary([0.1, 0.9], [1, 2], { dtypes: numeric }),
    allPairs({ dtypes: ["int64", "int32", "uint32", "int8", "uint8"] }),
    {
      name: "the sign is that of the divisor",
      inputs: [values([8], [5, -5, 5, -5, 5.5, -5.5, 0, 3]), values([8], [3, 3, -3, -3, 2, 2, 3, -3])],
      dtypes: signed.filter((dtype) => floats.includes(dtype as never)),
      smooth: false,
    },
    {
      name: "not finite",
      inputs: [values([4], [NaN, Infinity, 1, -Infinity]), values([4], [1, 1, 0, 2])],
      derivatives: 0,
      compare: "each",
    },
  ],
  pow: [
    ...binary([0.5, 2], [-2, 2]),
    {
      name: "whole numbers",
      inputs: [values([8], [0, 1, 2, 3, 5, 2, 7, 1]), values([8], [0, 5, 6, 4, 2, 0, 1, 0])],
      dtypes: numeric,
      derivatives: 0,
    },
    {
      name: "special values",
      inputs: [values([6, 1], [0, 0.5, 2, 3, Infinity, NaN]), values([6], [0, 1, -1, 0.5, 2, Infinity])],
      derivatives: 0,
      compare: "each",
    },
    {
      name: "negative bases",
      inputs: [values([4], [-2, -0.5, -1.5, -3]), values([4], [2, 3, -1, 0])],
      derivatives: 0,
    },
  ],
  maximum: [
    ...binary([-2, 2], [-1, 1], { dtypes: numeric }),
    allPairs({ dtypes: numeric, compare: "exact" }),
    {
      name: "ties share the gradient",
      inputs: [values([4], [1, 2, 3, 4]), values([4], [1, 3, 3, 0])],
      smooth: false,
    },
  ],
  minimum: [
    ...binary([-2, 2], [-1, 1], { dtypes: numeric }),
    allPairs({ dtypes: numeric, compare: "exact" }),
    {
      name: "ties share the gradient",
      inputs: [values([4], [1, 2, 3, 4]), values([4], [1, 3, 3, 0])],
      smooth: false,
    },
  ],
};
