import { describe, expect, it } from "vitest";
import { upsample } from "./index.js";
import { upsampleRows } from "./upsample.rows.js";

describe("upsample", () => {
  it.each(upsampleRows)("%j by %j gives %j", (s, scale, out) => {
    expect(upsample("upsample2d", s, scale)).toEqual(out);
  });

  it("is refused with a way out", () => {
    expect(() => upsample("upsample2d", [8, 10], 2)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: upsample2d: got [8, 10], it must be at least 3-D.
        Reshape it, for example to [1, 8, 10].]
    `);
    expect(() => upsample("upsample2d", [1, 1, 7, 7], 0.1)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: upsample2d: axis 2 scaled by 0.1 is 0, it must be a whole number of at least 1.
        Use 1 instead.]
    `);
    expect(() => upsample("upsample2d", [1, 1, 7, 7], NaN)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: upsample2d: axis 2 scaled by NaN is NaN, it must be a whole number of at least 1.
        Use 1 instead.]
    `);
    expect(() => upsample("upsample2d", [1, 1, 7, 7], [1, 2, 3])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: upsample2d: scale has 3 entries, it must be 2.
        Give it 2.]
    `);
  });
});
