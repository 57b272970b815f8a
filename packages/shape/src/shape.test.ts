import { describe, expect, it } from "vitest";
import { assertShape, formatShape, normaliseAxes, normaliseAxis, ShapeError, shapeSize } from "./index.js";

describe("a shape", () => {
  it("prints names and -1 as given", () => {
    expect(formatShape([])).toBe("[]");
    expect(formatShape(["N", -1, 28])).toBe("[N, -1, 28]");
  });

  it("counts its elements", () => {
    expect(shapeSize([])).toBe(1);
    expect(shapeSize([2, 3])).toBe(6);
    expect(shapeSize([2, 0])).toBe(0);
  });

  it("is accepted up to 2^53 elements", () => {
    expect(() => assertShape("zeros", [])).not.toThrow();
    expect(() => assertShape("zeros", [0, 5])).not.toThrow();
    expect(() => assertShape("zeros", [2 ** 26, 2 ** 27])).not.toThrow();
  });

  it("is refused with a way out", () => {
    expect(() => assertShape("zeros", [2, -3])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: zeros: axis 1 of [2, -3] is -3, it must be a whole number of at least 0.
        Use 0 instead.]
    `);
    expect(() => assertShape("zeros", [1.5])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: zeros: axis 0 of [1.5] is 1.5, it must be a whole number of at least 0.
        Use 2 instead.]
    `);
    expect(() => assertShape("zeros", [NaN])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: zeros: axis 0 of [NaN] is NaN, it must be a whole number of at least 0.
        Use 0 instead.]
    `);
    expect(() => assertShape("zeros", [2 ** 27, 2 ** 27])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: zeros: [134217728, 134217728] has 18014398509481984 elements, it must be at most 2^53.
        Make an axis smaller.]
    `);
    expect(() => assertShape("zeros", [...Array<number>(30).fill(2 ** 52), 0])).toThrow(ShapeError);
  });
});

describe("axes", () => {
  it("count from the end when negative", () => {
    expect(normaliseAxis("sum", -1, 4)).toBe(3);
    expect(normaliseAxis("sum", 0, 1)).toBe(0);
    expect(normaliseAxes("sum", [-1, 0], 3)).toEqual([2, 0]);
  });

  it("are refused outside the shape, or twice", () => {
    expect(() => normaliseAxis("sum", 3, 3)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: sum: axis is 3, it must be a whole number from -3 to 2 for 3-D.
        Use 2 instead.]
    `);
    expect(() => normaliseAxis("sum", -4, 3)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: sum: axis is -4, it must be a whole number from -3 to 2 for 3-D.
        Use -3 instead.]
    `);
    expect(() => normaliseAxis("sum", 0.5, 3)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: sum: axis is 0.5, it must be a whole number from -3 to 2 for 3-D.
        Use 1 instead.]
    `);
    expect(() => normaliseAxis("sum", 0, 0)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: sum: got [], it must be at least 1-D.
        Reshape it, for example to [1].]
    `);
    expect(() => normaliseAxes("sum", [1, -2], 3)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: sum: axes [1, -2] name an axis twice, it must be once.
        Use [1].]
    `);
  });
});

describe("ShapeError", () => {
  it("carries its parts, and its name in the stack", () => {
    const parts = {
      operation: "conv2d",
      got: "input is [1]",
      rule: ", it must be 4-D.",
      wayOut: "Reshape it.",
    };
    const error = new ShapeError(parts);
    expect(error).toMatchObject(parts);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe("ShapeError");
    expect(error.message).toBe("conv2d: input is [1], it must be 4-D.\n  Reshape it.");
    expect(error.stack).toMatch(/^ShapeError: conv2d: /);
  });
});
