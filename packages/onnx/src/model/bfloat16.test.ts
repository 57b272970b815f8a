import { describe, expect, it } from "vitest";
import { bfloat16ToFloat32, float32ToBfloat16 } from "./bfloat16.js";

const every16Bits = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

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
