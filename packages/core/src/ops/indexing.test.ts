import { describe, expect, it } from "vitest";
import { checkGradients } from "../../test/finite-differences.js";
import { seededTensor } from "../../test/seeded-numbers.js";
import type { DType } from "../dtype.js";
import { tensor, zeros } from "./creation.js";
import { gather, oneHot, scatterAdd, scatterAlongAxis, takeAlongAxis } from "./indexing.js";

const index = (data: number | number[] | number[][], dtype: "int32" | "int64" = "int32") =>
  tensor(data, { dtype });
const rows = tensor([
  [1, 2],
  [3, 4],
  [5, 6],
]);

describe("gather", () => {
  it("looks up slices along an axis, negative indices from the end", async () => {
    expect(await rows.gather(index([2, 0, -1])).array()).toEqual([
      [5, 6],
      [1, 2],
      [5, 6],
    ]);
    expect(await rows.gather(index([[1], [0]], "int64"), 1).array()).toEqual([
      [[2], [1]],
      [[4], [3]],
      [[6], [5]],
    ]);
    expect(await rows.gather(index(1)).array()).toEqual([3, 4]);
    expect(await rows.gather(index([])).data()).toEqual(new Float32Array(0));
    expect(gather(zeros([3, 0]), index([1])).shape).toEqual([1, 0]);
  });

  it("names an index that is out of range", async () => {
    await expect(rows.gather(index([0, 3])).data()).rejects.toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: gather: index 3 (element 1 of the indices) is out of range for axis 0 of [3, 2].
        Indices run from 0 to 2, or from -3 to -1 counted from the end.]
    `);
    await expect(rows.gather(index([-3]), 1).data()).rejects.toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: gather: index -3 (element 0 of the indices) is out of range for axis 1 of [3, 2].
        Indices run from 0 to 1, or from -2 to -1 counted from the end.]
    `);
    expect(() => rows.gather(tensor([0]) as never)).toThrowErrorMatchingInlineSnapshot(`
      [DTypeError: gather: got indices of type float32, but indices are int32 or int64.
        Cast them with .cast("int32").]
    `);
  });
});

describe("scatterAdd", () => {
  it("adds slices, repeated places included", async () => {
    const updates = tensor([
      [10, 20],
      [30, 40],
      [50, 60],
    ]);
    expect(await scatterAdd(rows, index([0, 0, -1]), { updates, axis: 0 }).array()).toEqual([
      [41, 62],
      [3, 4],
      [55, 66],
    ]);
    expect(await rows.data()).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
  });

  it("refuses updates of another shape", () => {
    const updates = zeros([2, 3]);
    expect(() => scatterAdd(rows, index([0, 1]), { updates, axis: 0 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: scatterAdd: the updates have shape [2, 3], the indices ask for [2, 2].
        Give updates of shape [2, 2], for instance by broadcastTo.]
    `);
  });
});

describe("takeAlongAxis and scatterAlongAxis", () => {
  it("choose in each line", async () => {
    const at = index([
      [1, -1],
      [0, 0],
      [1, 0],
    ]);
    expect(await takeAlongAxis(rows, at, 1).array()).toEqual([
      [2, 2],
      [3, 3],
      [6, 5],
    ]);
    expect(await scatterAlongAxis(rows, at, { updates: rows, axis: -1 }).array()).toEqual([
      [1, 5],
      [10, 4],
      [11, 11],
    ]);
  });

  it("take fewer lines than there are, and more along the axis", async () => {
    expect(
      await takeAlongAxis(
        rows,
        index([
          [2, 1],
          [0, 0],
          [1, 1],
          [2, 2],
        ]),
        0,
      ).array(),
    ).toEqual([
      [5, 4],
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    expect(await takeAlongAxis(rows, index([[1], [0]]), 1).array()).toEqual([[2], [3]]);
  });

  it("say what does not fit", async () => {
    expect(() => takeAlongAxis(rows, index([0]), 0)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: takeAlongAxis: the indices [1] do not fit [3, 2]: they have 1 axes and the tensor 2, they must have equally many.
        Use indices of shape [3, 2], with any size on axis 0, or gather for whole slices.]
    `);
    expect(() => takeAlongAxis(rows, index([[0, 0, 0]]), 0)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: takeAlongAxis: the indices [1, 3] do not fit [3, 2]: axis 1 has 3, at most 2 is allowed there; only axis 0 may be longer.
        Use indices of shape [3, 2], with any size on axis 0, or gather for whole slices.]
    `);
    await expect(takeAlongAxis(rows, index([[0, 7]]), 0).data()).rejects.toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: takeAlongAxis: index 7 (element 1 of the indices) is out of range for axis 0 of [3, 2].
        Indices run from 0 to 2, or from -3 to -1 counted from the end.]
    `);
  });
});

describe("indexing", () => {
  it.each<DType>(["float64", "int64", "int32", "uint32", "int8", "uint8"])(
    "moves and adds %s",
    async (dtype) => {
      const x = rows.cast(dtype);
      const taken = x.gather(index([1, 1]));
      const sum = scatterAdd(x, index([1, 1]), { updates: taken, axis: 0 });
      expect(sum.dtype).toBe(dtype);
      expect([...(await sum.data())].map(Number)).toEqual([1, 2, 9, 12, 5, 6]);
    },
  );

  const x = seededTensor([3, 4], 2);
  it("has first and second derivatives", async () => {
    const at = index([
      [2, 0],
      [2, 1],
    ]);
    await checkGradients((y) => y.square().gather(at), [x]);
    await checkGradients((y) => y.square().gather(at, 1), [x]);
    const lines = index([
      [2, 0, 0, 1],
      [2, 1, 0, 1],
    ]);
    await checkGradients((y) => y.square().takeAlongAxis(lines, 0), [x]);
    const updates = seededTensor([2, 2, 4], 4);
    await checkGradients(
      (y, u) => scatterAdd(y.square(), at, { updates: u.square(), axis: 0 }),
      [x, updates],
    );
    const elements = seededTensor([2, 4], 5);
    await checkGradients(
      (y, u) => scatterAlongAxis(y.square(), lines, { updates: u.square(), axis: 0 }),
      [x, elements],
    );
  });
});

describe("oneHot", () => {
  it("marks the index, from the end where negative, and nothing out of range", async () => {
    expect(await oneHot(index([1, -1, 3]), 3).array()).toEqual([
      [0, 1, 0],
      [0, 0, 1],
      [0, 0, 0],
    ]);
    expect(oneHot(index([[1, 2]]), 4, "int64").dtype).toBe("int64");
    expect(oneHot(index([[1, 2]]), 4).shape).toEqual([1, 2, 4]);
    expect(await oneHot(index(1, "int64"), 2, "bool").array()).toEqual([false, true]);
  });
});
