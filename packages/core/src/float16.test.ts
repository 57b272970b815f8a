import { describe, expect, it } from "vitest";
import { float16ToFloat32, float32ToFloat16 } from "./float16-bits.js";
import { roundToFloat16 } from "./float16.js";
import { grad, hostKey, logSumExp, reference, tensor, useBackend, Variable, zeros } from "./index.js";

const every16Bits = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

describe("the bits of half-precision numbers", () => {
  it("keeps every number through float32", () => {
    const back = float32ToFloat16(float16ToFloat32(every16Bits));
    const isNaN16 = (bits: number) => (bits & 0x7fff) > 0x7c00;
    for (const bits of every16Bits) {
      if (isNaN16(bits)) expect(isNaN16(back[bits] ?? 0)).toBe(true);
      else if (back[bits] !== bits) expect(back[bits]).toBe(bits);
    }
  });

  it("knows the numbers of the standard", () => {
    const values = float16ToFloat32(Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x3555, 0xfc00));
    expect([...values]).toEqual([1, -2, 65504, 2 ** -14, 2 ** -24, 0.333251953125, -Infinity]);
  });

  it("rounds to nearest, ties to even", () => {
    const step = 2 ** -10;
    const rounded = (value: number) => {
      const [viaBits] = float16ToFloat32(float32ToFloat16([value]));
      expect(roundToFloat16(value)).toBe(viaBits);
      return viaBits;
    };
    expect(rounded(1 + step / 2)).toBe(1);
    expect(rounded(1 + (3 * step) / 2)).toBe(1 + 2 * step);
    expect(rounded(1 + step / 2 + 2 ** -20)).toBe(1 + step);
    expect(rounded(65519.99)).toBe(65504);
    expect(rounded(65520)).toBe(Infinity);
    expect(rounded(2 ** -25)).toBe(0);
    expect(rounded(3 * 2 ** -25)).toBe(2 * 2 ** -24);
    expect(rounded(-(2 ** -25) * 1.01)).toBe(-(2 ** -24));
    expect(rounded(NaN)).toBeNaN();
  });
});

describe("rounding to half precision", () => {
  it("is that of the bits, for every float32 near a half-precision number", () => {
    const numbers = float16ToFloat32(every16Bits).filter(Number.isFinite);
    for (const number of numbers) {
      for (const factor of [1, 1 - 2 ** -12, 1 + 2 ** -12, 1 + 2 ** -11, 1 + 2 ** -20]) {
        const value = Math.fround(number * factor);
        const [viaBits] = float16ToFloat32(float32ToFloat16([value]));
        if (!Object.is(roundToFloat16(value), viaBits)) expect(roundToFloat16(value)).toBe(viaBits);
      }
    }
  });

  it("rounds a double once", () => {
    // In float32 it would become a tie, which goes to the even number below.
    expect(roundToFloat16(1 + 2 ** -11 + 2 ** -40)).toBe(1 + 2 ** -10);
    expect(roundToFloat16(-0)).toBe(-0);
    expect(roundToFloat16(-1e-9)).toBe(-0);
  });
});

describe("float16 tensors", () => {
  it("hold numbers that half precision has, wherever they come from", async () => {
    await useBackend(reference());
    const third = roundToFloat16(1 / 3);
    expect(third).not.toBe(Math.fround(1 / 3));
    const variable = new Variable(zeros([1], { dtype: "float16" }));
    variable.set(Float32Array.of(1 / 3));
    const initializer = () => Float32Array.of(1 / 3);
    const drawn = new Variable(zeros([1], { dtype: "float16" }), { initializer });
    drawn.initialize(hostKey(1));
    const made = [
      tensor([1 / 3], { dtype: "float16" }),
      tensor(Float32Array.of(1 / 3), { dtype: "float16" }),
      tensor(Float64Array.of(1 / 3), { dtype: "float16" }),
      tensor([1 / 3]).cast("float16"),
      tensor([1], { dtype: "float16" }).div(3),
      variable.value,
      drawn.value,
      variable.value.literal(1 / 3).reshape([1]),
    ];
    for (const each of made) {
      expect(each.dtype).toBe("float16");
      expect(await each.data()).toEqual(Float32Array.of(third));
    }
  });

  it("overflow to infinity, and lose what is too small", async () => {
    const large = tensor([60000, -60000, 1e-4], { dtype: "float16" });
    expect(await large.mul(large).data()).toEqual(Float32Array.of(Infinity, Infinity, 0));
  });

  it("are added up in full precision, also where an op is made of several", async () => {
    const many = tensor(new Float32Array(4096).fill(32), { dtype: "float16" });
    expect(await many.mean().item()).toBe(32);
    expect(await many.sum().item()).toBe(Infinity);
    const long = tensor(new Float32Array(4096).fill(1), { dtype: "float16" });
    expect(await long.sum().item()).toBe(4096);
    // In half precision e¹² is no number any more.
    expect(await logSumExp(tensor([12, 12], { dtype: "float16" })).item()).toBeCloseTo(12 + Math.log(2), 2);
  });

  it("have gradients in half precision", async () => {
    const slope = grad((x) => x.square().sum());
    const g = slope(tensor([1.5, -3], { dtype: "float16" }));
    expect(g.dtype).toBe("float16");
    expect(await g.data()).toEqual(Float32Array.of(3, -6));
  });
});
