import { describe, expect, it } from "vitest";
import { pictureToInput } from "./picture-to-input.js";

describe("pictureToInput", () => {
  it("shrinks by area, also where sizes do not divide", () => {
    const picture = {
      width: 3,
      height: 2,
      channels: 1,
      data: Float32Array.of(0, 0.3, 0.6, 0.6, 0.3, 0),
    } as const;
    const input = pictureToInput(picture, { channels: 1, height: 1, width: 2 });
    // Each new pixel covers one old column and half of the middle one.
    expect(Array.from(input)).toEqual([expect.closeTo(0.3, 6), expect.closeTo(0.3, 6)]);
    const rows = pictureToInput(picture, { channels: 1, height: 2, width: 2 });
    expect(Array.from(rows)).toEqual([0.1, 0.5, 0.5, 0.1].map((value) => expect.closeTo(value, 6) as number));
  });

  it("repeats pixels where the picture grows", () => {
    const picture = { width: 1, height: 1, channels: 1, data: Float32Array.of(0.25) } as const;
    const input = pictureToInput(picture, { channels: 1, height: 2, width: 3 });
    expect(Array.from(input)).toEqual(new Array(6).fill(0.25));
  });

  it("greys colours, spreads grey to colours, and inverts", () => {
    const red = { width: 1, height: 1, channels: 3, data: Float32Array.of(1, 0, 0) } as const;
    const grey = { width: 1, height: 1, channels: 1, data: Float32Array.of(0.5) } as const;
    expect(pictureToInput(red, { channels: 1, height: 1, width: 1 })[0]).toBeCloseTo(0.299, 6);
    const format = { channels: 3, height: 1, width: 1 };
    expect(Array.from(pictureToInput(grey, format))).toEqual([0.5, 0.5, 0.5]);
    expect(pictureToInput(red, format, { invert: true })).toEqual(Float32Array.of(0, 1, 1));
  });
});
