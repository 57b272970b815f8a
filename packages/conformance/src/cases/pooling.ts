// Pooling and its transposes.
import type { MaxPoolAttributes, poolingOps } from "@convoke/core";
import { distinct, indices, real, values, whole } from "../inputs.js";
import { numeric, type AnyCase, type CasesOf } from "../op-case.js";

interface Geometry extends MaxPoolAttributes {
  readonly name: string;
  readonly x: readonly number[];
  readonly isLarge?: boolean;
}

const twice = [2, 2] as const;
const once = [1, 1] as const;
const unpadded = [
  [0, 0],
  [0, 0],
] as const;
const byOne = [
  [1, 1],
  [1, 1],
] as const;

const geometries: readonly Geometry[] = [
  {
    name: "2×2",
    size: twice,
    stride: twice,
    pads: unpadded,
    dilation: once,
    output: [2, 2],
    x: [2, 2, 4, 4],
  },
  {
    name: "3×3, stride 2, padded",
    size: [3, 3],
    stride: twice,
    pads: byOne,
    dilation: once,
    output: [3, 2],
    x: [1, 2, 5, 4],
  },
  {
    name: "overlapping",
    size: [3, 2],
    stride: once,
    pads: unpadded,
    dilation: once,
    output: [3, 4],
    x: [1, 2, 5, 5],
  },
  {
    name: "dilated",
    size: twice,
    stride: once,
    pads: unpadded,
    dilation: [2, 3],
    output: [3, 2],
    x: [1, 1, 5, 5],
  },
  {
    name: "past the end (ceil mode)",
    size: twice,
    stride: twice,
    pads: unpadded,
    dilation: once,
    output: [3, 3],
    x: [1, 2, 5, 5],
  },
  {
    name: "uneven pads",
    size: [3, 3],
    stride: twice,
    pads: [
      [0, 1],
      [1, 0],
    ],
    dilation: once,
    output: [2, 2],
    x: [1, 1, 4, 4],
  },
  {
    name: "the whole image",
    size: [3, 5],
    stride: [3, 5],
    pads: unpadded,
    dilation: once,
    output: [1, 1],
    x: [2, 3, 3, 5],
  },
  { name: "one axis", size: [3], stride: [2], pads: [[1, 1]], dilation: [1], output: [4], x: [2, 2, 7] },
  {
    name: "three axes",
    size: [2, 2, 2],
    stride: [2, 2, 1],
    pads: [
      [0, 0],
      [0, 0],
      [0, 0],
    ],
    dilation: [1, 1, 1],
    output: [1, 2, 2],
    x: [1, 2, 2, 4, 3],
  },
  {
    name: "an empty batch",
    size: twice,
    stride: twice,
    pads: unpadded,
    dilation: once,
    output: [2, 2],
    x: [0, 2, 4, 4],
  },
  {
    name: "primes",
    size: [3, 3],
    stride: twice,
    pads: byOne,
    dilation: once,
    output: [7, 9],
    x: [2, 7, 13, 17],
    isLarge: true,
  },
  {
    name: "larger than a tile",
    size: twice,
    stride: twice,
    pads: unpadded,
    dilation: once,
    output: [33, 64],
    x: [1, 2, 67, 129],
    isLarge: true,
  },
];

function options({ isLarge, x }: Geometry): Partial<AnyCase> {
  if (isLarge === true) return { derivatives: 1, smooth: false };
  return x.includes(0) ? { smooth: false } : {};
}

function windows({ size, stride, pads, dilation, output }: Geometry): MaxPoolAttributes {
  return { size, stride, pads, dilation, output };
}

const [firstMax, ...restMax] = geometries.map((g) => ({
  ...options(g),
  name: g.name,
  inputs: [distinct(g.x)],
  attributes: windows(g),
  compare: "exact" as const,
}));
const [firstMean, ...restMean] = geometries.flatMap((g) =>
  [true, false].map((countIncludePad) => ({
    ...options(g),
    name: countIncludePad ? g.name : `${g.name}, pads not counted`,
    inputs: [real(g.x)],
    attributes: { ...windows(g), countIncludePad },
  })),
);
const [firstShare, ...restShare] = geometries.map((g) => ({
  ...options(g),
  name: g.name,
  inputs: [real([...g.x.slice(0, 2), ...g.output])],
  attributes: { ...windows(g), countIncludePad: true, inputSize: g.x.slice(2) },
}));

