import { describe, expect, it } from "vitest";
import { grad, isFinite, isNaN, logicalXor, tensor, where, type Tensor } from "../index.js";

describe("comparisons and logic", () => {
  const [a, b] = [tensor([1, 2, NaN]), tensor([2, 2, NaN])];

  it("compare as IEEE 754 says: NaN is unequal to everything", async () => {
    expect(await a.equal(b).array()).toEqual([false, true, false]);
    expect(await a.notEqual(b).array()).toEqual([true, false, true]);
    expect(await a.less(b).array()).toEqual([true, false, false]);
    expect(await a.lessEqual(b).array()).toEqual([true, true, false]);
    expect(await a.greater(b).array()).toEqual([false, false, false]);
    expect(await a.greaterEqual(2).array()).toEqual([false, true, false]);
  });

  it("compare int64 without loss", async () => {
    const big = tensor(BigInt64Array.of(9_007_199_254_740_993n));
    expect(await big.equal(tensor(BigInt64Array.of(9_007_199_254_740_992n))).array()).toEqual([false]);
    expect(await big.greater(0).array()).toEqual([true]);
  });

  it("combine truth values with broadcasting", async () => {
    const [p, q] = [tensor([true, false]), tensor([[true], [false]])];
    expect(await p.logicalAnd(q).array()).toEqual([
      [true, false],
      [false, false],
    ]);
    expect(await p.logicalOr(q).array()).toEqual([
      [true, true],
      [true, false],
    ]);
    expect(await logicalXor(p, q).array()).toEqual([
      [false, true],
      [true, false],
    ]);
    expect(await p.logicalNot().array()).toEqual([false, true]);
  });

  it("find NaN and infinities", async () => {
    const x = tensor([0, NaN, Infinity, -Infinity]);
    expect(await isNaN(x).array()).toEqual([false, true, false, false]);
    expect(await isFinite(x).array()).toEqual([true, false, false, false]);
  });

  it("choose, and give the branch that was not taken no gradient", async () => {
    const derivative = grad((x: Tensor) => where(x.greater(0), x.log(), x.mul(3)).sum());
    expect(await derivative(tensor([2, -1])).array()).toEqual([0.5, 3]);
    expect(
      await tensor([true, false])
        .where(tensor([[1], [2]]), 0)
        .array(),
    ).toEqual([
      [1, 0],
      [2, 0],
    ]);
  });

  it("refuse what is no truth value", () => {
    const number: Tensor = tensor([1]);
    expect(() => where(number as Tensor<readonly number[], "bool">, tensor([1]), 0))
      .toThrowErrorMatchingInlineSnapshot(`
      [DTypeError: where: got float32, but it takes bool.
        Cast it with .cast("bool").]
    `);
  });
});
