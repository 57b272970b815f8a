import { describe, expect, it } from "vitest";
import { difference, eachDifference } from "./compare-arrays.js";

describe("difference", () => {
  it("is the largest distance by the largest expected magnitude, or by 1", () => {
    expect(difference(Float32Array.of(1, 4.5), Float32Array.of(1, -4))).toBe(8.5 / 4);
    expect(difference(Float32Array.of(0.25), Float32Array.of(0.5))).toBe(0.25);
    expect(difference(new Float32Array(), new Float32Array())).toBe(0);
  });

  it("takes NaN and infinities for equal to themselves only", () => {
    const values = Float64Array.of(NaN, Infinity, -Infinity, 2);
    expect(difference(values, values.slice())).toBe(0);
    expect(difference(Float64Array.of(1), Float64Array.of(NaN))).toBe(Infinity);
    expect(difference(Float64Array.of(NaN), Float64Array.of(1))).toBe(Infinity);
    expect(difference(Float64Array.of(Infinity), Float64Array.of(-Infinity))).toBe(Infinity);
  });

  it("does not let an infinity hide other differences", () => {
    expect(difference(Float64Array.of(Infinity, 3), Float64Array.of(Infinity, 2))).toBe(0.5);
  });

  it("is infinite for arrays of different lengths", () => {
    expect(difference(Float32Array.of(1, 2), Float32Array.of(1))).toBe(Infinity);
  });

  it("takes a million differing elements in one pass each", () => {
    const expected = Float64Array.from({ length: 1_000_000 }, (_, i) => i);
    const got = expected.map((value) => value + 1);
    expect(difference(got, expected)).toBe(1 / 999_999);
  });
});

describe("eachDifference", () => {
  it("measures every element by its own magnitude", () => {
    expect(eachDifference(Float32Array.of(0.5, 1000), Float32Array.of(0, 1000))).toBe(0.5);
    expect(eachDifference(Float32Array.of(99), Float32Array.of(100))).toBe(0.01);
  });
});
