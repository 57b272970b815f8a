import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { broadcastRows, broadcastToRows } from "./broadcast.rows.js";
import { broadcast, broadcastAll, broadcastTo, type Shape, ShapeError } from "./index.js";

/** NumPy's rule in its own words: pad with ones on the left, then compare place by place. */
function naive(a: Shape, b: Shape): Shape | undefined {
  const [left, right] = [[...a], [...b]];
  while (left.length < right.length) left.unshift(1);
  while (right.length < left.length) right.unshift(1);
  const out: number[] = [];
  for (let i = 0; i < left.length; i++) {
    const dims = [...new Set([left[i] ?? 1, right[i] ?? 1])].filter((d) => d !== 1);
    if (dims.length > 1) return undefined;
    out.push(dims[0] ?? 1);
  }
  return out;
}

function resultOf(rule: () => Shape): Shape | undefined {
  try {
    return rule();
  } catch (error) {
    if (error instanceof ShapeError) return undefined;
    throw error;
  }
}

const shapes = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 4 });

describe("broadcast", () => {
  it.each(broadcastRows)("%j and %j give %j", (a, b, out) => {
    expect(broadcast("add", a, b)).toEqual(out);
    expect(broadcast("add", b, a)).toEqual(out);
  });

  it("agrees with the naive rule", () => {
    fc.assert(
      fc.property(shapes, shapes, (a, b) => {
        expect(resultOf(() => broadcast("add", a, b))).toEqual(naive(a, b));
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  it("is refused with a way out", () => {
    expect(() => broadcast("add", [2, 3], [4, 3])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: add: [2, 3] and [4, 3] do not broadcast: axis -2 is 2 and 4, it must be equal or one of them 1.
        Make both 2 or 4, or one of them 1.]
    `);
    expect(() => broadcast("add", [8, 6, 5, 5], [6])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: add: [8, 6, 5, 5] and [6] do not broadcast: axis -1 is 5 and 6, it must be equal or one of them 1.
        Reshape [6] to [6, 1, 1].]
    `);
    expect(() => broadcast("add", [3], [2, 2])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: add: [3] and [2, 2] do not broadcast: axis -1 is 3 and 2, it must be equal or one of them 1.
        Make both 3 or 2, or one of them 1.]
    `);
  });
});

describe("broadcastAll", () => {
  it("broadcasts any number of shapes", () => {
    expect(broadcastAll("where", [])).toEqual([]);
    expect(broadcastAll("where", [[4, 1], [3], []])).toEqual([4, 3]);
    expect(() => broadcastAll("where", [[4, 1], [3], [2]])).toThrow(ShapeError);
  });
});

describe("broadcastTo", () => {
  it.each(broadcastToRows)("%j to %j", (from, to) => {
    expect(broadcastTo("broadcastTo", from, to)).toEqual(to);
  });

  it("succeeds just where the broadcast of both is the target", () => {
    fc.assert(
      fc.property(shapes, shapes, (from, to) => {
        const fits = JSON.stringify(naive(from, to)) === JSON.stringify(to);
        expect(resultOf(() => broadcastTo("broadcastTo", from, to))).toEqual(fits ? to : undefined);
      }),
      { seed: 2, numRuns: 1000 },
    );
  });

  it("is refused with a way out", () => {
    expect(() => broadcastTo("broadcastTo", [2, 3], [4, 3])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: broadcastTo: [2, 3] does not broadcast to [4, 3]: axis -2 is 2 and 4, it must be equal or one of them 1.
        Make both 2 or 4, or one of them 1.]
    `);
    expect(() => broadcastTo("broadcastTo", [2, 3], [2, 1])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: broadcastTo: [2, 3] does not broadcast to [2, 1], it must be equal or 1 on each axis.
        Use [2, 3].]
    `);
    expect(() => broadcastTo("broadcastTo", [1, 3], [3])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: broadcastTo: [1, 3] does not broadcast to [3], it must be equal or 1 on each axis.
        Use [1, 3].]
    `);
    expect(() => broadcastTo("broadcastTo", [6], [8, 6, 5, 5])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: broadcastTo: [6] does not broadcast to [8, 6, 5, 5]: axis -1 is 6 and 5, it must be equal or one of them 1.
        Reshape [6] to [6, 1, 1].]
    `);
    expect(() => broadcastTo("broadcastTo", [1], [-1])).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: broadcastTo: axis 0 of [-1] is -1, it must be a whole number of at least 0.
        Use 0 instead.]
    `);
  });
});
