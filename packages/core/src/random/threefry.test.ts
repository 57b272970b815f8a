import { describe, expect, it } from "vitest";
import { inverseErf } from "./inverse-erf.js";
import { erf } from "../ops/special-functions.js";
import {
  derivedKey,
  fillBits,
  fnv1a,
  hostFoldIn,
  hostFoldInPath,
  hostKey,
  hostNormal,
  hostSplitKey,
  hostUniform,
  threefry2x32,
} from "./threefry.js";

describe("threefry2x32", () => {
  // Known answers of the Random123 library (file kat_vectors, threefry2x32 with 20 rounds).
  it.each([
    { key: [0, 0], counter: [0, 0], bits: [0x6b200159, 0x99ba4efe] },
    {
      key: [0xffffffff, 0xffffffff],
      counter: [0xffffffff, 0xffffffff],
      bits: [0x1cb996fc, 0xbb002be7],
    },
    {
      key: [0x13198a2e, 0x03707344],
      counter: [0x243f6a88, 0x85a308d3],
      bits: [0xc4923a9c, 0x483df7a0],
    },
  ] as const)("gives the published words for key $key", ({ key, counter, bits }) => {
    expect(threefry2x32(key, counter)).toEqual(bits);
  });

  it("counts in blocks of two words, low half first", () => {
    const key = [1, 2] as const;
    const bits = new Uint32Array(5);
    fillBits(key, bits);
    const blocks = [0, 1, 2].flatMap((n) => threefry2x32(key, [n, 0]));
    expect([...bits]).toEqual(blocks.slice(0, 5));
  });
});

describe("keys on the host", () => {
  it("take 64 bits of a seed, negative ones included", () => {
    expect(hostKey(7)).toEqual([0, 7]);
    expect(hostKey(2n ** 32n + 5n)).toEqual([1, 5]);
    expect(hostKey(-1)).toEqual([0xffffffff, 0xffffffff]);
  });

  it("refuse a seed that is not whole", () => {
    expect(() => hostKey(1.5)).toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: randomKey: the seed 1.5 is not a whole number that a double holds exactly.
        Use a whole number, for instance 1, or a bigint.]
    `);
    expect(() => hostFoldIn([0, 0], -1)).toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: foldIn: -1 is not a whole number from 0 to 2^32 - 1.
        Fold in such a number; fold in two of them, one after the other, for more bits.]
    `);
  });

  it("differ by number and by purpose", () => {
    const key = hostKey(1);
    const keys = [
      ...[0, 1, 2].map((n) => hostFoldIn(key, n)),
      ...hostSplitKey(key, 3),
      hostFoldInPath(key, ""),
      hostFoldInPath(key, "conv1"),
      derivedKey(key, 0, "path"),
    ];
    expect(new Set(keys.map(String)).size).toBe(keys.length);
  });

  it("hash a path by FNV-1a", () => {
    // Test vectors of the FNV authors (isthe.com/chongo/src/fnv/test_fnv.c).
    expect(fnv1a("")).toBe(0x811c9dc5);
    expect(fnv1a("a")).toBe(0xe40c292c);
    expect(fnv1a("foobar")).toBe(0xbf9cf968);
  });
});

describe("numbers on the host", () => {
  const count = 40_000;
  const moments = (values: Float64Array): number[] => {
    const mean = values.reduce((sum, x) => sum + x, 0) / count;
    const central = (power: number): number =>
      values.reduce((sum, x) => sum + (x - mean) ** power, 0) / count;
    return [mean, central(2), central(3), central(4)];
  };

  it("are uniform in [0, 1)", () => {
    const values = hostUniform(hostKey(3), count);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    expect(values.every((x) => Number.isInteger(x * 2 ** 24))).toBe(true);
    const [mean, variance] = moments(values);
    // Five standard errors of the mean, and of the variance.
    expect(Math.abs(mean! - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / count));
    expect(Math.abs(variance! - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / count));
  });

  it("are standard normal", () => {
    const [mean, variance, third, fourth] = moments(hostNormal(hostKey(4), count));
    expect(Math.abs(mean!)).toBeLessThan(5 / Math.sqrt(count));
    expect(Math.abs(variance! - 1)).toBeLessThan(5 * Math.sqrt(2 / count));
    expect(Math.abs(third!)).toBeLessThan(5 * Math.sqrt(15 / count));
    expect(Math.abs(fourth! - 3)).toBeLessThan(5 * Math.sqrt(96 / count));
  });
});

describe("inverseErf", () => {
  it("inverts the error function to single precision", () => {
    for (const u of [-0.999999, -0.99, -0.5, -1e-7, 1e-7, 0.1, 0.9, 0.995, 0.9999, 1 - 2 ** -24]) {
      const x = inverseErf(u);
      // The error in x is the error in erf(x) over the derivative.
      const error = (erf(x) - u) / ((2 / Math.sqrt(Math.PI)) * Math.exp(-x * x));
      expect(Math.abs(error / x)).toBeLessThan(1e-6);
    }
  });
});
