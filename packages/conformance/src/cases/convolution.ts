// Convolution and its transposes: every stride, pad, dilation and grouping that takes another path in a kernel.
import type { ConvAttributes, convolutionOps } from "@convoke/core";
import { real } from "../inputs.js";
import type { AnyCase, CasesOf } from "../op-case.js";

interface Geometry extends ConvAttributes {
  readonly name: string;
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly y: readonly number[];
  readonly isLarge?: boolean;
}

const once = [1, 1] as const;
const unpadded = [
  [0, 0],
  [0, 0],
] as const;
const byOne = [
  [1, 1],
  [1, 1],
] as const;
const plain = { stride: once, pads: unpadded, dilation: once, groups: 1 } as const;

/** x, w and y fit each other: each of the three ops takes two of them and gives the third. */
const geometries: readonly Geometry[] = [
  { name: "3×3", ...plain, x: [1, 2, 4, 5], w: [2, 2, 3, 3], y: [1, 2, 2, 3] },
  { name: "3×3, same", ...plain, pads: byOne, x: [2, 1, 4, 3], w: [2, 1, 3, 3], y: [2, 2, 4, 3] },
  { name: "1×1", ...plain, x: [2, 3, 3, 2], w: [2, 3, 1, 1], y: [2, 2, 3, 2] },
  { name: "1×1, stride 2", ...plain, stride: [2, 2], x: [1, 2, 5, 4], w: [3, 2, 1, 1], y: [1, 3, 3, 2] },
  {
    name: "stride 2",
    ...plain,
    stride: [2, 2],
    pads: byOne,
    x: [1, 2, 5, 6],
    w: [2, 2, 3, 3],
    y: [1, 2, 3, 3],
  },
  {
    name: "strides and pads of their own",
    stride: [2, 1],
    pads: [
      [1, 0],
      [0, 2],
    ],
    dilation: once,
    groups: 1,
    x: [1, 2, 5, 4],
    w: [2, 2, 2, 3],
    y: [1, 2, 3, 4],
  },
  { name: "dilation 2", ...plain, dilation: [2, 2], x: [1, 1, 6, 7], w: [2, 1, 3, 3], y: [1, 2, 2, 3] },
  {
    name: "dilations of their own, padded",
    stride: once,
    pads: byOne,
    dilation: [1, 2],
    groups: 1,
    x: [1, 2, 4, 5],
    w: [2, 2, 2, 2],
    y: [1, 2, 5, 5],
  },
  { name: "two groups", ...plain, groups: 2, x: [1, 4, 4, 4], w: [4, 2, 3, 3], y: [1, 4, 2, 2] },
  { name: "depthwise", ...plain, pads: byOne, groups: 3, x: [1, 3, 4, 3], w: [3, 1, 3, 3], y: [1, 3, 4, 3] },
  {
    name: "depthwise with a multiplier, stride 2",
    stride: [2, 2],
    pads: byOne,
    dilation: once,
    groups: 2,
    x: [1, 2, 5, 5],
    w: [4, 1, 3, 3],
    y: [1, 4, 3, 3],
  },
  { name: "a window as large as the image", ...plain, x: [2, 2, 3, 3], w: [3, 2, 3, 3], y: [2, 3, 1, 1] },
  {
    name: "pads wider than the image",
    ...plain,
    pads: [
      [2, 2],
      [2, 2],
    ],
    x: [1, 1, 1, 2],
    w: [1, 1, 3, 3],
    y: [1, 1, 3, 4],
  },
  {
    name: "rows and columns that no window sees",
    ...plain,
    stride: [3, 3],
    x: [1, 1, 6, 7],
    w: [2, 1, 2, 2],
    y: [1, 2, 2, 2],
  },
  {
    name: "one axis",
    stride: [1],
    pads: [[1, 1]],
    dilation: [1],
    groups: 1,
    x: [2, 2, 7],
    w: [3, 2, 3],
    y: [2, 3, 7],
  },
  {
    name: "one axis, stride 3, dilation 2",
    stride: [3],
    pads: [[0, 1]],
    dilation: [2],
    groups: 1,
    x: [1, 2, 11],
    w: [2, 2, 3],
    y: [1, 2, 3],
  },
  {
    name: "three axes",
    stride: [1, 2, 1],
    pads: [
      [1, 1],
      [0, 0],
      [0, 0],
    ],
    dilation: [1, 1, 1],
    groups: 1,
    x: [1, 1, 2, 4, 3],
    w: [2, 1, 3, 2, 2],
    y: [1, 2, 2, 2, 2],
  },
  { name: "an empty batch", ...plain, x: [0, 2, 4, 4], w: [3, 2, 3, 3], y: [0, 3, 2, 2] },
  {
    name: "LeNet's first layer",
    ...plain,
    pads: [
      [2, 2],
      [2, 2],
    ],
    x: [3, 1, 28, 28],
    w: [6, 1, 5, 5],
    y: [3, 6, 28, 28],
    isLarge: true,
  },
  {
    name: "prime sizes",
    ...plain,
    pads: byOne,
    x: [2, 7, 13, 17],
    w: [11, 7, 3, 3],
    y: [2, 11, 13, 17],
    isLarge: true,
  },
  {
    name: "many channels",
    ...plain,
    pads: byOne,
    x: [1, 33, 14, 14],
    w: [37, 33, 3, 3],
    y: [1, 37, 14, 14],
    isLarge: true,
  },
  {
    name: "many channels, 1×1",
    ...plain,
    x: [2, 65, 9, 7],
    w: [35, 65, 1, 1],
    y: [2, 35, 9, 7],
    isLarge: true,
  },
  {
    name: "many channels, stride 2",
    ...plain,
    stride: [2, 2],
    pads: byOne,
    x: [1, 17, 19, 23],
    w: [19, 17, 3, 3],
    y: [1, 19, 10, 12],
    isLarge: true,
  },
  {
    name: "many channels, depthwise",
    ...plain,
    pads: byOne,
    groups: 35,
    x: [1, 35, 15, 13],
    w: [35, 1, 3, 3],
    y: [1, 35, 15, 13],
    isLarge: true,
  },
  {
    name: "larger than a tile",
    ...plain,
    pads: byOne,
    x: [1, 2, 67, 129],
    w: [3, 2, 3, 3],
    y: [1, 3, 67, 129],
    isLarge: true,
  },
  {
    name: "7×7, stride 2",
    ...plain,
    stride: [2, 2],
    pads: [
      [3, 3],
      [3, 3],
    ],
    x: [1, 3, 31, 33],
    w: [8, 3, 7, 7],
    y: [1, 8, 16, 17],
    isLarge: true,
  },
];

