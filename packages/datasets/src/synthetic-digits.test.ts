import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ArrayDataset } from "./array-dataset.js";
import { loader } from "./loader.js";
import { syntheticDigits } from "./synthetic-digits.js";

const all = (dataset: ArrayDataset) => dataset.gather(Array.from({ length: dataset.length }, (_, i) => i));

/** Logits of softmax regression: weights [10, 784] and biases [10], over the rows of x. */
function logits(
  out: Float64Array,
  weights: Float64Array,
  biases: Float64Array,
  x: ArrayLike<number>,
  row: number,
) {
  for (let k = 0; k < 10; k++) {
    let sum = biases[k]!;
    for (let p = 0; p < 784; p++) sum += weights[k * 784 + p]! * x[row * 784 + p]!;
    out[k] = sum;
  }
}

const argmax = (values: Float64Array): number => values.indexOf(Math.max(...values));

/** Trains softmax regression by gradient descent with momentum and a falling rate, and gives its accuracies. */
async function linearAccuracy(
  train: ArrayDataset,
  test: ArrayDataset,
): Promise<{ train: number; test: number }> {
  const weights = new Float64Array(7840);
  const biases = new Float64Array(10);
  const velocity = new Float64Array(7840);
  const gradient = new Float64Array(7840);
  const z = new Float64Array(10);
  const batches = loader(train, { batchSize: 100, shuffle: true, seed: 1 });
  const epochs = 20;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rate = 0.05 * (1 - epoch / epochs);
    for await (const { size, fields } of batches.epoch(epoch)) {
      const x = fields["x"]!.data;
      const y = fields["y"]!.data;
      gradient.fill(0);
      for (let row = 0; row < size; row++) {
        logits(z, weights, biases, x, row);
        const top = Math.max(...z);
        let total = 0;
        for (let k = 0; k < 10; k++) total += z[k] = Math.exp(z[k]! - top);
        for (let k = 0; k < 10; k++) {
          const error = (z[k]! / total - (y[row] === k ? 1 : 0)) / size;
          biases[k] = biases[k]! - rate * error;
          for (let p = 0; p < 784; p++) gradient[k * 784 + p]! += error * x[row * 784 + p]!;
        }
      }
      for (let i = 0; i < 7840; i++) {
        velocity[i] = 0.9 * velocity[i]! + gradient[i]!;
        weights[i] = weights[i]! - rate * velocity[i]!;
      }
    }
  }
  const accuracy = (dataset: ArrayDataset): number => {
    const { x, y } = all(dataset);
    let right = 0;
    for (let row = 0; row < dataset.length; row++) {
      logits(z, weights, biases, x!.data, row);
      if (argmax(z) === y!.data[row]) right++;
    }
    return right / dataset.length;
  };
  return { train: accuracy(train), test: accuracy(test) };
}

describe("syntheticDigits", () => {
  it("draws the same pictures on every platform", () => {
    const { x, y } = all(syntheticDigits({ train: 200, test: 1, seed: 7 }).train);
    const bytes = Uint8Array.from(x!.data, (value) => Math.round(value * 255));
    const digest = createHash("sha256").update(bytes).update(Uint8Array.from(y!.data)).digest("hex");
    expect(digest).toMatchInlineSnapshot(
      `"2d6c04b211c9706f0dbec0edf575c3893cd0b10d652296a243d246e6e8075510"`,
    );
  });

  it("makes pictures in [0, 1] of all ten digits, alike often, that are neither empty nor full", () => {
    const { train } = syntheticDigits({ train: 2000, test: 1 });
    const counts = new Array<number>(10).fill(0);
    const { x, y } = all(train);
    for (const label of y!.data) counts[label]!++;
    expect(Math.min(...counts)).toBeGreaterThan(150);
    for (let row = 0; row < train.length; row++) {
      const picture = x!.data.subarray(row * 784, (row + 1) * 784);
      let sum = 0;
      for (const value of picture) sum += value;
      const ink = sum / 784;
      expect(Math.max(...picture)).toBeGreaterThan(0.8);
      expect(Math.min(...picture)).toBe(0);
      expect(ink > 0.02 && ink < 0.4, `picture ${row} has the mean ${ink}`).toBe(true);
    }
  });

  it("begins a longer set with the shorter one, and draws other pictures for the test and another seed", () => {
    const short = syntheticDigits({ train: 3, test: 3, seed: 1 });
    const long = syntheticDigits({ train: 9, test: 4, seed: 1 });
    expect(long.train.example(2)).toEqual(short.train.example(2));
    expect(long.test.example(2)).toEqual(short.test.example(2));
    expect(short.test.example(0).input).not.toEqual(short.train.example(0).input);
    expect(syntheticDigits({ train: 3, test: 1, seed: 2 }).train.example(0).input).not.toEqual(
      short.train.example(0).input,
    );
  });

  it.runIf(process.env["CONVOKE_FULL"] !== undefined)(
    "is too hard for a linear classifier: less than 93 % on held-out digits (not run without CONVOKE_FULL)",
    { timeout: 120_000 },
    async () => {
      const { train, test } = syntheticDigits({ train: 6000, test: 2000, seed: 3 });
      const accuracy = await linearAccuracy(train, test);
      expect(accuracy.test).toBeLessThan(0.93);
      // It has learned what it can, though: a broken classifier would prove nothing.
      expect(accuracy.test).toBeGreaterThan(0.75);
      expect(accuracy.train).toBeGreaterThan(0.85);
    },
  );

  it("refuses a number of pictures that is none", () => {
    expect(() => syntheticDigits({ train: 0 })).toThrowErrorMatchingInlineSnapshot(`
      [DatasetError: syntheticDigits: train 0, the number of pictures must be an integer from 1 to 1,000,000.
        Leave it out for the default.]
    `);
  });
});
