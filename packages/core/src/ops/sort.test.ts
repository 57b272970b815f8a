import { describe, expect, it } from "vitest";
import { checkGradients } from "../../test/finite-differences.js";
import { distinctTensor, seededTensor } from "../../test/seeded-numbers.js";
import { tensor, zeros } from "./creation.js";
import { topK } from "./sort.js";

describe("topK", () => {
  it("gives the largest or smallest in order, the first of equals first", async () => {
    const { values, indices } = topK(tensor([3, 9, 4, 9]), 3);
    expect(await values.data()).toEqual(Float32Array.of(9, 9, 4));
    expect(await indices.data()).toEqual(Int32Array.of(1, 3, 2));
    const smallest = topK(tensor([3n, 1n, 2n]), 2, { largest: false });
    expect(await smallest.values.data()).toEqual(BigInt64Array.of(1n, 2n));
    expect(await smallest.indices.data()).toEqual(Int32Array.of(1, 2));
  });

  it("counts NaN as the largest", async () => {
    expect(await topK(tensor([1, NaN, Infinity, -Infinity]), 4).values.data()).toEqual(
      Float32Array.of(NaN, Infinity, 1, -Infinity),
    );
  });

  it("works along any axis, on nothing and for nothing", async () => {
    const x = seededTensor([2, 4, 3], 3);
    const along = topK(x, 2, { axis: 1 });
    const moved = topK(x.permute([0, 2, 1]), 2);
    expect(await along.values.data()).toEqual(await moved.values.permute([0, 2, 1]).data());
    expect(await along.indices.data()).toEqual(await moved.indices.permute([0, 2, 1]).data());
    expect(topK(zeros([0, 3]), 2).values.shape).toEqual([0, 2]);
    expect(await topK(zeros([2, 3]), 0).indices.data()).toEqual(new Int32Array(0));
  });

  it("refuses more than there is", () => {
    expect(() => topK(zeros([2, 3]), 4)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: topK: k is 4, axis 1 of [2, 3] has 3 elements.
        Use a whole number from 0 to 3.]
    `);
  });

  it("has first and second derivatives", async () => {
    await checkGradients((y) => topK(y.square().mul(y), 2, { axis: 0 }).values, [distinctTensor([4, 3], 4)]);
  });
});