/** Sums of hundreds of products: the largest element and the rounding errors of a sum grow together with its length. */
function options({ isLarge, x }: Geometry): Partial<AnyCase> {
  if (isLarge === true) return { derivatives: 1, smooth: false };
  return x.includes(0) ? { smooth: false } : {};
}

function attributes({ stride, pads, dilation, groups }: Geometry): ConvAttributes {
  return { stride, pads, dilation, groups };
}

const spatial = (shape: readonly number[]): readonly number[] => shape.slice(2);

const [first, ...rest] = geometries.map((g) => ({
  ...options(g),
  name: g.name,
  inputs: [real(g.x), real(g.w)],
  attributes: attributes(g),
}));
const [firstInput, ...restInput] = geometries.map((g) => ({
  ...options(g),
  name: g.name,
  inputs: [real(g.y), real(g.w)],
  attributes: { ...attributes(g), inputSize: spatial(g.x) },
}));
const [firstFilter, ...restFilter] = geometries.map((g) => ({
  ...options(g),
  name: g.name,
  inputs: [real(g.x), real(g.y)],
  attributes: { ...attributes(g), kernelSize: spatial(g.w) },
}));

export const convolutionCases: CasesOf<keyof typeof convolutionOps> = {
  conv: [
    first!,
    ...rest,
    {
      name: "with bias",
      inputs: [real([2, 2, 4, 3]), real([3, 2, 3, 3]), real([3])],
      attributes: { ...plain, pads: byOne },
    },
    {
      name: "many channels, with bias",
      inputs: [real([1, 17, 13, 11]), real([19, 17, 3, 3]), real([19])],
      attributes: { ...plain, pads: byOne },
      derivatives: 1,
      smooth: false,
    },
  ],
  convInputGrad: [firstInput!, ...restInput],
  convFilterGrad: [firstFilter!, ...restFilter],
  convTranspose: [
    {
      name: "stride 2",
      inputs: [real([1, 2, 3, 2]), real([2, 3, 2, 2])],
      attributes: { ...plain, stride: [2, 2], inputSize: [6, 4] },
    },
    {
      name: "with bias and output padding",
      inputs: [real([2, 2, 3, 3]), real([2, 2, 3, 3]), real([2])],
      attributes: { ...plain, stride: [2, 2], pads: byOne, inputSize: [6, 6] },
    },
    {
      name: "two groups",
      inputs: [real([1, 4, 3, 3]), real([4, 1, 3, 3]), real([2])],
      attributes: { ...plain, groups: 2, inputSize: [5, 5] },
    },
    {
      name: "one axis",
      inputs: [real([1, 2, 5]), real([2, 1, 3])],
      attributes: { stride: [2], pads: [[1, 1]], dilation: [1], groups: 1, inputSize: [9] },
    },
    {
      name: "many channels",
      inputs: [real([1, 17, 7, 9]), real([17, 13, 4, 4]), real([13])],
      attributes: { ...plain, stride: [2, 2], pads: byOne, inputSize: [14, 18] },
      derivatives: 1,
      smooth: false,
    },
  ],
};
