import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  globalAvgPool,
  globalMaxPool,
  gradients,
  maxPool1d,
  maxPool2d,
  maxPool2dWithIndices,
  maxPool3d,
  tensor,
  type Tensor,
} from "@convoke/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkGradients } from "../../test/finite-differences.js";
import { distinctTensor, seededTensor } from "../../test/seeded-numbers.js";

function gradientOf(fn: (x: Tensor) => Tensor, x: Tensor): Promise<unknown> {
  return gradients(fn(x).sum(), [x])[0]!.array();
}

describe("maxPool", () => {
  it("records where each maximum lies, the first of equals", async () => {
    const x = tensor([
      [
        [
          [1, 7, 7],
          [7, 2, 3],
          [0, 4, 9],
        ],
      ],
    ]);
    const [values, indices] = maxPool2dWithIndices(x, { size: 2, stride: 1 });
    expect(await values.array()).toEqual([
      [
        [
          [7, 7],
          [7, 9],
        ],
      ],
    ]);
    expect(await indices.array()).toEqual([
      [
        [
          [1, 1],
          [3, 8],
        ],
      ],
    ]);
    expect(indices.dtype).toBe("int32");
    // Three windows share two maximisers: overlapping windows add.
    expect(await gradientOf((t) => maxPool2d(t, { size: 2, stride: 1 }), x)).toEqual([
      [
        [
          [0, 2, 0],
          [1, 0, 0],
          [0, 0, 1],
        ],
      ],
    ]);
  });

  it("never lets padding win, not over −∞ either", async () => {
    const x = tensor([[[-Infinity, -5]]]);
    const options = { size: 2, stride: 1, padding: 1 };
    expect(await maxPool1d(x, options).array()).toEqual([[[-Infinity, -5, -5]]]);
    expect(await gradientOf((t) => maxPool1d(t, options), x)).toEqual([[[1, 2]]]);
  });

  it("lets NaN win", async () => {
    expect(await maxPool1d(tensor([[[1, NaN, 3, 4]]]), { size: 2 }).array()).toEqual([[[NaN, 4]]]);
    expect(await maxPool1d(tensor([[[NaN, 1]]]), { size: 2 }).array()).toEqual([[[NaN]]]);
  });

  it("takes integers", async () => {
    const bytes = tensor(Uint8Array.of(1, 200, 3, 4), { shape: [1, 1, 4] });
    expect(await maxPool1d(bytes, { size: 2 }).array()).toEqual([[[200, 4]]]);
    const longs = tensor([[[-(2n ** 60n), -(2n ** 60n) - 1n]]]);
    expect(await maxPool1d(longs, { size: 2 }).array()).toEqual([[[-(2n ** 60n)]]]);
  });

  it("agrees with the definition for any window", async () => {
    const small = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
    await fc.assert(
      fc.asyncProperty(small(9), small(3), small(3), fc.boolean(), async (n, size, stride, ceilMode) => {
        fc.pre(size <= n);
        const x = distinctTensor([1, 2, n], n);
        const data = await x.data();
        const y = await maxPool1d(x, { size, stride, ceilMode }).data();
        const count = y.length / 2;
        const wanted = Array.from({ length: 2 * count }, (_, i) => {
          const start = (i % count) * stride;
          const plane = Math.floor(i / count) * n;
          return Math.max(...data.slice(plane + start, plane + Math.min(start + size, n)));
        });
        expect([...y]).toEqual(wanted);
      }),
      { seed: 4, numRuns: 80 },
    );
  });

  it("has right first and second derivatives", async () => {
    // Squared, so that the second derivative is not 0 everywhere.
    const smooth = (fn: (x: Tensor) => Tensor) => (x: Tensor) => fn(x.mul(x).add(x.mul(3)));
    await checkGradients(
      smooth((x) => maxPool1d(x, { size: 3, stride: 2, padding: 1 })),
      [distinctTensor([2, 1, 7])],
    );
    await checkGradients(
      smooth((x) => maxPool2d(x, { size: [3, 2], stride: 1, dilation: [1, 2] })),
      [distinctTensor([1, 2, 4, 5])],
    );
    await checkGradients(
      smooth((x) => maxPool3d(x, { size: 2, stride: 1, ceilMode: true })),
      [distinctTensor([1, 1, 3, 3, 2])],
    );
  });

  it("refuses windows that see no input", () => {
    const x = seededTensor([1, 1, 2]);
    expect(() => maxPool1d(x, { size: 2, dilation: 5, padding: 4 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: maxPool1d: window 1 along an axis of 2, of size 2 with dilation 5, sees nothing but padding, each window must see an element of the input.
        Use a smaller dilation, or less padding.]
    `);
    expect(() => maxPool1d(x, { size: 2, padding: 2 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: maxPool1d: padding is 2, it must be a whole number from 0 to 1 with a kernel that spans 2.
        Use 1 instead.]
    `);
    expect(() => maxPool2d(x, { size: 2 })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: maxPool2d: input [1, 1, 2] has 3 axes, it takes [N, C, H, W].
        Add a batch axis in front with .unsqueeze(0).]
    `);
  });
});

describe("avgPool", () => {
  it("divides as PyTorch does", async () => {
    const x = tensor([[[6, 12, 18, 24]]]);
    const options = { size: 3, stride: 2, padding: 1 };
    expect(await avgPool1d(x, options).array()).toEqual([[[6, 18]]]);
    expect(await avgPool1d(x, { ...options, countIncludePad: false }).array()).toEqual([[[9, 18]]]);
    // In ceil mode the last window covers [24, padding] and one position beyond, which does not count.
    expect(await avgPool1d(x, { ...options, ceilMode: true }).array()).toEqual([[[6, 18, 12]]]);
  });

  it("has right first and second derivatives", async () => {
    const squared = (fn: (x: Tensor) => Tensor) => (x: Tensor) => fn(x.mul(x));
    await checkGradients(
      squared((x) => avgPool1d(x, { size: 3, stride: 2, padding: 1, ceilMode: true })),
      [seededTensor([1, 2, 6])],
    );
    await checkGradients(
      squared((x) => avgPool2d(x, { size: [3, 2], stride: 1, padding: [1, 0], countIncludePad: false })),
      [seededTensor([1, 2, 4, 3])],
    );
    await checkGradients(
      squared((x) => avgPool3d(x, { size: 2, stride: 1 })),
      [seededTensor([1, 1, 3, 2, 3])],
    );
  });
});

describe("global and adaptive pooling", () => {
  it("reduce the plane, whatever its rank", async () => {
    const x = tensor([
      [
        [
          [1, 2],
          [3, 6],
        ],
      ],
    ]);
    expect(await globalAvgPool(x).array()).toEqual([[3]]);
    expect(await globalMaxPool(x).array()).toEqual([[6]]);
    expect(await globalMaxPool(tensor([[[1, 5, 5]]])).array()).toEqual([[5]]);
    expect(await gradientOf((t) => globalMaxPool(t), tensor([[[1, 5, 5]]]))).toEqual([[[0, 1, 0]]]);
  });

  it("spread uneven bins as PyTorch does, and give the gradient to the first maximum of a bin", async () => {
    const x = tensor([[[[1, 2, 3, 4, 5]]]]);
    expect(await adaptiveAvgPool2d(x, [1, 3]).array()).toEqual([[[[1.5, 3, 4.5]]]]);
    expect(await adaptiveMaxPool2d(x, [1, 3]).array()).toEqual([[[[2, 4, 5]]]]);
    expect(await gradientOf((t) => adaptiveMaxPool2d(t, [1, 3]), tensor([[[[2, 2, 0, 2, 2]]]]))).toEqual([
      [[[1, 1, 0, 1, 0]]],
    ]);
  });

  it("have right first and second derivatives", async () => {
    const x = distinctTensor([1, 2, 3, 5]);
    const squared = (fn: (x: Tensor) => Tensor) => (t: Tensor) => fn(t.mul(t).add(t.mul(3)));
    await checkGradients(
      squared((t) => adaptiveAvgPool2d(t, [2, 3])),
      [x],
    );
    await checkGradients(
      squared((t) => adaptiveMaxPool2d(t, [2, 3])),
      [x],
    );
    await checkGradients(
      squared((t) => globalMaxPool(t)),
      [x],
    );
  });
});
