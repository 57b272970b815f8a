// LeNet-5 on MNIST and Fashion-MNIST from the official IDX files, through the public API.
import { adam, evaluate, fashionMnist, fit, lenet5, mnist, reference, take, useBackend } from "convoke";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const testData = process.env["CONVOKE_TEST_DATA"];
const isFull = process.env["CONVOKE_FULL"] !== undefined;
const { limit, tests, epochs, batchSize, rate } = isFull
  ? { limit: 6000, tests: 10_000, epochs: 2, batchSize: 32, rate: 0.001 }
  : { limit: 1500, tests: 2000, epochs: 1, batchSize: 16, rate: 0.002 };
const share = `${limit} images ${epochs} times, ${(100 * limit * epochs) / 12_000} % of the full run`;

beforeAll(() => useBackend(reference()));
afterAll(() => useBackend(reference()));

describe(`LeNet-5 on the official files (${share})`, () => {
  for (const { name, load, wanted } of [
    { name: "mnist", load: mnist, wanted: isFull ? 0.93 : 0.8 },
    { name: "fashion-mnist", load: fashionMnist, wanted: isFull ? 0.75 : 0.6 },
  ]) {
    it(`${name}: at least ${wanted} of ${tests} test images`, { timeout: 900_000 }, async ({ skip }) => {
      if (testData === undefined) return skip("CONVOKE_TEST_DATA names no folder with the files");
      const dataDir = path.join(testData, "data", name);
      // Mean and spread of all MNIST pixels: it learns faster on numbers around 0.
      const { train, test } = await load({ dataDir, limit, mean: 0.1307, std: 0.3081 });
      expect([train.length, test.length]).toEqual([limit, 10_000]);
      const model = lenet5();
      model.initialize(1);
      const history = await fit(model, train, {
        optimizer: adam(rate),
        loss: "crossEntropy",
        epochs,
        batchSize,
        seed: 1,
        progress: false,
      });
      const { accuracy, examples } = await evaluate(model, take(test, tests), {
        loss: "crossEntropy",
        batchSize: 250,
      });
      console.log(`${name}: ${accuracy} after ${history.steps} steps in ${history.seconds.toFixed(0)} s`);
      expect(examples).toBe(tests);
      expect(accuracy).toBeGreaterThanOrEqual(wanted);
    });
  }
});
