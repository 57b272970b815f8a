// One training run: the digits, the network, and a step that is traced once and replayed.
import { compile, softmax, tensor, valueAndGrad, type Tensor } from "@convoke/core";
import { loader, syntheticDigits, type Dataset, type FieldBatch } from "@convoke/datasets";
import { crossEntropy } from "@convoke/layers";
import { adam } from "@convoke/optimizers";
import { lenet5, type Network } from "./network.js";
import type { Digit, Prediction, Settings } from "./protocol.js";

/** Digits that the network never trains on. */
const HELD_OUT = 256;

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
  readonly network: Network;
  /** Optimizer steps of the whole run. */
  readonly stepCount: number;
  readonly stepsDone: number;
  readonly heldOut: readonly Digit[];
  /** The same as one tensor [N, 1, 28, 28]. */
  readonly heldOutImages: Tensor;
  /** Does one step each time it is asked for the next result. */
  steps(): AsyncGenerator<StepResult, void, undefined>;
  /** What the network says about each held-out digit now. */
  predict(): Promise<Prediction[]>;
}

/** Draws the digits and builds the network. Everything hangs on the settings: the same ones give the same run. */
export async function startTraining(settings: Settings): Promise<TrainingRun> {
  const { seed, learningRate, batchSize, pictures, epochs } = settings;
  const { train, test } = syntheticDigits({ train: pictures, test: HELD_OUT, seed });
  const batches = loader(train, { batchSize, shuffle: true, seed });
  const network = lenet5(seed);
  const parameters = network.parameters();
  const optimizer = adam(learningRate).init(parameters);

  const lossAndGradients = valueAndGrad(
    (x: Tensor, y: Tensor) => crossEntropy(network.forward(x, { training: true }), y),
    parameters,
  );
  const trainStep = compile(function trainingStep(x: Tensor, y: Tensor, scalars: Record<string, Tensor>) {
    const [loss, gradients] = lossAndGradients(x, y);
    optimizer.update(parameters, gradients, { scalars });
    return loss;
  });
  const classify = compile(function classify(x: Tensor) {
    return softmax(network.forward(x));
  });

  let stepsDone = 0;
  async function* steps(): AsyncGenerator<StepResult, void, undefined> {
    for (let epoch = 0; epoch < epochs; epoch++) {
      for await (const { fields, size } of batches.epoch(epoch)) {
        const scalars = optimizer.scalarTensors(stepsDone);
        const loss = await trainStep(toTensor(fields["x"]), toTensor(fields["y"]), scalars);
        stepsDone++;
        yield { step: stepsDone, epoch: epoch + 1, images: size, loss: Number(await loss.item()) };
      }
    }
  }

  const { heldOutImages, heldOut } = await heldOutDigits(test);
  return {
    network,
    stepCount: batches.batches * epochs,
    get stepsDone() {
      return stepsDone;
    },
    heldOut,
    heldOutImages,
    steps,
    predict: async () => mostLikely(Array.from(await (await classify(heldOutImages)).data(), Number)),
  };
}

async function heldOutDigits(test: Dataset): Promise<{ heldOutImages: Tensor; heldOut: readonly Digit[] }> {
  const { x, y } = await test.gather(Array.from({ length: test.length }, (_, i) => i));
  const pixels = Float32Array.from(x?.data ?? []);
  const heldOut = Array.from(y?.data ?? [], (label, i) => ({
    pixels: pixels.slice(i * 784, (i + 1) * 784),
    label,
  }));
  return { heldOutImages: toTensor(x), heldOut };
}

function toTensor(field: FieldBatch | undefined): Tensor {
  if (field === undefined) throw new Error("The digits have no such field.");
  return tensor(field.data, { shape: field.shape });
}

/** The largest of ten probabilities, digit by digit. */
function mostLikely(probabilities: readonly number[]): Prediction[] {
  return Array.from({ length: probabilities.length / 10 }, (_, row) => {
    const ten = Array.from({ length: 10 }, (_, digit) => probabilities[row * 10 + digit] ?? 0);
    const probability = Math.max(...ten);
    return { digit: ten.indexOf(probability), probability };
  });
}

/** The share of right predictions, from 0 to 1. */
export function accuracyOf(predictions: readonly Prediction[], digits: readonly Digit[]): number {
  return predictions.filter(({ digit }, i) => digit === digits[i]?.label).length / digits.length;
}
