import { describe, expect, it } from "vitest";
import { concat, repeat, stack, tile } from "./index.js";
import * as rows from "./joining.rows.js";

describe("rows", () => {
  it.each(rows.concatRows)("concat %j along %j gives %j", (shapes, axis, out) => {
    expect(concat("concat", shapes, axis)).toEqual(out);
  });
  it.each(rows.stackRows)("stack %j along %j gives %j", (shapes, axis, out) => {
    expect(stack("stack", shapes, axis)).toEqual(out);
  });
  it.each(rows.tileRows)("tile %j by %j gives %j", (s, counts, out) => {
    expect(tile("tile", s, counts)).toEqual(out);
  });
  it.each(rows.repeatRows)("repeat %j %j times along %j gives %j", (s, count, axis, out) => {
    expect(repeat("repeat", s, count, axis)).toEqual(out);
  });
});

describe("wrong use", () => {
  it("is refused with a way out", () => {
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
