// Activation functions: smooth parts, kinks, both tails, and what is not finite.
import type { activationOps } from "@convoke/core";
import { distinct, real, values } from "../inputs.js";
import type { CasesOf, OpCase } from "../op-case.js";

type Name = keyof typeof activationOps;
type Plain = OpCase<"relu">;

const TAILS = [0, -0, 1e-6, -1e-6, 20, -20, 88, -88, 100, -100, 1e30, -1e30, Infinity, -Infinity, NaN];

/** `kinks`: where the two sides have different slopes; both are compared, and finite differences keep away. */
function activation(kinks: readonly number[] = []): readonly [Plain, ...Plain[]] {
  return [
    { name: "a matrix", inputs: [distinct([5, 7])] },
    { name: "a scalar", inputs: [real([], 0.5, 1)] },
    { name: "empty", inputs: [real([2, 0])], smooth: false },
    { name: "images", inputs: [real([2, 3, 2, 2], -4, 4)], smooth: kinks.length === 0 },
    { name: "larger than a tile", inputs: [real([67, 129], -4, 4)], derivatives: 1, smooth: false },
    { name: "both tails", inputs: [values([TAILS.length], TAILS)], derivatives: 0, compare: "each" },
    {
      name: "gradients in the tails",
      inputs: [values([6], [20, -20, 60, -60, 8, -8])],
      derivatives: 1,
      smooth: false,
    },
    ...(kinks.length === 0
      ? []
      : [
          {
            name: "at the kinks",
            inputs: [values([kinks.length], kinks)],
            derivatives: 1 as const,
            smooth: false,
          },
        ]),
  ];
}

function withAttributes<A extends object>(attributes: A, kinks: readonly number[] = []) {
  const [first, ...rest] = activation(kinks).map((entry) => ({ ...entry, attributes }));
  return [first!, ...rest] as const;
}

/** Where a gradient has no value by itself (−∞ times 0), its second derivative is not asked for either. */
const alongAxis: readonly [OpCase<"softmax">, ...OpCase<"softmax">[]] = [
  { name: "rows", inputs: [real([3, 5], -3, 3)], attributes: { axis: 1 } },
  { name: "columns", inputs: [real([5, 3], -3, 3)], attributes: { axis: 0 } },
  { name: "channels", inputs: [real([2, 3, 2, 2], -3, 3)], attributes: { axis: 1 } },
  { name: "one element", inputs: [real([3, 1])], attributes: { axis: 1 } },
  { name: "empty", inputs: [real([0, 5])], attributes: { axis: 1 }, smooth: false },
  { name: "an empty axis", inputs: [real([3, 0])], attributes: { axis: 1 }, smooth: false },
  {
    name: "large values",
    inputs: [values([2, 4], [1000, 1000, 999, -1000, 1e30, 0, -1e30, 1e30])],
    attributes: { axis: 1 },
    derivatives: 1,
    smooth: false,
  },
  {
    name: "masked by −∞",
    inputs: [values([2, 4], [1, -Infinity, 2, -Infinity, -Infinity, 0, -Infinity, -Infinity])],
    attributes: { axis: 1 },
    derivatives: 0,
    compare: "each",
  },
  {
    name: "NaN spreads along the axis",
    inputs: [values([2, 4], [1, NaN, 2, 0, 1, 2, 3, 4])],
    attributes: { axis: 1 },
    derivatives: 0,
    compare: "each",
  },
  {
    name: "larger than a tile",
    inputs: [real([67, 129], -3, 3)],
    attributes: { axis: 1 },
    derivatives: 1,
    smooth: false,
  },
  {
    name: "long columns",
    inputs: [real([129, 67], -3, 3)],
    attributes: { axis: 0 },
    derivatives: 1,
    smooth: false,
  },
];

export const activationCases: CasesOf<Name> = {
  relu: activation([0, -0, 1, -1]),
  hardTanh: withAttributes({ min: -1, max: 1 }, [-1, 1, 0]),
  leakyRelu: withAttributes({ alpha: 0.1 }, [0, 1, -1]),
  elu: withAttributes({ alpha: 1.3 }, [0, 1, -1]),
  celu: withAttributes({ alpha: 0.7 }, [0, 1, -1]),
  selu: activation([0, 1, -1]),
  gelu: activation(),
  geluTanh: activation(),
  sigmoid: activation(),
  logSigmoid: activation(),
  softplus: activation(),
  silu: activation(),
  mish: activation(),
  hardSigmoid: activation([-3, 3, 0]),
  hardSwish: activation([-3, 3, 0]),
  softsign: activation([0, 1, -1]),
  tanhShrink: activation(),
  softmax: alongAxis,
  logSoftmax: alongAxis,
};