const plain = { size: twice, stride: twice, pads: unpadded, dilation: once, output: [1, 2] } as const;

export const poolingCases: CasesOf<keyof typeof poolingOps> = {
  maxPool: [
    firstMax!,
    ...restMax,
    {
      name: "every type",
      inputs: [distinct([1, 2, 4, 4])],
      attributes: { ...plain, output: [2, 2] },
      dtypes: numeric,
      compare: "exact",
    },
    {
      name: "the first of equals",
      inputs: [values([1, 1, 2, 4], [1, 1, 0, 5, 1, 1, 5, 5])],
      attributes: plain,
      smooth: false,
    },
    {
      name: "NaN wins",
      inputs: [values([1, 1, 2, 4], [1, NaN, 0, 5, 3, 1, 5, Infinity])],
      attributes: plain,
      derivatives: 0,
      compare: "exact",
    },
    {
      name: "padding never wins",
      inputs: [real([1, 2, 3, 3], -9, -1)],
      attributes: { size: [3, 3], stride: twice, pads: byOne, dilation: once, output: [2, 2] },
      smooth: false,
    },
    {
      name: "nothing but −∞",
      inputs: [values([1, 1, 2, 4], [-Infinity])],
      attributes: plain,
      derivatives: 0,
      compare: "exact",
    },
  ],
  scatterToPlane: [
    {
      name: "some places twice",
      inputs: [real([1, 2, 2, 2]), indices([1, 2, 2, 2], [0, 3, 3, 8, 1, 1, 1, 7])],
      attributes: { spatial: [3, 3] },
    },
    {
      name: "one axis",
      inputs: [real([2, 1, 3]), indices([2, 1, 3], [4, 0, 2, 1, 1, 3])],
      attributes: { spatial: [5] },
    },
    {
      name: "nothing",
      inputs: [real([0, 2, 2, 2]), indices([0, 2, 2, 2], [0])],
      attributes: { spatial: [3, 3] },
      smooth: false,
    },
    {
      name: "larger than a tile",
      inputs: [real([1, 3, 33, 64]), whole("int32", [1, 3, 33, 64], [0, 67 * 129 - 1])],
      attributes: { spatial: [67, 129] },
      derivatives: 1,
      smooth: false,
    },
  ],
  gatherFromPlane: [
    {
      name: "some places twice",
      inputs: [real([1, 2, 3, 3]), indices([1, 2, 2, 2], [0, 3, 3, 8, 1, 1, 1, 7])],
      attributes: { spatial: [2, 2] },
    },
    {
      name: "one axis",
      inputs: [real([2, 1, 5]), indices([2, 1, 3], [4, 0, 2, 1, 1, 3])],
      attributes: { spatial: [3] },
    },
    {
      name: "nothing",
      inputs: [real([0, 2, 3, 3]), indices([0, 2, 2, 2], [0])],
      attributes: { spatial: [2, 2] },
      smooth: false,
    },
    {
      name: "larger than a tile",
      inputs: [real([1, 3, 67, 129]), whole("int32", [1, 3, 33, 64], [0, 67 * 129 - 1])],
      attributes: { spatial: [33, 64] },
      derivatives: 1,
      smooth: false,
    },
  ],
  avgPool: [
    firstMean!,
    ...restMean,
    {
      name: "not finite",
      inputs: [values([1, 1, 2, 4], [1, NaN, 0, 5, 3, 1, 5, Infinity])],
      attributes: { ...plain, countIncludePad: true },
      derivatives: 0,
      compare: "each",
    },
  ],
  avgPoolGrad: [firstShare!, ...restShare],
};
