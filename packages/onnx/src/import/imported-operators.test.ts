// Operators as old files mean them, and operators that the recorded cases leave out.
import { tensor } from "@convoke/core";
import { describe, expect, it } from "vitest";
import { run } from "../../test/run-model.js";
import { floats, ints, node, weight } from "../../test/test-model.js";
import { attribute } from "../model/attributes.js";
import type { OnnxModel } from "../model/onnx-model.js";
import type { NamedTensor } from "../model/tensor-data.js";

describe("older opsets by their own rules", () => {
  const old = (opset: number): Partial<OnnxModel> => ({ opsets: { "": opset } });
  const grid = tensor([1, 2, 3, 4, 5, 6, 7, 8], { shape: [1, 2, 4] });
  const inputs = [floats("x", [1, 2, 4])];

  it("Softmax before 13 takes all axes from its own on as one", async () => {
    const nodes = [node("Softmax", "x -> y")];
    const before = await run({ nodes, inputs }, grid, old(11));
    expect(before.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    const since = await run({ nodes, inputs }, grid, old(13));
    expect(since.reduce((sum, value) => sum + value, 0)).toBeCloseTo(2, 5);
  });

  it("axes, shapes, pads and starts as attributes", async () => {
    const list = (...values: number[]) => attribute.ints(values);
    const squeezed = [node("Squeeze", "x -> y", { axes: list(0) })];
    expect(await run({ nodes: squeezed, inputs }, grid, old(9))).toHaveLength(8);
    const reshaped = [node("Reshape", "x -> y", { shape: list(4, 0, -1) })];
    expect(await run({ nodes: reshaped, inputs }, grid, old(1))).toHaveLength(8);
    const padded = [node("Pad", "x -> y", { pads: list(0, 0, 1, 0, 0, 0), value: attribute.float(9) })];
    expect(await run({ nodes: padded, inputs }, grid, old(9))).toEqual([9, 1, 2, 3, 4, 9, 5, 6, 7, 8]);
    const sliced = [node("Slice", "x -> y", { starts: list(1), ends: list(3), axes: list(2) })];
    expect(await run({ nodes: sliced, inputs }, grid, old(9))).toEqual([2, 3, 6, 7]);
    const clipped = [node("Clip", "x -> y", { min: attribute.float(3), max: attribute.float(6) })];
    expect(await run({ nodes: clipped, inputs }, grid, old(6))).toEqual([3, 3, 3, 4, 5, 6, 6, 6]);
    const summed = [node("ReduceSum", "x -> y", { axes: list(1), keepdims: attribute.int(0) })];
    expect(await run({ nodes: summed, inputs }, grid, old(11))).toEqual([6, 8, 10, 12]);
    const top = [node("TopK", "x -> y i", { k: attribute.int(1) })];
    expect(await run({ nodes: top, inputs }, grid, old(1))).toEqual([4, 8]);
  });

  it("broadcasting along a named axis, and Upsample", async () => {
    const added = [node("Add", "x w -> y", { broadcast: attribute.int(1), axis: attribute.int(1) })];
    const initializers = [weight("w", [2], [10, 20])];
    expect(await run({ nodes: added, initializers, inputs }, grid, old(6))).toEqual([
      11, 12, 13, 14, 25, 26, 27, 28,
    ]);
    const upsampled = [node("Upsample", "x -> y", { scales: { type: "floats", value: [1, 1, 2] } })];
    expect(await run({ nodes: upsampled, inputs }, grid, old(7))).toEqual([
      1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8,
    ]);
  });
});

describe("operators that the recorded cases leave out", () => {
  const values = [-0.9, -0.5, 0, 0.3, 0.99];
  const inputs = [floats("x", [5])];
  const input = tensor(values);

  it.each([
    ["Atan", Math.atan],
    ["Asin", Math.asin],
    ["Acos", Math.acos],
    ["Tan", Math.tan],
    ["Sinh", Math.sinh],
    ["Cosh", Math.cosh],
    ["Asinh", Math.asinh],
    ["Atanh", Math.atanh],
    ["Round", (value: number) => Math.round(value)],
  ] as const)("%s", async (opType, fn) => {
    const got = await run({ nodes: [node(opType, "x -> y")], inputs }, input);
    got.forEach((value, i) => expect(value).toBeCloseTo(fn(Math.fround(values[i]!)), 5));
  });

  it("atan and acosh far out, and at the ends", async () => {
    const far = tensor([1e30, -3, 0.7, Infinity, 2.5]);
    const atan = await run({ nodes: [node("Atan", "x -> y")], inputs }, far);
    atan.forEach((value, i) => expect(value).toBeCloseTo(Math.atan([1e30, -3, 0.7, Infinity, 2.5][i]!), 6));
    const acosh = await run({ nodes: [node("Acosh", "x -> y")], inputs }, tensor([1, 1.001, 2, 10, 100]));
    acosh.forEach((value, i) =>
      expect(value).toBeCloseTo(Math.acosh([1, Math.fround(1.001), 2, 10, 100][i]!), 5),
    );
    const ends = await run({ nodes: [node("Asin", "x -> y")], inputs }, tensor([1, -1, 0, 0.5, -0.5]));
    expect(ends[0]).toBeCloseTo(Math.PI / 2, 6);
    expect(ends[1]).toBeCloseTo(-Math.PI / 2, 6);
  });

  it("MaxUnpool undoes MaxPool, and grows to a given shape", async () => {
    const image = tensor([5, 6, 7, 8], { shape: [1, 1, 2, 2] });
    const indices: NamedTensor = {
      name: "i",
      dtype: "int64",
      shape: [1, 1, 2, 2],
      data: BigInt64Array.of(5n, 7n, 13n, 15n),
    };
    const attributes = { kernel_shape: attribute.ints([2, 2]), strides: attribute.ints([2, 2]) };
    const got = await run(
      {
        nodes: [node("MaxUnpool", "x i s -> y", attributes)],
        inputs: [floats("x", [1, 1, 2, 2])],
        initializers: [indices, ints("s", [1, 1, 5, 5])],
      },
      image,
    );
    expect(got).toEqual([0, 0, 0, 0, 0, 0, 5, 0, 6, 0, 0, 0, 0, 0, 0, 0, 7, 0, 8, 0, 0, 0, 0, 0, 0]);
  });

  it("CumProd, Celu, Shrink, ReverseSequence, Compress, MeanVarianceNormalization", async () => {
    const one = tensor([1, 2, 3, 4, 5]);
    const axis = ints("axis", [0]);
    expect(await run({ nodes: [node("CumProd", "x axis -> y")], inputs, initializers: [axis] }, one)).toEqual(
      [1, 2, 6, 24, 120],
    );
    const shrink = { lambd: attribute.float(2.5), bias: attribute.float(1) };
    expect(await run({ nodes: [node("Shrink", "x -> y", shrink)], inputs }, one)).toEqual([0, 0, 2, 3, 4]);
    const lengths = ints("l", [2]);
    const reversed = { time_axis: attribute.int(0), batch_axis: attribute.int(1) };
    expect(
      await run(
        {
          nodes: [node("ReverseSequence", "x l -> y", reversed)],
          inputs: [floats("x", [3, 1])],
          initializers: [lengths],
        },
        tensor([[1], [2], [3]]),
      ),
    ).toEqual([2, 1, 3]);
    const flags: NamedTensor = { name: "f", dtype: "bool", shape: [3], data: Uint8Array.of(0, 1, 1) };
    expect(await run({ nodes: [node("Compress", "x f -> y")], inputs, initializers: [flags] }, one)).toEqual([
      2, 3,
    ]);
    const normal = await run(
      { nodes: [node("MeanVarianceNormalization", "x -> y", { axes: attribute.ints([0]) })], inputs },
      one,
    );
    expect(normal.map((value) => value.toFixed(3))).toEqual(["-1.414", "-0.707", "0.000", "0.707", "1.414"]);
  });

  it("Einsum with an ellipsis, a diagonal and three operands", async () => {
    const a = tensor([1, 2, 3, 4], { shape: [2, 2] });
    const square = [floats("x", [2, 2])];
    const sum = (equation: string, io = "x -> y") => [
      node("Einsum", io, { equation: attribute.string(equation) }),
    ];
    expect(await run({ nodes: sum("ii->i"), inputs: square }, a)).toEqual([1, 4]);
    expect(await run({ nodes: sum("...j->...j"), inputs: square }, a)).toEqual([1, 2, 3, 4]);
    expect(await run({ nodes: sum("ij,jk,kl->il", "x x x -> y"), inputs: square }, a)).toEqual([
      37, 54, 81, 118,
    ]);
    expect(await run({ nodes: sum("ij,ij", "x x -> y"), inputs: square }, a)).toEqual([30]);
  });
});
