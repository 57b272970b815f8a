// One training run: the digits, the network, and a way to watch every step.
import {
  adam,
  fit,
  ops,
  predict,
  syntheticDigits,
  tensor,
  type Dataset,
  type Module,
  type Tensor,
} from "convoke";
import { networkOf } from "./network.js";
import type { Digit, Prediction, Settings } from "./protocol.js";

/** Digits that the network never trains on. */
const HELD_OUT = 256;
const PIXELS = 28 * 28;

/** What one step tells. */
export interface StepResult {
  /** Counted from 1. */
  readonly step: number;
  readonly epoch: number;
  /** How many pictures it was taken over. */
  readonly images: number;
  readonly loss: number;
}

export interface TrainingRun {
  readonly network: Module;
  /** Optimizer steps of the whole run. */
  readonly stepCount: number;
  readonly stepsDone: number;
  readonly heldOut: readonly Digit[];
  /** The same as one tensor [N, 1, 28, 28]. */
  readonly heldOutImages: Tensor;
  /** Trains until the last epoch is through, or until `goesOn`, which is asked after each step, says no. */
  train(goesOn: (result: StepResult) => Promise<boolean>): Promise<void>;
  /** What the network says about each held-out digit now. */
  predict(): Promise<Prediction[]>;
}

/** Draws the digits and builds the network. Everything hangs on the settings: the same ones give the same run. */
export async function prepareTraining(settings: Settings): Promise<TrainingRun> {
  const { seed, learningRate, batchSize, pictures, epochs } = settings;
  const { train, test } = syntheticDigits({ train: pictures, test: HELD_OUT, seed });
  const { heldOutImages, heldOut } = await heldOutDigits(test);
  const network = networkOf(seed);
  let stepsDone = 0;

  return {
    network,
    stepCount: Math.ceil(pictures / batchSize) * epochs,
    get stepsDone() {
      return stepsDone;
    },
    heldOut,
    heldOutImages,
    train: async (goesOn) => {
      await fit(network, train, {
        optimizer: adam(learningRate),
        loss: "crossEntropy",
        epochs,
        batchSize,
        seed,
        progress: false,
        callbacks: [
          {
            onStepEnd: async (step, run) => {
              const loss = await step.loss();
              stepsDone = step.step + 1;
              const result = { step: stepsDone, epoch: step.epoch + 1, images: step.size, loss };
              if (!(await goesOn(result))) run.stop("stopped by the reader");
            },
          },
        ],
      });
    },
    predict: async () => {
      const probabilities = ops.softmax(await predict(network, heldOutImages));
      return mostLikely(Array.from(await probabilities.data(), Number));
    },
  };
}

async function heldOutDigits(test: Dataset): Promise<{ heldOutImages: Tensor; heldOut: readonly Digit[] }> {
  const { x, y } = await test.gather(Array.from({ length: test.length }, (_, i) => i));
  const pixels = Float32Array.from(x?.data ?? []);
  const heldOut = Array.from(y?.data ?? [], (label, i) => ({
    pixels: pixels.slice(i * PIXELS, (i + 1) * PIXELS),
    label,
  }));
  return { heldOutImages: tensor(pixels, { shape: [test.length, ...test.inputShape] }), heldOut };
}

/** The largest of ten probabilities, digit by digit. */
function mostLikely(probabilities: readonly number[]): Prediction[] {
  return Array.from({ length: probabilities.length / 10 }, (_, row) => {
    const ten = probabilities.slice(row * 10, row * 10 + 10);
    const probability = Math.max(...ten);
    return { digit: ten.indexOf(probability), probability };
  });
}

/** The share of right predictions, from 0 to 1. */
export function accuracyOf(predictions: readonly Prediction[], digits: readonly Digit[]): number {
  return predictions.filter(({ digit }, i) => digit === digits[i]?.label).length / digits.length;
}
