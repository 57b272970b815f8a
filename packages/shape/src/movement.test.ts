import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flatten, permute, reshape, squeeze, transpose, unsqueeze } from "./index.js";
import * as rows from "./movement.rows.js";

describe("rows", () => {
  it.each(rows.reshapeRows)("reshape %j to %j gives %j", (from, to, out) => {
    expect(reshape("reshape", from, to)).toEqual(out);
  });
  it.each(rows.permuteRows)("permute %j by %j gives %j", (s, axes, out) => {
    expect(permute("permute", s, axes)).toEqual(out);
  });
  it.each(rows.transposeRows)("transpose %j gives %j", (s, out) => {
    expect(transpose("transpose", s)).toEqual(out);
  });
  it.each(rows.squeezeRows)("squeeze %j at %j gives %j", (s, axes, out) => {
    expect(squeeze("squeeze", s, axes)).toEqual(out);
  });
  it.each(rows.unsqueezeRows)("unsqueeze %j at %j gives %j", (s, axes, out) => {
    expect(unsqueeze("unsqueeze", s, axes)).toEqual(out);
  });
  it.each(rows.flattenRows)("flatten %j from %j gives %j", (s, start, out) => {
    expect(flatten("flatten", s, start)).toEqual(out);
  });
});

describe("reshape", () => {
  it("infers what is left out", () => {
    const shapes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(shapes, fc.nat(), (s, i) => {
        expect(reshape("reshape", [...s].reverse(), s.with(i % s.length, -1))).toEqual(s);
      }),
      { seed: 8, numRuns: 500 },
    );
  });

  it("is refused with a way out", () => {
    expect(() => reshape("reshape", [2, 3], [4, 2])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: reshape: [2, 3] has 6 elements but [4, 2] has 8.
        Use [3, 2].]
    `);
    expect(() => reshape("reshape", [8, 3, 32, 32], [8, 1024])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: reshape: [8, 3, 32, 32] has 24576 elements but [8, 1024] has 8192.
        Use [24, 1024].]
    `);
    expect(() => reshape("reshape", [2, 3], [-1, -1])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: reshape: [-1, -1] has more than one -1, only one axis can be inferred.
        Write out the others.]
    `);
    expect(() => reshape("reshape", [2, 3], [4, -1])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: reshape: [2, 3] has 6 elements but [4, -1] has a multiple of 4.
        Use [6, -1].]
    `);
    expect(() => reshape("reshape", [2, 3], [-2, 3])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: reshape: axis 0 of [-2, 3] is -2, it must be a whole number of at least 0.
        Use 0 instead.]
    `);
    expect(() => reshape("reshape", [0, 3], [0, -1])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: reshape: [0, 3] has 0 elements but [0, -1] has a multiple of 0.
        Use numbers whose product is 0.]
    `);
    expect(() => reshape("reshape", [7], [])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: reshape: [7] has 7 elements but [] has 1.
        Use numbers whose product is 7.]
    `);
  });
});

describe("the others", () => {
  it("are refused with a way out", () => {
    expect(() => permute("permute", [2, 3, 4], [0, 1])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: permute: axis list has 2 entries, it must be 3.
        Give it 3.]
    `);
    expect(() => permute("permute", [2, 3, 4], [0, 1, 1])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: permute: axes [0, 1, 1] name an axis twice, it must be once.
        Use [0, 1].]
    `);
    expect(() => permute("permute", [2, 3, 4], [0, 1, 3])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: permute: axis is 3, it must be a whole number from -3 to 2 for 3-D.
        Use 2 instead.]
    `);
    expect(() => transpose("transpose", [3])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: transpose: got [3], it must be at least 2-D.
        Reshape it, for example to [1, 3].]
    `);
    expect(() => squeeze("squeeze", [2, 3], 1)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: squeeze: axis 1 of [2, 3] is 3, it must be 1.
        Leave it out.]
    `);
    expect(() => unsqueeze("unsqueeze", [2, 3], [1, 1])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: unsqueeze: axes [1, 1] name an axis twice, it must be once.
        Use [1].]
    `);
    expect(() => flatten("flatten", [2, 3], 3)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: flatten: axis is 3, it must be a whole number from -2 to 1 for 2-D.
        Use 1 instead.]
    `);
  });
});
