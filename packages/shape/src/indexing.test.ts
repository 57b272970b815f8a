import { describe, expect, it } from "vitest";
import { gather } from "./index.js";
import * as rows from "./indexing.rows.js";

describe("rows", () => {
  it.each(rows.gatherRows)("gather %j by %j along %j gives %j", (s, indices, axis, out) => {
    expect(gather("gather", s, indices, axis)).toEqual(out);
  });
});

describe("wrong use", () => {
  it("is refused with a way out", () => {
    expect(() => gather("gather", [], [2], 0)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: gather: got [], it must be at least 1-D.
        Reshape it, for example to [1].]
    `);
  });
});
