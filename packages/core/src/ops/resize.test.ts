import { interpolate, tensor, upsample, type InterpolationMode } from "@convoke/core";
import { describe, expect, it } from "vitest";
import { checkGradients, difference } from "../../test/finite-differences.js";
import { seededTensor } from "../../test/seeded-numbers.js";

const modes: readonly InterpolationMode[] = ["nearest", "bilinear", "bicubic", "area"];

describe("interpolate", () => {
  it.each(modes)("%s has right first and second derivatives", async (mode) => {
    await checkGradients((x) => interpolate(x.mul(x), { size: [4, 3], mode }), [seededTensor([1, 2, 3, 5])]);
    await checkGradients((x) => interpolate(x.mul(x), { scale: 1.5, mode }), [seededTensor([1, 1, 4])]);
  });

  it.each(modes)("%s keeps the size it has already, and constants", async (mode) => {
    const x = seededTensor([1, 2, 3, 4]);
    expect(difference(await interpolate(x, { size: [3, 4], mode }).data(), await x.data())).toBeLessThan(
      1e-15,
    );
    const flat = await interpolate(x.mul(0).add(2.5), { size: [5, 7], mode }).data();
    expect(difference(flat, new Float64Array(70).fill(2.5))).toBeLessThan(1e-14);
  });

  it("puts the outermost elements upon each other when corners are aligned", async () => {
    const x = tensor([[[0, 3]]]);
    expect(await interpolate(x, { size: 4, mode: "bilinear", alignCorners: true }).array()).toEqual([
      [[0, 1, 2, 3]],
    ]);
    expect(await interpolate(x, { size: 4, mode: "bilinear" }).array()).toEqual([[[0, 0.75, 2.25, 3]]]);
  });

  it("repeats elements, of any type and along one to three axes", async () => {
    expect(await upsample(tensor([[[1, 2]]], { dtype: "int32" }), 2).array()).toEqual([[[1, 1, 2, 2]]]);
    expect(await upsample(tensor([[[[1], [2]]]]), [1, 3]).array()).toEqual([
      [
        [
          [1, 1, 1],
          [2, 2, 2],
        ],
      ],
    ]);
    expect(upsample(seededTensor([1, 2, 2, 3, 4]), 2).shape).toEqual([1, 2, 4, 6, 8]);
  });

  it("refuses sizes that do not fit", () => {
    const x = seededTensor([1, 1, 2, 2]);
    expect(() => interpolate(x, {})).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: interpolate: input [1, 1, 2, 2] with no size, it takes either a scale or a size: a positive whole number for each spatial axis.
        Give for example { size: [32, 32] } or { scale: 2 }.]
    `);
    expect(() => interpolate(x, { size: [3] })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: interpolate: input [1, 1, 2, 2] with size [3], it takes either a scale or a size: a positive whole number for each spatial axis.
        Give for example { size: [32, 32] } or { scale: 2 }.]
    `);
    expect(() => interpolate(x, { scale: 0.1 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: interpolate: axis 2 scaled by 0.1 is 0, it must be a whole number of at least 1.
        Use 1 instead.]
    `);
    expect(() => interpolate(tensor([[[1]]], { dtype: "int8" }), { size: 2, mode: "area" }))
      .toThrowErrorMatchingInlineSnapshot(`
      [DTypeError: interpolate: got int8, but it takes a floating-point type.
        Cast it with .cast("float32").]
    `);
  });
});
