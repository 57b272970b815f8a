// How well networks learn whole data sets on the CPU backend: LeNet-5 on MNIST, a small network on Fashion-MNIST.
import {
  adam,
  conv2d,
  cpu,
  dense,
  evaluate,
  fashionMnist,
  fit,
  flatten,
  input,
  lenet5,
  maxPool2d,
  mnist,
  oneCycle,
  reference,
  relu,
  sequential,
  useBackend,
  type Sequential,
} from "convoke";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

const testData = process.env["CONVOKE_TEST_DATA"];
const isFull = process.env["CONVOKE_FULL"] !== undefined;
const batchSize = 64;

/** Two convolutions and two dense layers: 207,178 parameters. */
function fashionNet(): Sequential {
  return sequential(input(1, 28, 28), {
    conv1: conv2d({ filters: 16, kernelSize: 5, padding: "same" }),
    relu1: relu(),
    pool1: maxPool2d({ size: 2 }),
    conv2: conv2d({ filters: 32, kernelSize: 3, padding: "same" }),
    relu2: relu(),
    pool2: maxPool2d({ size: 2 }),
    flatten: flatten(),
    fc: dense({ units: 128 }),
    relu3: relu(),
    output: dense({ units: 10 }),
  });
}

// Mean and spread of all training pixels of each set, counted from the official files.
const runs = [
  {
    ...{ name: "mnist", what: "LeNet-5", load: mnist, make: () => lenet5(), mean: 0.1307, std: 0.3081 },
    ...{ epochs: 3, rate: 0.004, wanted: 0.988 },
  },
  {
    ...{ name: "fashion-mnist", what: "a small network", load: fashionMnist, make: fashionNet },
    ...{ mean: 0.286, std: 0.353, epochs: 10, rate: 0.003, wanted: 0.9 },
  },
];

describe("accuracy on the CPU backend", () => {
  for (const { name, what, load, make, mean, std, epochs, rate, wanted } of runs) {
    const title = `${what} on ${name}: at least ${100 * wanted} % after ${epochs} epochs`;
    it(title, { timeout: 1_800_000 }, async ({ skip }) => {
      if (!isFull) return skip("not run: takes minutes, set CONVOKE_FULL=1");
      if (testData === undefined) return skip("not run: CONVOKE_TEST_DATA names no folder with the files");
      const backend = await cpu();
      await useBackend(backend);
      onTestFinished(async () => {
        await useBackend(reference());
        await backend.dispose();
      });
      const { train, test } = await load({ dataDir: path.join(testData, "data", name), mean, std });
      expect([train.length, test.length]).toEqual([60_000, 10_000]);
      const model = make();
      model.initialize(1);
      const count = model.parameters().reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
      expect(count).toBeLessThan(500_000);
      const steps = epochs * Math.ceil(train.length / batchSize);
      const optimizer = adam(oneCycle(rate, { steps }));
      const options = { epochs, batchSize, seed: 1, progress: false } as const;
      const history = await fit(model, train, { optimizer, loss: "crossEntropy", ...options });
      const { accuracy } = await evaluate(model, test, { loss: "crossEntropy", batchSize: 250 });
      const seconds = history.seconds.toFixed(1);
      console.log(
        `${name}: ${count} parameters, accuracy ${accuracy} after ${epochs} epochs in ${seconds} s`,
      );
      expect(accuracy).toBeGreaterThanOrEqual(wanted);
    });
  }
});
