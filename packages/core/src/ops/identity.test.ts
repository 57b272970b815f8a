import { describe, expect, it } from "vitest";
import { checkGradients } from "../../test/finite-differences.js";
import { seededTensor } from "../../test/seeded-numbers.js";
import { grad } from "../autodiff.js";
import type { DType } from "../dtype.js";
import { tensor } from "./creation.js";
import { tap } from "./identity.js";

describe("cast", () => {
  it.each<{ from: DType; values: number[]; to: DType; expected: number[] }>([
    { from: "float32", values: [1.7, -1.7, 300, NaN, Infinity], to: "int8", expected: [1, -1, 44, 0, 0] },
    { from: "float64", values: [-1, 4294967297, 2.5], to: "uint32", expected: [4294967295, 1, 2] },
    { from: "float64", values: [1e10, -0.5], to: "int32", expected: [1410065408, 0] },
    { from: "float32", values: [0, -0, 0.5, NaN], to: "bool", expected: [0, 0, 1, 1] },
    { from: "int32", values: [-1, 256], to: "uint8", expected: [255, 0] },
    { from: "bool", values: [1, 0], to: "float32", expected: [1, 0] },
    { from: "float64", values: [0.1], to: "float32", expected: [Math.fround(0.1)] },
    { from: "float32", values: [], to: "int32", expected: [] },
  ])("turns $from $values into $to $expected", async ({ from, values, to, expected }) => {
    const result = tensor(values, { dtype: from }).cast(to);
    expect(result.dtype).toBe(to);
    expect([...(await result.data())].map((x) => Number(x) + 0)).toEqual(expected);
  });

  it("goes through 64-bit integers without losing bits", async () => {
    const wide = tensor([2n ** 53n + 1n, -1n, 0n]);
    expect(await wide.cast("int32").data()).toEqual(Int32Array.of(1, -1, 0));
    expect(await wide.cast("uint8").data()).toEqual(Uint8Array.of(1, 255, 0));
    expect(await wide.cast("bool").data()).toEqual(Uint8Array.of(1, 1, 0));
    expect(await wide.cast("float64").data()).toEqual(Float64Array.of(2 ** 53, -1, 0));
    expect(await tensor([-2.9, NaN, -Infinity]).cast("int64").data()).toEqual(BigInt64Array.of(-2n, 0n, 0n));
    expect(await tensor([true]).cast("int64").data()).toEqual(BigInt64Array.of(1n));
  });

  it("passes gradients between floating-point types and through no other", async () => {
    const x = tensor([1.5, -2.5], { dtype: "float64" });
    const through = grad((y: typeof x) => y.cast("float32").square().sum().cast("float64"))(x);
    expect([through.dtype, ...(await through.data())]).toEqual(["float64", 3, -5]);
    const cut = grad((y: typeof x) => y.mul(y.cast("int32").cast("float64")).sum())(x);
    expect(await cut.data()).toEqual(Float64Array.of(1, -2));
  });
});

describe("detach and tap", () => {
  it("stop gradients, and let them pass", async () => {
    const x = seededTensor([3]);
    const g = grad((y: typeof x) => y.mul(y.detach()).sum())(x);
    expect(await g.data()).toEqual(await x.data());
    await checkGradients((y) => tap(y, () => undefined).square(), [x]);
  });

  it("show each tap its values, also where two taps look at one tensor", async () => {
    const seen: number[][] = [];
    const look = (label: number) => async (values: typeof x) => {
      seen.push([label, ...(await values.data())]);
    };
    const x = tensor([1, 2], { dtype: "float64" }).mul(2);
    const y = x.tap(look(1)).add(x.tap(look(2)));
    expect(await y.data()).toEqual(Float64Array.of(4, 8));
    await expect
      .poll(() => seen.toSorted())
      .toEqual([
        [1, 2, 4],
        [2, 2, 4],
      ]);
  });
});
