import { gradients, ones, randomKey, tensor } from "@convoke/core";
import { describe, expect, it } from "vitest";
import { numbers } from "../test/golden-ops.js";
import {
  batchNorm,
  conv2d,
  dense,
  dropout,
  embedding,
  flatten,
  identity,
  input,
  lambda,
  maxPool2d,
  relu,
  residual,
  sequential,
  softmax,
  swapAxes,
  upsample2d,
} from "./index.js";

describe("layers", () => {
  it("know their kind", () => {
    const layers = [
      relu(),
      softmax(),
      conv2d({ filters: 1, kernelSize: 1 }),
      dense({ units: 1 }),
      maxPool2d({ size: 1 }),
      batchNorm(),
      flatten(),
      dropout(0.1),
      upsample2d({ scale: 2 }),
    ];
    expect(layers.map((layer) => layer.kind)).toEqual([
      "relu",
      "softmax",
      "conv2d",
      "dense",
      "maxPool2d",
      "batchNorm",
      "flatten",
      "dropout",
      "upsample2d",
    ]);
  });
});

describe("dense and embedding", () => {
  it("computes x·weightᵀ + bias", async () => {
    const layer = dense({ units: 2 }).build([3]);
    layer.weight.set(Float32Array.of(1, 0, 0, 0, 1, 1));
    layer.bias!.set(Float32Array.of(10, 20));
    expect(await numbers(layer.forward(tensor([[1, 2, 3]])))).toEqual([11, 25]);
    expect(dense({ units: 5 }).build([7, 3]).outputShape).toEqual([1, 7, 5]);
    expect(Object.keys(dense({ units: 2, bias: false }).build([3]).namedVariables())).toEqual(["weight"]);
  });

  it("looks vectors up, and trains those that were used", async () => {
    const layer = embedding({ vocabulary: 4, units: 2 }).buildWith(
      input(3, { dtype: "int32" }).placeholder(),
    );
    layer.weight.set(Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7));
    const y = layer.forward(tensor([[3, 0, 3]], { dtype: "int32" }));
    expect(await numbers(y)).toEqual([6, 7, 0, 1, 6, 7]);
    const [gradient] = gradients(layer.forward(tensor([[3, 0, 3]], { dtype: "int32" })).sum(), [
      layer.weight,
    ]);
    expect(await numbers(gradient!)).toEqual([1, 1, 0, 0, 0, 0, 2, 2]);
  });
});

describe("dropout", () => {
  const x = ones([64, 64]);
  const context = (seed: number) => ({ training: true, key: randomKey(seed) });

  it("is the identity in inference, and at rate 0", () => {
    expect(dropout(0.5).forward(x)).toBe(x);
    expect(dropout(0).forward(x, { training: true })).toBe(x);
  });

  it("keeps the expectation", async () => {
    const values = await numbers(dropout(0.25).forward(x, context(1)));
    expect(new Set(values)).toEqual(new Set([0, Math.fround(4 / 3)]));
    const share = values.filter((value) => value === 0).length / values.length;
    expect(Math.abs(share - 0.25)).toBeLessThan(0.025);
    expect(new Set(await numbers(dropout(1).forward(x, context(1))))).toEqual(new Set([0]));
  });

  it("is a pure function of the key and the path", async () => {
    const model = sequential(dropout(0.5), dropout(0.5, { name: "second" }));
    const mask = async (path: 0 | 1, seed: number) => numbers(model.layers[path]!.forward(x, context(seed)));
    expect(await mask(0, 1)).toEqual(await mask(0, 1));
    expect(await mask(0, 1)).not.toEqual(await mask(0, 2));
    // Two layers with the same mask would keep half of the elements, and not a quarter.
    const both = (await numbers(model.forward(x, context(1)))).filter((value) => value !== 0).length;
    expect(Math.abs(both / 4096 - 0.25)).toBeLessThan(0.03);
    expect(await numbers(model.forward(x, context(1)))).toEqual(await numbers(model.forward(x, context(1))));
  });

  it("drops the gradient of what it drops", async () => {
    const layer = dropout(0.5);
    const input = ones([100]);
    const y = layer.forward(input, context(3));
    const [gradient] = gradients(y.sum(), [input]);
    expect(await numbers(gradient!)).toEqual(await numbers(layer.forward(ones([100]), context(3))));
  });
});

describe("movement and residual", () => {
  it("move elements", async () => {
    expect(flatten().forward(ones([2, 3, 4, 5])).shape).toEqual([2, 60]);
    expect(swapAxes().forward(ones([2, 3, 4])).shape).toEqual([2, 4, 3]);
    const grid = tensor([[[[1, 2]]]]);
    expect(await numbers(upsample2d({ scale: 2 }).forward(grid))).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
    expect(upsample2d({ size: [3, 5], mode: "bilinear" }).forward(grid).shape).toEqual([1, 1, 3, 5]);
    expect(await numbers(lambda((x) => x.mul(2)).forward(grid))).toEqual([2, 4]);
  });

  it("adds the body to the input or the shortcut", async () => {
    const double = lambda((x) => x.mul(2));
    expect(await numbers(residual(double).forward(tensor([1, 2])))).toEqual([3, 6]);
    expect(
      await numbers(residual(double, { shortcut: lambda((x) => x.neg()) }).forward(tensor([1, 2]))),
    ).toEqual([1, 2]);
    expect(await numbers(residual(identity()).forward(tensor([1, 2])))).toEqual([2, 4]);
    const block = residual(conv2d({ filters: 2, kernelSize: 1 }), {
      shortcut: conv2d({ filters: 2, kernelSize: 1 }),
    });
    expect(Object.keys(block.build([1, 2, 2]).namedVariables())).toEqual([
      "body.weight",
      "body.bias",
      "shortcut.weight",
      "shortcut.bias",
    ]);
  });
});
