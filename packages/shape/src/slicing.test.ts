import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pad, slice } from "./index.js";
import * as rows from "./slicing.rows.js";

describe("rows", () => {
  it.each(rows.sliceRows)("slice %j by %j gives %j", (s, ranges, out) => {
    expect(slice("slice", s, ranges)).toEqual(out);
  });
  it.each(rows.padRows)("pad %j by %j gives %j", (s, pads, out) => {
    expect(pad("pad", s, pads)).toEqual(out);
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

describe("the others", () => {
  it("are refused with a way out", () => {
    expect(() => pad("pad", [2, 3], [[1, 1]])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: pad: padding list has 1 entries, it must be 2.
        Give it 2.]
    `);
    expect(() => pad("pad", [2], [[-1, 0]])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: pad: padding is -1, it must be a whole number of at least 0.
        Use 0 instead.]
    `);
  });
});
