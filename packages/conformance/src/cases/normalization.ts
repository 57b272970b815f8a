// Normalisation.
import type { normalizationOps } from "@convoke/core";
import { real, values, type Input } from "../inputs.js";
import type { AnyCase, CasesOf } from "../op-case.js";

const large = { derivatives: 1, smooth: false } as const satisfies Partial<AnyCase>;
const epsilon = 1e-5;

/** Scale and bias for `channels`. */
const affine = (channels: number): readonly Input[] => [real([channels], 0.5, 1.5), real([channels])];
/** Mean and variance for `channels`. */
const statistics = (channels: number): readonly Input[] => [real([channels]), real([channels], 0.5, 2)];

export const normalizationCases: CasesOf<keyof typeof normalizationOps> = {
  batchNormInference: [
    { name: "images", inputs: [real([2, 3, 2, 2]), ...affine(3), ...statistics(3)], attributes: { epsilon } },
    { name: "vectors", inputs: [real([4, 3]), ...affine(3), ...statistics(3)], attributes: { epsilon } },
    {
      name: "one channel",
      inputs: [real([2, 1, 3]), ...affine(1), ...statistics(1)],
      attributes: { epsilon },
    },
    {
      name: "an empty batch",
      inputs: [real([0, 3, 2, 2]), ...affine(3), ...statistics(3)],
      attributes: { epsilon },
      smooth: false,
    },
    {
      name: "a variance of 0",
      inputs: [real([2, 3]), ...affine(3), real([3]), values([3], [0, 1, 0])],
      attributes: { epsilon: 0.01 },
      derivatives: 1,
      smooth: false,
    },
    {
      ...large,
      name: "larger than a tile",
      inputs: [real([5, 19, 13, 7]), ...affine(19), ...statistics(19)],
      attributes: { epsilon },
    },
  ],
  batchNormTraining: [
    { name: "images", inputs: [real([2, 3, 2, 2]), ...affine(3)], attributes: { epsilon } },
    { name: "vectors", inputs: [real([5, 3]), ...affine(3)], attributes: { epsilon } },
    { name: "one channel", inputs: [real([2, 1, 3]), ...affine(1)], attributes: { epsilon } },
    {
      name: "a constant channel",
      inputs: [values([3, 2], [2, 1, 2, 5, 2, 3]), ...affine(2)],
      attributes: { epsilon: 0.01 },
      derivatives: 1,
      smooth: false,
    },
    {
      ...large,
      name: "larger than a tile",
      inputs: [real([5, 19, 13, 7]), ...affine(19)],
      attributes: { epsilon },
    },
    { ...large, name: "many samples", inputs: [real([129, 3, 5, 5]), ...affine(3)], attributes: { epsilon } },
    {
      ...large,
      name: "far from 0",
      inputs: [real([9, 2, 3], 10, 12), ...affine(2)],
      attributes: { epsilon },
      tolerance: { float16: 2 ** -5, reason: "half-precision numbers around 11 are 2⁻⁷ apart" },
    },
  ],
  batchNormTrainingGrad: [
    {
      name: "images",
      inputs: [real([2, 3, 2, 2]), real([2, 3, 2, 2]), real([3], 0.5, 1.5), ...statistics(3)],
      attributes: { epsilon },
    },
    {
      name: "vectors",
      inputs: [real([5, 3]), real([5, 3]), real([3], 0.5, 1.5), ...statistics(3)],
      attributes: { epsilon },
    },
    {
      ...large,
      name: "larger than a tile",
      inputs: [real([5, 19, 13, 7]), real([5, 19, 13, 7]), real([19], 0.5, 1.5), ...statistics(19)],
      attributes: { epsilon },
    },
  ],
  layerNorm: [
    { name: "the last axis", inputs: [real([3, 5]), ...affine(5)], attributes: { axis: 1, epsilon } },
    { name: "without scale and bias", inputs: [real([3, 5])], attributes: { axis: 1, epsilon } },
    { name: "with a scale only", inputs: [real([3, 5]), real([5])], attributes: { axis: 1, epsilon } },
    {
      name: "two axes",
      inputs: [real([2, 3, 4]), real([3, 4]), real([3, 4])],
      attributes: { axis: 1, epsilon },
    },
    {
      name: "an empty batch",
      inputs: [real([0, 5]), ...affine(5)],
      attributes: { axis: 1, epsilon },
      smooth: false,
    },
    {
      ...large,
      name: "larger than a tile",
      inputs: [real([67, 129]), ...affine(129)],
      attributes: { axis: 1, epsilon },
    },
  ],
  groupNorm: [
    { name: "two groups", inputs: [real([2, 4, 2, 2]), ...affine(4)], attributes: { groups: 2, epsilon } },
    { name: "one group", inputs: [real([2, 3, 2]), ...affine(3)], attributes: { groups: 1, epsilon } },
    {
      name: "a group for each channel",
      inputs: [real([2, 3, 4]), ...affine(3)],
      attributes: { groups: 3, epsilon },
    },
    {
      ...large,
      name: "larger than a tile",
      inputs: [real([2, 12, 17, 13]), ...affine(12)],
      attributes: { groups: 3, epsilon },
    },
  ],
  instanceNorm: [
    { name: "images", inputs: [real([2, 2, 2, 3]), ...affine(2)], attributes: { epsilon } },
    {
      name: "an empty batch",
      inputs: [real([0, 2, 2, 3]), ...affine(2)],
      attributes: { epsilon },
      smooth: false,
    },
    {
      ...large,
      name: "larger than a tile",
      inputs: [real([2, 5, 17, 31]), ...affine(5)],
      attributes: { epsilon },
    },
  ],
  localResponseNorm: [
    {
      name: "an odd size",
      inputs: [real([2, 5, 2, 2])],
      attributes: { size: 3, alpha: 0.1, beta: 0.75, k: 1 },
    },
    { name: "an even size", inputs: [real([1, 4, 3])], attributes: { size: 2, alpha: 0.5, beta: 0.5, k: 2 } },
    {
      name: "larger than the channels",
      inputs: [real([1, 3, 2, 2])],
      attributes: { size: 5, alpha: 1e-4, beta: 0.75, k: 1 },
    },
    {
      ...large,
      name: "larger than a tile",
      inputs: [real([1, 67, 7, 5])],
      attributes: { size: 5, alpha: 0.1, beta: 0.75, k: 2 },
    },
  ],
};
