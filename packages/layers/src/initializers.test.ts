import { hostKey, type Initializer } from "@convoke/core";
import { describe, expect, it } from "vitest";
import {
  constant,
  defaultBias,
  defaultWeight,
  fansOf,
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  lecunNormal,
  lecunUniform,
  normal,
  ones,
  orthogonal,
  truncatedNormal,
  uniform,
  zeros,
} from "./initializers.js";

const shape = [64, 32, 5, 5];
const { fanIn, fanOut } = { fanIn: 800, fanOut: 1600 };

function moments(initializer: Initializer): { mean: number; variance: number; largest: number } {
  const values = Array.from(initializer(shape, hostKey(3)));
  expect(values.length).toBe(51200);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, variance, largest: values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) };
}

describe("fansOf", () => {
  it("counts inputs and outputs of dense and convolution weights", () => {
    expect(fansOf([10, 84])).toEqual({ fanIn: 84, fanOut: 10 });
    expect(fansOf(shape)).toEqual({ fanIn, fanOut });
    expect(fansOf([7])).toEqual({ fanIn: 7, fanOut: 7 });
    expect(fansOf([])).toEqual({ fanIn: 1, fanOut: 1 });
  });
});

describe("variances", () => {
  const wanted: [string, Initializer, number][] = [
    ["glorotUniform", glorotUniform(), 2 / (fanIn + fanOut)],
    ["glorotNormal with a gain", glorotNormal({ gain: 3 }), 18 / (fanIn + fanOut)],
    ["heUniform", heUniform(), 2 / fanIn],
    ["heNormal by fanOut", heNormal({ mode: "fanOut" }), 2 / fanOut],
    ["heNormal for a leaky ReLU", heNormal({ slope: 0.5 }), 1.6 / fanIn],
    ["lecunUniform", lecunUniform(), 1 / fanIn],
    ["lecunNormal", lecunNormal(), 1 / fanIn],
    ["uniform", uniform({ min: -3, max: 3 }), 3],
    ["normal", normal({ deviation: 2 }), 4],
    // The variance of the normal distribution cut at ±2: 1 − 4φ(2) / (2Φ(2) − 1).
    ["truncatedNormal", truncatedNormal({ deviation: 1 }), 0.7737413],
    ["the default weight", defaultWeight(), 1 / (3 * fanIn)],
  ];
  it.each(wanted)("%s", (_, initializer, variance) => {
    const found = moments(initializer);
    // 51,200 numbers: the standard error of the variance is below 0.7 %, that of the mean below 0.5 % of σ.
    expect(found.variance / variance).toBeGreaterThan(0.975);
    expect(found.variance / variance).toBeLessThan(1.025);
    expect(Math.abs(found.mean) / Math.sqrt(variance)).toBeLessThan(0.018);
  });

  it("keeps bounds", () => {
    expect(moments(truncatedNormal({ deviation: 1 })).largest).toBeLessThanOrEqual(2);
    expect(moments(heUniform()).largest).toBeLessThanOrEqual(Math.sqrt(6 / fanIn));
    expect(moments(defaultWeight()).largest).toBeLessThanOrEqual(1 / Math.sqrt(fanIn));
    expect(moments(defaultBias([64, 25])).largest).toBeLessThanOrEqual(0.2);
    expect(moments(defaultBias([64, 25])).largest).toBeGreaterThan(0.19);
  });

  it("moves the mean", () => {
    expect(moments(normal({ mean: 5, deviation: 1 })).mean).toBeCloseTo(5, 1);
    expect(moments(truncatedNormal({ mean: -5, deviation: 1 })).mean).toBeCloseTo(-5, 1);
  });
});

describe("constants", () => {
  it("are what they say", () => {
    expect([...constant(0.25)([3], hostKey(0))]).toEqual([0.25, 0.25, 0.25]);
    expect([...zeros()([2], hostKey(0))]).toEqual([0, 0]);
    expect([...ones()([], hostKey(0))]).toEqual([1]);
  });
});

describe("orthogonal", () => {
  it.each([
    ["wide", [6, 4, 3], 1],
    ["tall", [30, 7], 2],
    ["square", [20, 20], 1],
  ])("%s: rows or columns are orthonormal times the gain", (_, weight, gain) => {
    const values = orthogonal({ gain })(weight, hostKey(5));
    const rows = weight[0]!;
    const columns = values.length / rows;
    const isWide = rows <= columns;
    const vector = (i: number) =>
      isWide
        ? Array.from({ length: columns }, (_unused, j) => values[i * columns + j]!)
        : Array.from({ length: rows }, (_unused, j) => values[j * columns + i]!);
    for (let i = 0; i < Math.min(rows, columns); i++) {
      for (let k = 0; k <= i; k++) {
        const product = vector(i).reduce((sum, value, j) => sum + value * vector(k)[j]!, 0);
        expect(product).toBeCloseTo(i === k ? gain * gain : 0, 12);
      }
    }
  });

  it("refuses a vector", () => {
    expect(() => orthogonal()([5], hostKey(0))).toThrowErrorMatchingInlineSnapshot(`
      [ModuleError: orthogonal: a parameter of shape [5] has no rows and columns.
        Use it for weights, and constant(0) for biases.]
    `);
  });
});

describe("seeds", () => {
  it("give the same numbers for the same key, others for another", () => {
    const first = heNormal()([4, 4], hostKey(1));
    expect([...heNormal()([4, 4], hostKey(1))]).toEqual([...first]);
    expect([...heNormal()([4, 4], hostKey(2))]).not.toEqual([...first]);
  });
});
