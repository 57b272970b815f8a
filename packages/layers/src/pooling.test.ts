import { tensor, type Module } from "@convoke/core";
import { describe, expect, it } from "vitest";
import { expectClose, numbers } from "../test/golden-ops.js";
import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  globalAvgPool1d,
  globalAvgPool2d,
  globalMaxPool1d,
  globalMaxPool2d,
  maxPool1d,
  maxPool2d,
  maxPool3d,
} from "./index.js";

describe("pooling layers", () => {
  const x = tensor([
    [
      [
        [4, 3, 1, 5],
        [1, 3, 4, 8],
        [4, 5, 4, 3],
        [6, 5, 9, 4],
      ],
    ],
  ]);
  it.each<[string, Module, number[]]>([
    ["maxPool2d", maxPool2d({ size: 2 }), [4, 8, 6, 9]],
    ["avgPool2d", avgPool2d({ size: 2 }), [2.75, 4.5, 5, 5]],
    ["overlapping", maxPool2d({ size: 3, stride: 1 }), [5, 8, 9, 9]],
    ["padded", maxPool2d({ size: 2, padding: 1 }), [4, 3, 5, 4, 5, 8, 6, 9, 4]],
    ["ceil mode", avgPool2d({ size: 3, stride: 2, ceilMode: true }), [29 / 9, 25 / 6, 33 / 6, 5]],
    [
      "padding not counted",
      avgPool2d({ size: 2, stride: 3, padding: 1, countIncludePad: false }),
      [4, 3, 5, 5],
    ],
    ["globalAvgPool2d", globalAvgPool2d(), [69 / 16]],
    ["globalMaxPool2d", globalMaxPool2d(), [9]],
    ["adaptiveAvgPool2d", adaptiveAvgPool2d({ size: 2 }), [2.75, 4.5, 5, 5]],
    ["adaptiveMaxPool2d", adaptiveMaxPool2d({ size: [1, 2] }), [6, 9]],
  ])("%s", async (_, layer, wanted) => {
    await expectClose(layer.forward(x), wanted);
  });

  it("serves other numbers of axes", async () => {
    const line = x.reshape([1, 2, 8]);
    expect(await numbers(maxPool1d({ size: 4 }).forward(line))).toEqual([5, 8, 5, 9]);
    expect(await numbers(avgPool1d({ size: 8 }).forward(line))).toEqual([29 / 8, 5]);
    expect(await numbers(globalAvgPool1d().forward(line))).toEqual([29 / 8, 5]);
    expect(await numbers(globalMaxPool1d().forward(line))).toEqual([8, 9]);
    const cube = x.reshape([1, 1, 2, 2, 4]);
    expect(await numbers(maxPool3d({ size: 2 }).forward(cube))).toEqual([6, 9]);
    expect(maxPool3d({ size: [2, 2, 4] }).forward(cube).shape).toEqual([1, 1, 1, 1, 1]);
    expect(await numbers(avgPool3d({ size: 2 }).forward(cube))).toEqual([31 / 8, 38 / 8]);
  });
});
