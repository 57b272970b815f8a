import { gradients, ones, tensor } from "@convoke/core";
import { describe, expect, it } from "vitest";
import { numbers } from "../test/golden-ops.js";
import {
  constant,
  type Conv,
  conv1d,
  conv2d,
  conv3d,
  type ConvTranspose,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
} from "./index.js";

describe("convolution layers", () => {
  it("compute the worked example of a vertical edge detector", async () => {
    const layer = conv2d({ filters: 1, kernelSize: 3, bias: false }).build([1, 5, 5]);
    layer.weight.set(Float32Array.of(1, 0, -1, 1, 0, -1, 1, 0, -1));
    const image = tensor([
      [1, 2, 3, 4, 5],
      [1, 3, 2, 3, 10],
      [3, 2, 1, 4, 5],
      [6, 1, 1, 2, 2],
      [3, 2, 1, 5, 4],
    ]);
    const y = layer.forward(image.reshape([1, 1, 5, 5]));
    expect(await numbers(y)).toEqual([-1, -4, -14, 6, -3, -13, 9, -6, -8]);
    expect(layer.bias).toBeUndefined();
  });

  it.each([
    ["conv1d", conv1d({ filters: 6, kernelSize: 3, groups: 2 }), [4, 9], [6, 2, 3], [1, 6, 7]],
    [
      "conv2d",
      conv2d({ filters: 6, kernelSize: [3, 5], stride: [2, 1], padding: [1, 2] }),
      [3, 8, 8],
      [6, 3, 3, 5],
      [1, 6, 4, 8],
    ],
    [
      "conv2d, same",
      conv2d({ filters: 2, kernelSize: 5, padding: "same", stride: 2 }),
      [1, 7, 7],
      [2, 1, 5, 5],
      [1, 2, 4, 4],
    ],
    [
      "conv2d, dilated",
      conv2d({ filters: 2, kernelSize: 3, dilation: 2, padding: "valid" }),
      [1, 7, 7],
      [2, 1, 3, 3],
      [1, 2, 3, 3],
    ],
    ["conv3d", conv3d({ filters: 2, kernelSize: 2 }), [3, 4, 4, 4], [2, 3, 2, 2, 2], [1, 2, 3, 3, 3]],
    [
      "convTranspose1d",
      convTranspose1d({ filters: 4, kernelSize: 3, stride: 2, groups: 2 }),
      [6, 5],
      [6, 2, 3],
      [1, 4, 11],
    ],
    [
      "convTranspose2d",
      convTranspose2d({ filters: 4, kernelSize: 3, stride: 2, padding: 1, outputPadding: 1 }),
      [8, 7, 7],
      [8, 4, 3, 3],
      [1, 4, 14, 14],
    ],
    [
      "convTranspose3d",
      convTranspose3d({ filters: 1, kernelSize: 2 }),
      [2, 3, 3, 3],
      [2, 1, 2, 2, 2],
      [1, 1, 4, 4, 4],
    ],
  ])("%s: shapes of weight and output", async (_, made, input, weight, output) => {
    const layer: Conv | ConvTranspose = made;
    layer.build(input);
    expect(layer.weight.shape).toEqual(weight);
    expect(layer.bias!.shape).toEqual([layer.options.filters]);
    expect(layer.outputShape).toEqual(output);
    const y = layer.forward(ones([2, ...input]));
    const found = gradients(y.square().sum(), layer.parameters());
    for (const gradient of found) expect((await numbers(gradient)).some((value) => value !== 0)).toBe(true);
  });

  it("takes initialisers", async () => {
    const layer = conv2d({ filters: 1, kernelSize: 2, init: constant(0.5), biasInit: constant(3) }).build([
      1, 2, 2,
    ]);
    expect(await numbers(layer.forward(ones([1, 1, 2, 2])))).toEqual([5]);
  });

  it("starts within ±1/√fanIn, weights and biases", async () => {
    const layer = conv2d({ filters: 50, kernelSize: 2 }).build([4, 2, 2]);
    const bound = 1 / Math.sqrt(16);
    for (const variable of layer.parameters()) {
      const values = Array.from((await variable.data()) as Float32Array, Math.abs);
      expect(Math.max(...values)).toBeLessThanOrEqual(bound);
      expect(Math.max(...values)).toBeGreaterThan(0.8 * bound);
    }
  });
});
