import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  concat,
  flatten,
  gather,
  pad,
  permute,
  repeat,
  reshape,
  slice,
  squeeze,
  stack,
  tile,
  transpose,
  unsqueeze,
} from "./index.js";
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
  it.each(rows.concatRows)("concat %j along %j gives %j", (shapes, axis, out) => {
    expect(concat("concat", shapes, axis)).toEqual(out);
  });
  it.each(rows.stackRows)("stack %j along %j gives %j", (shapes, axis, out) => {
    expect(stack("stack", shapes, axis)).toEqual(out);
  });
  it.each(rows.sliceRows)("slice %j by %j gives %j", (s, ranges, out) => {
    expect(slice("slice", s, ranges)).toEqual(out);
  });
  it.each(rows.padRows)("pad %j by %j gives %j", (s, pads, out) => {
    expect(pad("pad", s, pads)).toEqual(out);
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
  it.each(rows.gatherRows)("gather %j by %j along %j gives %j", (s, indices, axis, out) => {
    expect(gather("gather", s, indices, axis)).toEqual(out);
  });
  it.each(rows.tileRows)("tile %j by %j gives %j", (s, counts, out) => {
    expect(tile("tile", s, counts)).toEqual(out);
  });
  it.each(rows.repeatRows)("repeat %j %j times along %j gives %j", (s, count, axis, out) => {
    expect(repeat("repeat", s, count, axis)).toEqual(out);
  });
});

describe("slice", () => {
  /** Python's rule, walked: from the clipped start, step by step, until the clipped end is reached. */
  function walk(n: number, { start, end, step }: { start?: number; end?: number; step: number }): number[] {
    const seen: number[] = [];
    const fromFront = (p: number): number => (p < 0 ? p + n : p);
    const first = start === undefined ? (step > 0 ? 0 : n - 1) : fromFront(start);
    const stop = end === undefined ? (step > 0 ? n : -1) : fromFront(end);
    const clipped = step > 0 ? Math.max(first, 0) : Math.min(first, n - 1);
    for (let i = clipped; step > 0 ? i < stop && i < n : i > stop && i >= 0; i += step) seen.push(i);
    return seen;
  }

  it("takes the elements that Python takes", () => {
    const place = fc.option(fc.integer({ min: -9, max: 9 }), { nil: undefined });
    const step = fc.integer({ min: -4, max: 4 }).filter((s) => s !== 0);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6 }), place, place, step, (n, start, end, by) => {
        const { shape, start: from, step: steps } = slice("slice", [n], [{ start, end, step: by }]);
        const taken = Array.from(
          { length: shape[0] ?? NaN },
          (_, i) => (from[0] ?? NaN) + i * (steps[0] ?? NaN),
        );
        expect(taken).toEqual(walk(n, { start, end, step: by }));
      }),
      { seed: 7, numRuns: 3000 },
    );
  });

  it("is refused with a way out", () => {
    expect(() => slice("slice", [4], [{ step: 0 }])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: slice: range 0:4:0 of axis 0, it must be whole numbers, the step not 0.
        Use whole numbers, and step 1.]
    `);
    expect(() => slice("slice", [4], [{ start: 0.5 }])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: slice: range 0.5:4:1 of axis 0, it must be whole numbers, the step not 0.
        Use whole numbers, and step 1.]
    `);
    expect(() => slice("slice", [4], [{}, {}])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: slice: range list has 2 entries, it must be 1.
        Give it 1.]
    `);
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
    expect(() => concat("concat", [], 0)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: concat: number of tensors is 0, it must be a whole number of at least 1.
        Use 1 instead.]
    `);
    expect(() =>
      concat(
        "concat",
        [
          [2, 3],
          [4, 5],
        ],
        0,
      ),
    ).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: concat: [2, 3] and [4, 5] differ, only axis 0 may differ.
        Make the second [4, 3].]
    `);
    expect(() => concat("concat", [[2, 3], [2]], 1)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: concat: [2, 3] and [2] differ, only axis 1 may differ.
        Make the second [2, 1].]
    `);
    expect(() => concat("concat", [[2, 3]], 2)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: concat: axis is 2, it must be a whole number from -2 to 1 for 2-D.
        Use 1 instead.]
    `);
    expect(() =>
      stack("stack", [
        [2, 3],
        [2, 4],
      ]),
    ).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: stack: [2, 3] and [2, 4] differ, it must be one shape.
        Make the second [2, 3].]
    `);
    expect(() => stack("stack", [])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: stack: number of tensors is 0, it must be a whole number of at least 1.
        Use 1 instead.]
    `);
    expect(() => pad("pad", [2, 3], [[1, 1]])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: pad: padding list has 1 entries, it must be 2.
        Give it 2.]
    `);
    expect(() => pad("pad", [2], [[-1, 0]])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: pad: padding is -1, it must be a whole number of at least 0.
        Use 0 instead.]
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
    expect(() => gather("gather", [], [2], 0)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: gather: got [], it must be at least 1-D.
        Reshape it, for example to [1].]
    `);
    expect(() => tile("tile", [2, 3], [2])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: tile: count list has 1 entries, it must be 2.
        Give it 2.]
    `);
    expect(() => tile("tile", [2], [1.5])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: tile: count is 1.5, it must be a whole number of at least 0.
        Use 2 instead.]
    `);
    expect(() => repeat("repeat", [2], -1, 0)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: repeat: count is -1, it must be a whole number of at least 0.
        Use 0 instead.]
    `);
  });
});
