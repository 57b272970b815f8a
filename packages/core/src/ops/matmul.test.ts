import { gram, gradients, linear, matmul, tensor } from "@convoke/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectGradientOfBody } from "../../test/derived-gradients.js";
import { checkGradients, difference } from "../../test/finite-differences.js";
import { seededTensor } from "../../test/seeded-numbers.js";
import { matmulOps } from "./matmul.js";

describe("matmul", () => {
  it("agrees with the definition, whatever the sizes", async () => {
    const size = fc.integer({ min: 0, max: 9 });
    await fc.assert(
      fc.asyncProperty(size, size, size, async (m, k, n) => {
        const [a, b] = [seededTensor([m, k], 1), seededTensor([k, n], 2)];
        const [p, q] = [await a.data(), await b.data()];
        const wanted = Array.from({ length: m * n }, (_, at) => {
          const [i, j] = [Math.floor(at / n), at % n];
          return Array.from({ length: k }, (_, c) => p[i * k + c]! * q[c * n + j]!).reduce(
            (s, v) => s + v,
            0,
          );
        });
        expect(difference(await matmul(a, b).data(), wanted)).toBeLessThan(1e-12);
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  it("broadcasts batches and takes vectors as NumPy does", async () => {
    const a = tensor([[[1, 2]], [[3, 4]]]);
    const b = tensor([[1], [10]]);
    expect(await matmul(a, b).array()).toEqual([[[21]], [[43]]]);
    expect(await matmul(tensor([1, 2]), b).array()).toEqual([21]);
    expect(await matmul(b.transpose(), tensor([1, 2])).array()).toEqual([21]);
    expect(await matmul(tensor([1, 2]), tensor([3, 4])).item()).toBe(11);
  });

  it("keeps int64 exact and wraps int32 to its width", async () => {
    const big = 3037000501n;
    expect(await matmul(tensor([[big, 1n]]), tensor([[big], [2n]])).array()).toEqual([
      [big * big - (1n << 64n) + 2n],
    ]);
    const small = tensor([[2, 3]], { dtype: "int8" });
    expect(await matmul(small, small.transpose()).array()).toEqual([[13]]);
  });

  it("gives a row the same bits in every batch", async () => {
    const [a, b] = [seededTensor([5, 7], 1), seededTensor([7, 6], 2)];
    const together = await matmul(a, b).data();
    for (let i = 0; i < 5; i++) {
      const alone = await matmul(a.slice([{ start: i, end: i + 1 }]), b).data();
      expect(alone).toEqual(together.slice(6 * i, 6 * i + 6));
    }
  });

  it("carries NaN and infinity through", async () => {
    const y = matmul(
      tensor([[0, 1]]),
      tensor([
        [Infinity, NaN],
        [2, 3],
      ]),
    );
    expect(await y.array()).toEqual([[NaN, NaN]]);
  });

  it("counts its multiply-adds", () => {
    const specs = [
      [2, 3, 4],
      [4, 5],
    ].map((shape) => ({ shape, dtype: "float32" as const }));
    const outputs = matmulOps.matmul.infer("matmul", specs, {});
    expect(matmulOps.matmul.multiplyAdds?.(specs, outputs, {})).toBe(2 * 3 * 5 * 4);
  });

  it("has right first and second derivatives", async () => {
    await checkGradients(matmul, [seededTensor([3, 4], 1), seededTensor([4, 2], 2)]);
    await checkGradients(matmul, [seededTensor([2, 1, 2, 3], 1), seededTensor([3, 3, 2], 2)]);
    await checkGradients(matmul, [seededTensor([2, 2, 3], 1), seededTensor([3, 2], 2)]);
    await checkGradients(matmul, [seededTensor([3], 1), seededTensor([3, 2], 2)]);
  });

  it("refuses what does not fit in the words of the shape rule", () => {
    expect(() => matmul(tensor([[1, 2, 3]]), tensor([[1, 2]]))).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: matmul: inner dimensions differ: [1, 3] × [1, 2] needs 3 = 1.
        Transpose [1, 3] to [3, 1].]
    `);
    expect(() => matmul(tensor([1, 2, 3]), tensor([1, 2]))).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: matmul: inner dimensions differ: [3] × [2] needs 3 = 2.
        Make both 3 or 2.]
    `);
    expect(() => matmul(tensor([[true]]), tensor([[true]]))).toThrowErrorMatchingInlineSnapshot(`
      [DTypeError: matmul: got bool, but it takes a numeric type.
        Cast it with .cast("float32").]
    `);
  });
});

describe("linear", () => {
  it("is x·wᵀ + b over any leading axes", async () => {
    const [x, w, b] = [seededTensor([2, 3, 4], 1), seededTensor([5, 4], 2), seededTensor([5], 3)];
    const wanted = await x.matmul(w.transpose()).add(b).data();
    expect(difference(await linear(x, w, b).data(), wanted)).toBeLessThan(1e-14);
    expect(linear(x, w).shape).toEqual([2, 3, 5]);
  });

  it("declares the gradient of its body", async () => {
    const inputs = [seededTensor([2, 3, 4], 1), seededTensor([5, 4], 2), seededTensor([5], 3)];
    await expectGradientOfBody(matmulOps.linear, inputs, {});
    await expectGradientOfBody(matmulOps.linear, inputs.slice(0, 2), {});
    await checkGradients(linear, [seededTensor([2, 3], 1), seededTensor([2, 3], 2), seededTensor([2], 3)]);
  });

  it("works on an empty batch", async () => {
    const [x, w] = [seededTensor([0, 3]), seededTensor([2, 3])];
    const y = linear(x, w);
    expect(y.shape).toEqual([0, 2]);
    expect(await gradients(y.sum(), [w])[0]!.data()).toEqual(new Float64Array(6));
  });
});

describe("gram", () => {
  it("is the symmetric matrix of channel products, per element", async () => {
    const g = gram(
      tensor([
        [
          [1, 2],
          [3, 4],
        ],
      ]),
    );
    expect(await g.array()).toEqual([
      [
        [1.25, 2.75],
        [2.75, 6.25],
      ],
    ]);
    await checkGradients(gram, [seededTensor([1, 2, 3])]);
  });
});
