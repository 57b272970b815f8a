// LeNet-5 on synthetic digits, a few steps from one seed: what backends are compared by, in Node and in pages.
import {
  adam,
  fit,
  lenet5,
  syntheticDigits,
  type Backend,
  type LeNet5Options,
  type Precision,
} from "convoke";

/** LeNet-5 as it was published: tanh and averages. All of it is smooth. */
export const smooth = { activation: "tanh", pooling: "average" } as const;

/**
 * Where there are ReLU and maxima, losses of different backends are compared up to this step. There the last bit decides
 * now and then which of two values is the larger one, and from then on two runs go different ways: the CPU backend and the
 * reference backend part after 44 of 70 steps and are 1.6e-3 apart 25 steps later; LeNet-5 as it was published, with ReLU
 * and averages, or with tanh and maxima, keeps to 8e-7 over 100 steps.
 */
export const stepsBeforeJumps = 40;

export interface LossesOptions {
  readonly steps: number;
  readonly batchSize: number;
  readonly model?: LeNet5Options;
  readonly precision?: Precision;
  /** Called when the loss of a step has been read. */
  readonly afterStep?: () => void;
}

/** The loss of each step. */
export async function lenet5Losses(
  backend: Backend,
  { steps, batchSize, model: form = {}, precision = "float32", afterStep = () => undefined }: LossesOptions,
): Promise<number[]> {
  const model = lenet5(form);
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

/** The same in the steps before anything jumps, and of the means of the later ones. */
export function differencesOf(
  got: readonly number[],
  expected: readonly number[],
): { early: number; late: number } {
  const late = (losses: readonly number[]): number => mean(losses.slice(stepsBeforeJumps));
  return {
    early: differenceOf(got.slice(0, stepsBeforeJumps), expected.slice(0, stepsBeforeJumps)),
    late: expected.length > stepsBeforeJumps ? Math.abs(late(got) - late(expected)) : 0,
  };
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
