import type { Dataset } from "@convoke/datasets";
import { bestClass, openClassifier, probabilities, type Classifier } from "../classifier.js";
import { confusionMatrix, formatConfusion } from "../confusion-matrix.js";
import { openDataset } from "../dataset-names.js";
import type { Terminal } from "../terminal.js";
import { UsageError } from "../usage-error.js";

export interface EvaluateOptions {
  readonly dataset: string;
  readonly dataDir?: string;
  readonly limit?: number;
  readonly batchSize: number;
  readonly threads?: number;
}

/** `convoke evaluate MODEL.onnx`: runs the file over a test set in ONNX Runtime. */
export async function evaluateCommand(
  file: string,
  options: EvaluateOptions,
  terminal: Terminal,
): Promise<void> {
  const { dataset, dataDir, limit, batchSize, threads } = options;
  const classifier = await openClassifier(file, { threads });
  try {
    const { test } = await openDataset(dataset, { dataDir, testLimit: limit }, terminal);
    assertFits(classifier, test);
    const { loss, pairs, classes } = await evaluateFile(classifier, test, batchSize);
    const correct = pairs.filter(([truth, guess]) => truth === guess).length;
    const accuracy = correct / pairs.length;
    const confusion = confusionMatrix(Math.max(classes, test.classes.length), pairs);
    terminal.print(
      `${file} on ${pairs.length.toLocaleString("en-US")} test images of ${dataset}, run by ${classifier.runtime}`,
    );
    terminal.print(`accuracy ${(100 * accuracy).toFixed(2)} %, loss ${loss.toFixed(4)}\n`);
    terminal.print(formatConfusion(confusion, test.classes));
    terminal.result({
      accuracy,
      loss,
      images: pairs.length,
      confusion,
      classes: test.classes,
      dataset,
      runtime: classifier.runtime,
    });
  } finally {
    await classifier.dispose();
  }
}

/** The mean cross entropy, and the true and predicted class of each image. */
async function evaluateFile(
  classifier: Classifier,
  test: Dataset,
  batchSize: number,
): Promise<{ loss: number; pairs: (readonly [number, number])[]; classes: number }> {
  const pairs: (readonly [number, number])[] = [];
  let total = 0;
  let classCount = 0;
  for (let start = 0; start < test.length; start += batchSize) {
    const count = Math.min(batchSize, test.length - start);
    const { x, y } = await test.gather(Array.from({ length: count }, (_, i) => start + i));
    const { data, classes } = await classifier.scores(Float32Array.from(x!.data), count);
    classCount = classes;
    for (let i = 0; i < count; i++) {
      const row = data.subarray(i * classes, (i + 1) * classes);
      const truth = y!.data[i]!;
      if (truth >= classes) {
        throw new UsageError({
          operation: `evaluate "${classifier.file}"`,
          problem: `the dataset has the label ${truth}, the model gives ${classes} classes.`,
          wayOut: "Evaluate the model on the dataset that it was trained for.",
        });
      }
      total -= Math.log(Math.max(probabilities(row)[truth]!, Number.MIN_VALUE));
      pairs.push([truth, bestClass(row)]);
    }
  }
  return { loss: total / pairs.length, pairs, classes: classCount };
}

/** @throws UsageError when the model takes other pictures than the dataset has. */
function assertFits({ file, inputShape }: Classifier, { name, inputShape: given }: Dataset): void {
  const fits =
    inputShape.length === given.length && inputShape.every((dim, i) => dim === 0 || dim === given[i]);
  if (fits) return;
  const channels = inputShape.length === given.length && inputShape[0] !== given[0];
  throw new UsageError({
    operation: `model "${file}"`,
    problem: `it takes [${inputShape.join(", ")}]${channels ? ` (${inputShape[0]} channels)` : ""}, the images of ${name} are [${given.join(", ")}]${channels ? ` (${given[0]} channels)` : ""}.`,
    wayOut: "Evaluate the model on the dataset that it was trained for.",
  });
}
