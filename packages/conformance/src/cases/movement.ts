// Ops that move elements: every value has to arrive bit for bit.
import type { movementOps } from "@convoke/core";
import { EXTREME_COUNT, extremes, real, values } from "../inputs.js";
import { everyDType, floats, type AnyCase, type CasesOf } from "../op-case.js";

type Name = keyof typeof movementOps;

const moved = { dtypes: everyDType, compare: "bits" } as const satisfies Partial<AnyCase>;
const large = { compare: "bits", derivatives: 1, smooth: false } as const satisfies Partial<AnyCase>;
const extreme = { dtypes: floats, compare: "bits", derivatives: 0 } as const satisfies Partial<AnyCase>;

export const movementCases: CasesOf<Name> = {
  reshape: [
    { ...moved, name: "to a matrix", inputs: [real([2, 3, 4])], attributes: { shape: [6, 4] } },
    { ...moved, name: "to a scalar", inputs: [real([1, 1])], attributes: { shape: [] } },
    { ...moved, name: "of a scalar", inputs: [real([])], attributes: { shape: [1, 1, 1] } },
    { ...moved, name: "empty", inputs: [real([0, 3])], attributes: { shape: [2, 0, 5] }, smooth: false },
    { ...moved, name: "to six axes", inputs: [real([12, 4])], attributes: { shape: [2, 3, 2, 1, 2, 2] } },
    { ...large, name: "larger than a tile", inputs: [real([67, 129])], attributes: { shape: [129, 67] } },
    { ...extreme, name: "extreme values", inputs: [extremes([2, 7])], attributes: { shape: [7, 2] } },
  ],
  permute: [
    { ...moved, name: "a transposition", inputs: [real([3, 5])], attributes: { axes: [1, 0] } },
    {
      ...moved,
      name: "channels last",
      inputs: [real([2, 3, 4, 5])],
      attributes: { axes: [0, 2, 3, 1] },
      smooth: false,
    },
    { ...moved, name: "channels first", inputs: [real([2, 2, 3, 2])], attributes: { axes: [0, 3, 1, 2] } },
    {
      ...moved,
      name: "six axes",
      inputs: [real([2, 1, 3, 2, 1, 2])],
      attributes: { axes: [5, 2, 0, 4, 3, 1] },
    },
    { ...moved, name: "empty", inputs: [real([0, 3])], attributes: { axes: [1, 0] }, smooth: false },
    { ...moved, name: "axes of 1", inputs: [real([1, 7, 1])], attributes: { axes: [2, 0, 1] } },
    { ...large, name: "larger than a tile", inputs: [real([67, 129])], attributes: { axes: [1, 0] } },
    { ...large, name: "blocks", inputs: [real([5, 67, 13])], attributes: { axes: [1, 0, 2] } },
    { ...extreme, name: "extreme values", inputs: [extremes([2, 7])], attributes: { axes: [1, 0] } },
  ],
  broadcastTo: [
    { ...moved, name: "a scalar", inputs: [real([])], attributes: { shape: [3, 4] } },
    { ...moved, name: "rows", inputs: [real([4])], attributes: { shape: [3, 4] } },
    { ...moved, name: "columns", inputs: [real([3, 1])], attributes: { shape: [3, 4] } },
    {
      ...moved,
      name: "inside and outside",
      inputs: [real([2, 1, 3, 1])],
      attributes: { shape: [2, 2, 4, 3, 2] },
    },
    { ...moved, name: "to nothing", inputs: [real([1, 3])], attributes: { shape: [0, 3] }, smooth: false },
    { ...large, name: "larger than a tile", inputs: [real([67, 1])], attributes: { shape: [67, 129] } },
  ],
  slice: [
    {
      ...moved,
      name: "the inside",
      inputs: [real([5, 7])],
      attributes: { start: [1, 2], step: [1, 1], shape: [3, 4] },
    },
    {
      ...moved,
      name: "every third",
      inputs: [real([3, 11])],
      attributes: { start: [0, 1], step: [1, 3], shape: [3, 4] },
    },
    {
      ...moved,
      name: "backwards",
      inputs: [real([3, 5])],
      attributes: { start: [2, 4], step: [-1, -2], shape: [3, 3] },
    },
    {
      ...moved,
      name: "nothing",
      inputs: [real([3, 5])],
      attributes: { start: [0, 0], step: [1, 1], shape: [0, 5] },
      smooth: false,
    },
    {
      ...moved,
      name: "five axes",
      inputs: [real([2, 2, 3, 2, 2])],
      attributes: { start: [0, 1, 2, 0, 1], step: [1, 1, -1, 1, 1], shape: [2, 1, 3, 2, 1] },
    },
    { ...moved, name: "one element", inputs: [real([7])], attributes: { start: [3], step: [1], shape: [1] } },
    {
      ...large,
      name: "larger than a tile",
      inputs: [real([70, 131])],
      attributes: { start: [2, 1], step: [1, 1], shape: [67, 129] },
    },
    {
      ...extreme,
      name: "extreme values",
      inputs: [extremes([EXTREME_COUNT])],
      attributes: { start: [EXTREME_COUNT - 1], step: [-1], shape: [EXTREME_COUNT] },
    },
  ],
  place: [
    {
      ...moved,
      name: "the inside",
      inputs: [real([3, 4])],
      attributes: { start: [1, 2], step: [1, 1], shape: [5, 7] },
    },
    {
      ...moved,
      name: "every third",
      inputs: [real([3, 4])],
      attributes: { start: [0, 1], step: [1, 3], shape: [3, 11] },
    },
    {
      ...moved,
      name: "backwards",
      inputs: [real([3, 3])],
      attributes: { start: [2, 4], step: [-1, -2], shape: [3, 5] },
    },
    {
      ...moved,
      name: "nothing",
      inputs: [real([0, 5])],
      attributes: { start: [0, 0], step: [1, 1], shape: [3, 5] },
      smooth: false,
    },
    {
      ...large,
      name: "larger than a tile",
      inputs: [real([67, 129])],
      attributes: { start: [2, 1], step: [1, 1], shape: [70, 131] },
    },
  ],
  pad: [
    {
      ...moved,
      name: "all around",
      inputs: [real([3, 4]), real([])],
      attributes: {
        pads: [
          [1, 2],
          [2, 1],
        ],
      },
    },
    {
      ...moved,
      name: "images",
      inputs: [real([2, 2, 3, 3]), real([])],
      attributes: {
        pads: [
          [0, 0],
          [0, 0],
          [1, 1],
          [2, 0],
        ],
      },
    },
    {
      ...moved,
      name: "what is empty",
      inputs: [real([0, 2]), real([])],
      attributes: {
        pads: [
          [2, 1],
          [0, 0],
        ],
      },
      smooth: false,
    },
    {
      ...large,
      name: "larger than a tile",
      inputs: [real([67, 129]), real([])],
      attributes: {
        pads: [
          [1, 2],
          [2, 1],
        ],
      },
    },
    {
      ...extreme,
      name: "with an infinity",
      inputs: [extremes([EXTREME_COUNT]), values([], [-Infinity])],
      attributes: { pads: [[3, 2]] },
    },
  ],
  concat: [
    { ...moved, name: "rows", inputs: [real([2, 3]), real([1, 3]), real([3, 3])], attributes: { axis: 0 } },
    { ...moved, name: "columns", inputs: [real([3, 2]), real([3, 5])], attributes: { axis: 1 } },
    { ...moved, name: "channels", inputs: [real([2, 1, 2, 3]), real([2, 3, 2, 3])], attributes: { axis: 1 } },
    {
      ...moved,
      name: "with nothing",
      inputs: [real([2, 0]), real([2, 3]), real([2, 0])],
      attributes: { axis: 1 },
      smooth: false,
    },
    {
      ...large,
      name: "larger than a tile",
      inputs: [real([67, 63]), real([67, 66])],
      attributes: { axis: 1 },
    },
    {
      ...extreme,
      name: "seventeen",
      inputs: Array.from({ length: 17 }, () => extremes([3])),
      attributes: { axis: 0 },
    },
  ],
  padMode: [
    {
      ...moved,
      name: "reflect",
      inputs: [real([1, 2, 4, 5])],
      attributes: {
        pads: [
          [0, 0],
          [0, 0],
          [2, 1],
          [1, 3],
        ],
        mode: "reflect",
      },
    },
    {
      ...moved,
      name: "replicate",
      inputs: [real([1, 2, 3, 2])],
      attributes: {
        pads: [
          [0, 0],
          [0, 0],
          [2, 1],
          [1, 4],
        ],
        mode: "replicate",
      },
    },
    {
      ...moved,
      name: "circular",
      inputs: [real([1, 2, 4, 5])],
      attributes: {
        pads: [
          [0, 0],
          [0, 0],
          [2, 1],
          [1, 3],
        ],
        mode: "circular",
      },
    },
    {
      ...large,
      name: "larger than a tile",
      inputs: [real([67, 129])],
      attributes: {
        pads: [
          [3, 3],
          [3, 3],
        ],
        mode: "reflect",
      },
    },
  ],
};
