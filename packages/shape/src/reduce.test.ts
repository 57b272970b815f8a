import { describe, expect, it } from "vitest";
import { reduce } from "./index.js";
import { reduceRows } from "./reduce.rows.js";

describe("reduce", () => {
  it.each(reduceRows)("%j over %j, keeping dims %j, gives %j", (s, axes, keepDims, out) => {
    expect(reduce("sum", s, axes, keepDims)).toEqual(out);
  });

  it("is refused with a way out", () => {
    expect(() => reduce("sum", [8, 10], 2)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: sum: axis is 2, it must be a whole number from -2 to 1 for 2-D.
        Use 1 instead.]
    `);
    expect(() => reduce("sum", [8, 10], [0, -2])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: sum: axes [0, -2] name an axis twice, it must be once.
        Use [0].]
    `);
  });
});
