import { describe, expect, it } from "vitest";
import { matmul } from "./index.js";
import { matmulRows } from "./matmul.rows.js";

describe("matmul", () => {
  it.each(matmulRows)("%j × %j gives %j", (a, b, out) => {
    expect(matmul("matmul", a, b)).toEqual(out);
  });

  it("is refused with a way out", () => {
    expect(() => matmul("matmul", [2, 3], [5, 4])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: matmul: inner dimensions differ: [2, 3] × [5, 4] needs 3 = 5.
        Make both 3 or 5.]
    `);
    expect(() => matmul("matmul", [2, 3], [4, 3])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: matmul: inner dimensions differ: [2, 3] × [4, 3] needs 3 = 4.
        Transpose [4, 3] to [3, 4].]
    `);
    expect(() => matmul("matmul", [3, 2], [3, 4])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: matmul: inner dimensions differ: [3, 2] × [3, 4] needs 2 = 3.
        Transpose [3, 2] to [2, 3].]
    `);
    expect(() => matmul("matmul", [3], [2])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: matmul: inner dimensions differ: [3] × [2] needs 3 = 2.
        Make both 3 or 2.]
    `);
    expect(() => matmul("matmul", [], [2])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: matmul: got [], it must be at least 1-D.
        Reshape it, for example to [1].]
    `);
    expect(() => matmul("matmul", [2, 3, 4], [5, 4, 6])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: matmul: the batches of [2, 3, 4] × [5, 4, 6] do not broadcast: axis -1 is 2 and 5, it must be equal or one of them 1.
        Make both 2 or 5, or one of them 1.]
    `);
  });
});
