import { describe, expect, it } from "vitest";
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from "./half-precision.js";

const every16Bits = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

describe("float16", () => {
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
    const rounded = (value: number) => float16ToFloat32(float32ToFloat16([value]))[0];
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

describe("bfloat16", () => {
  it("keeps every number through float32", () => {
    const back = float32ToBfloat16(bfloat16ToFloat32(every16Bits));
    for (const bits of every16Bits) {
      if ((bits & 0x7fff) <= 0x7f80 && back[bits] !== bits) expect(back[bits]).toBe(bits);
    }
  });

  it("rounds to nearest, ties to even", () => {
    const rounded = (value: number) => bfloat16ToFloat32(float32ToBfloat16([value]))[0];
    expect(rounded(1 + 2 ** -8)).toBe(1);
    expect(rounded(1 + 3 * 2 ** -8)).toBe(1 + 2 ** -6);
    expect(rounded(NaN)).toBeNaN();
    expect(rounded(3.4e38)).toBe(Infinity);
  });
});
