import { describe, expect, it } from "vitest";
import { checkGradients } from "../../test/finite-differences.js";
import * as core from "../index.js";
import { tensor, type Tensor } from "../index.js";

const f64 = (values: number[]): Tensor<readonly number[], "float64"> => tensor(Float64Array.from(values));

describe("element-wise ops", () => {
  const unary: readonly [
    keyof typeof core & string,
    (x: Tensor) => Tensor,
    (x: number) => number,
    number[],
  ][] = [
    ["neg", core.neg, (x) => -x, [-2, 0.5]],
    ["abs", core.abs, Math.abs, [-2, 0.5]],
    ["exp", core.exp, Math.exp, [-2, 0.5]],
    ["expm1", core.expm1, Math.expm1, [-2, 1e-9]],
    ["log", core.log, Math.log, [0.1, 3]],
    ["log1p", core.log1p, Math.log1p, [-0.5, 1e-9]],
    ["sqrt", core.sqrt, Math.sqrt, [0.3, 4]],
    ["sin", core.sin, Math.sin, [-2, 0.5]],
    ["cos", core.cos, Math.cos, [-2, 0.5]],
    ["tanh", core.tanh, Math.tanh, [-2, 0.5]],
    ["square", core.square, (x) => x * x, [-2, 0.5]],
  ];
  it.each(unary)("%s has its value and its derivatives", async (_, op, fn, values) => {
    expect([...(await op(f64(values)).data())]).toEqual(values.map(fn));
    await checkGradients((x) => op(x), [f64(values)]);
  });

  const binary: readonly [string, (a: Tensor, b: Tensor) => Tensor, (a: number, b: number) => number][] = [
    ["add", core.add, (a, b) => a + b],
    ["sub", core.sub, (a, b) => a - b],
    ["mul", core.mul, (a, b) => a * b],
    ["div", core.div, (a, b) => a / b],
    ["pow", core.pow, (a, b) => a ** b],
    ["maximum", core.maximum, Math.max],
    ["minimum", core.minimum, Math.min],
  ];
  it.each(binary)("%s broadcasts, with gradients summed back", async (_, op, fn) => {
    const [a, b] = [f64([0.5, 2, 3]), f64([1.5, 0.25]).reshape([2, 1])];
    const expected = [1.5, 0.25].flatMap((y) => [0.5, 2, 3].map((x) => fn(x, y)));
    expect([...(await op(a, b).data())]).toEqual(expected);
    await checkGradients((x, y) => op(x, y), [a, b]);
  });

  it("erf is exact to double precision", async () => {
    // Abramowitz and Stegun, Handbook of Mathematical Functions, table 7.1.
    const table: [number, number][] = [
      [0.5, 0.5204998778],
      [1, 0.8427007929],
      [2, 0.995322265],
      [3, 0.9999779095],
    ];
    const values = await core.erf(f64(table.flatMap(([x]) => [x, -x]))).data();
    table.forEach(([, y], i) => {
      expect(values[2 * i]).toBeCloseTo(y, 9);
      expect(values[2 * i + 1]).toBeCloseTo(-y, 9);
    });
    await checkGradients((x) => core.erf(x), [f64([-3, -0.2, 0.7, 2.6])]);
  });

  it("rounds halves to the even neighbour", async () => {
    expect([...(await tensor([0.5, 1.5, 2.5, -0.5, -1.5, 2.4]).round().data())]).toEqual([
      0, 2, 2, -0, -2, 2,
    ]);
  });

  it("computes in every storage type: integers wrap, divide towards zero, and keep their precision", async () => {
    const i32 = (...x: number[]): Tensor => tensor(Int32Array.from(x));
    expect(
      await i32(2_000_000_000, 7, -7)
        .add(i32(2_000_000_000, 0, 0))
        .array(),
    ).toEqual([-294_967_296, 7, -7]);
    expect(await i32(123_456_789, 1).mul(i32(987_654_321, 1)).array()).toEqual([
      Math.imul(123_456_789, 987_654_321),
      1,
    ]);
    expect(
      await i32(7, -7, 5)
        .div(i32(2, 2, 0))
        .array(),
    ).toEqual([3, -3, 0]);
    expect(await i32(7, -7).mod(i32(3, 3)).array()).toEqual([1, 2]);
    const big = tensor(BigInt64Array.of(9_007_199_254_740_993n, -7n));
    expect(await big.mul(3).array()).toEqual([27_021_597_764_222_979n, -21n]);
    expect(await big.div(2).array()).toEqual([4_503_599_627_370_496n, -3n]);
    expect(await tensor(Uint8Array.of(250, 3)).add(10).array()).toEqual([4, 13]);
    expect(await tensor(Int8Array.of(-128)).abs().array()).toEqual([-128]);
  });

  it("passes NaN and infinities on", async () => {
    const x = tensor([NaN, Infinity, -Infinity]);
    expect([...(await x.maximum(0).data())]).toEqual([NaN, Infinity, 0]);
    expect([...(await x.add(x).data())]).toEqual([NaN, Infinity, -Infinity]);
    expect([...(await x.exp().data())]).toEqual([NaN, Infinity, 0]);
  });

  it("works on empty tensors and scalars", async () => {
    expect(
      (
        await tensor(new Float32Array(0), { shape: [0, 3] })
          .add(1)
          .data()
      ).length,
    ).toBe(0);
    expect(await tensor(2).pow(tensor(3)).item()).toBe(8);
  });

  it("has finite gradients of pow at 0", async () => {
    const g = core.grad((x: Tensor) => x.pow(2).sum())(tensor([0, 3]));
    expect(await g.array()).toEqual([0, 6]);
    const h = core.grad((b: Tensor) => tensor([0, 2]).pow(b).sum())(tensor([2, 1]));
    expect((await h.data())[0]).toBe(0);
  });

  it("refuses mixed element types and bools", () => {
    // @ts-expect-error the compiler refuses it too
    expect(() => tensor([1]).add(tensor(Int32Array.of(1)))).toThrowErrorMatchingInlineSnapshot(`
      [DTypeError: add: got float32 and int32, but the element types must be equal; nothing is promoted silently.
        Cast one of them, for instance with .cast("float32").]
    `);
    // @ts-expect-error the compiler refuses it too
    expect(() => tensor(Uint8Array.of(255)).mul(tensor([0.5]))).toThrowErrorMatchingInlineSnapshot(`
      [DTypeError: mul: got uint8 and float32, but the element types must be equal; nothing is promoted silently.
        Cast one of them, for instance with .cast("float32").]
    `);
    const doubles: Tensor = tensor(Float64Array.of(1));
    expect(() => doubles.mul(tensor([0.5]))).toThrow('for instance with .cast("float32").');
    expect(() => tensor([true]).add(tensor([false]))).toThrowErrorMatchingInlineSnapshot(`
      [DTypeError: add: got bool, but it takes a numeric type.
        Cast it with .cast("float32").]
    `);
    expect(() => tensor(Int32Array.of(1)).exp()).toThrow(
      "exp: got int32, but it takes a floating-point type.",
    );
    expect(() => tensor([1, 2]).add(tensor([1, 2, 3]))).toThrow(/add: .*\[2\].*\[3\]/);
  });
});
