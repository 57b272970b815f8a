// LeNet-5 on synthetic digits, a few steps from one seed: what backends are compared by, in Node and in pages.
import { adam, fit, lenet5, syntheticDigits, type Backend, type Precision } from "convoke";

export interface LossesOptions {
  readonly steps: number;
  readonly batchSize: number;
  readonly precision?: Precision;
  /** Called when the loss of a step has been read. */
  readonly afterStep?: () => void;
}

/** The loss of each step. */
export async function lenet5Losses(
  backend: Backend,
  { steps, batchSize, precision = "float32", afterStep = () => undefined }: LossesOptions,
): Promise<number[]> {
  const model = lenet5();
  model.initialize(3);
  const losses: number[] = [];
  await fit(model, syntheticDigits({ train: steps * batchSize, test: 1, seed: 3 }).train, {
    backend,
    optimizer: adam(2e-3),
    loss: "crossEntropy",
    epochs: 1,
    batchSize,
    precision,
    seed: 7,
    progress: false,
    callbacks: [
      {
        async onStepEnd({ loss }) {
          losses.push(await loss());
          afterStep();
        },
      },
    ],
  });
  return losses;
}

/** The largest difference of two loss curves, relative where losses are above 1. */
export function differenceOf(got: readonly number[], expected: readonly number[]): number {
  if (got.length !== expected.length) return Infinity;
  return Math.max(...got.map((loss, i) => Math.abs(loss - expected[i]!) / Math.max(1, expected[i]!)));
}
