import { describe, expect, it } from "vitest";
import { globalPool, pool, poolWindows } from "./index.js";
import { poolRows } from "./pooling.rows.js";

describe("pool", () => {
  it.each(poolRows)("%j under %j gives %j", (x, options, out) => {
    expect(pool("maxPool", x, options)).toEqual(out);
  });

  it("lays windows side by side where no stride is given", () => {
    expect(poolWindows("maxPool2d", [1, 1, 6, 6], { size: [2, 3], stride: undefined }).stride).toEqual([
      2, 3,
    ]);
  });

  it("is refused with a way out", () => {
    expect(() => pool("maxPool2d", [8, 400], { size: 2 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: maxPool2d: got [8, 400], it must be at least 3-D.
        Reshape it, for example to [1, 8, 400].]
    `);
    expect(() => pool("maxPool2d", [8, 16, 1, 1], { size: 2 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: maxPool2d: kernel 2×2 does not fit the 1×1 input with padding 0; the input is [8, 16, 1, 1], a window must lie inside the padded input.
        Use a kernel of at most 1×1, or padding of at least 1.]
    `);
    expect(() => pool("maxPool2d", [8, 16, 8, 8], { size: 2, padding: 2 }))
      .toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: maxPool2d: padding is 2, it must be a whole number from 0 to 1 with a kernel that spans 2.
        Use 1 instead.]
    `);
    expect(() => pool("maxPool2d", [8, 16, 8, 8], { size: 0 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: maxPool2d: kernel size is 0, it must be a whole number of at least 1.
        Use 1 instead.]
    `);
  });
});

describe("globalPool", () => {
  it("leaves batch and channels", () => {
    expect(globalPool("globalAvgPool2d", [8, 512, 7, 7])).toEqual([8, 512]);
    expect(globalPool("globalMaxPool1d", [8, 100, 18])).toEqual([8, 100]);
  });

  it("is refused with a way out", () => {
    expect(() => globalPool("globalAvgPool2d", [8, 512])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: globalAvgPool2d: got [8, 512], it must be at least 3-D.
        Reshape it, for example to [1, 8, 512].]
    `);
    expect(() => globalPool("globalAvgPool2d", [8, 512, 0, 7])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: globalAvgPool2d: an axis of [8, 512, 0, 7] is 0, it must be a whole number of at least 1.
        Use 1 instead.]
    `);
  });
});
