// Resizing: each mode, up and down, by whole factors and others.
import type { InterpolateAttributes, resizeOps } from "@convoke/core";
import { real } from "../inputs.js";
import { everyDType, type AnyCase, type CasesOf, type OpCase } from "../op-case.js";

function resized(
  name: string,
  shape: readonly number[],
  attributes: Pick<InterpolateAttributes, "mode" | "size"> & Partial<InterpolateAttributes>,
): OpCase<"interpolate"> {
  const step = attributes.size.map((n, axis) => shape[axis + 2]! / n);
  return { name, inputs: [real(shape)], attributes: { step, alignCorners: false, ...attributes } };
}

const large = { derivatives: 1, smooth: false } as const satisfies Partial<AnyCase>;

export const resizeCases: CasesOf<keyof typeof resizeOps> = {
  interpolate: [
    {
      ...resized("nearest, up", [1, 2, 2, 3], { mode: "nearest", size: [4, 6] }),
      dtypes: everyDType,
      compare: "bits",
    },
    resized("nearest, by no whole factor", [1, 2, 3, 4], { mode: "nearest", size: [5, 3] }),
    resized("bilinear, up", [1, 2, 2, 3], { mode: "bilinear", size: [4, 5] }),
    resized("bilinear, down", [1, 1, 5, 4], { mode: "bilinear", size: [2, 3] }),
    resized("bilinear, corners aligned", [1, 2, 3, 2], {
      mode: "bilinear",
      size: [5, 4],
      alignCorners: true,
    }),
    resized("bicubic, up", [1, 1, 3, 3], { mode: "bicubic", size: [5, 4] }),
    resized("bicubic, corners aligned", [1, 1, 3, 3], { mode: "bicubic", size: [4, 5], alignCorners: true }),
    resized("area", [1, 2, 5, 4], { mode: "area", size: [2, 3] }),
    resized("one axis", [2, 1, 4], { mode: "bilinear", size: [7] }),
    resized("three axes", [1, 1, 2, 2, 3], { mode: "nearest", size: [3, 2, 4] }),
    { ...resized("an empty batch", [0, 2, 3, 3], { mode: "bilinear", size: [4, 4] }), smooth: false },
    { ...resized("larger than a tile", [1, 3, 33, 41], { mode: "bilinear", size: [67, 129] }), ...large },
  ],
};
