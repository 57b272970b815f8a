import { ShapeError } from "@convoke/shape";
import { describe, expect, it } from "vitest";
import { checkGradients } from "../../test/finite-differences.js";
import { seededTensor } from "../../test/seeded-numbers.js";
import { tensor, zeros } from "./creation.js";
import { cumsum } from "./scan.js";

describe("cumsum", () => {
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);

  it.each([
    { exclusive: false, reverse: false, expected: [1, 3, 6, 4, 9, 15] },
    { exclusive: true, reverse: false, expected: [0, 1, 3, 0, 4, 9] },
    { exclusive: false, reverse: true, expected: [6, 5, 3, 15, 11, 6] },
    { exclusive: true, reverse: true, expected: [5, 3, 0, 11, 6, 0] },
  ])("runs along an axis, exclusive $exclusive, reverse $reverse", async ({ expected, ...options }) => {
    expect([...(await cumsum(x, -1, options).data())]).toEqual(expected);
    const columns = await cumsum(x.transpose(), 0, options).transpose().data();
    expect([...columns]).toEqual(expected);
  });

  it("takes integers, NaN and empty tensors", async () => {
    expect(await cumsum(tensor([2n ** 62n, 2n ** 62n]), 0).data()).toEqual(
      BigInt64Array.of(2n ** 62n, -(2n ** 63n)),
    );
    expect(await cumsum(tensor([200, 100], { dtype: "uint8" }), 0).data()).toEqual(Uint8Array.of(200, 44));
    expect(await cumsum(tensor([1, NaN, 1]), 0).data()).toEqual(Float32Array.of(1, NaN, NaN));
    expect(await cumsum(zeros([2, 0]), 1).data()).toEqual(new Float32Array(0));
    expect(() => cumsum(tensor(1), 0)).toThrow(ShapeError);
  });

  it("has first and second derivatives", async () => {
    for (const exclusive of [false, true]) {
      for (const reverse of [false, true]) {
        await checkGradients((y) => cumsum(y.square(), 1, { exclusive, reverse }), [seededTensor([2, 3, 2])]);
      }
    }
  });
});
