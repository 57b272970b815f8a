// Channels as patches.
import type { patchOps } from "@convoke/core";
import { real } from "../inputs.js";
import { everyDType, type CasesOf } from "../op-case.js";

export const patchesCases: CasesOf<keyof typeof patchOps> = {
  pixelShuffle: [
    {
      name: "factor 2",
      inputs: [real([2, 4, 2, 3])],
      attributes: { factor: 2 },
      dtypes: everyDType,
      compare: "bits",
    },
    { name: "factor 3", inputs: [real([1, 18, 1, 2])], attributes: { factor: 3 }, compare: "bits" },
    { name: "an empty batch", inputs: [real([0, 4, 2, 3])], attributes: { factor: 2 }, smooth: false },
    {
      name: "larger than a tile",
      inputs: [real([1, 12, 33, 41])],
      attributes: { factor: 2 },
      derivatives: 1,
      smooth: false,
    },
  ],
};
