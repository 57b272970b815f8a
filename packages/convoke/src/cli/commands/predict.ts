import { openClassifier, probabilities, type Classifier } from "../classifier.js";
import { readPicture } from "../image-file.js";
import { pictureToInput, type PictureSize } from "../picture-to-input.js";
import type { Terminal } from "../terminal.js";
import { UsageError } from "../usage-error.js";

export interface PredictOptions {
  /** How many classes to show. */
  readonly top: number;
  /** Dark ink on light paper becomes bright on dark. */
  readonly invert: boolean;
  readonly threads?: number;
}

interface Prediction {
  readonly image: string;
  readonly class: string;
  readonly index: number;
  readonly probability: number;
  readonly probabilities: readonly number[];
}

/** `convoke predict MODEL.onnx IMAGE…`: the classes of pictures, with their probabilities. */
export async function predictCommand(
  file: string,
  images: readonly string[],
  options: PredictOptions & { terminal: Terminal },
): Promise<void> {
  const { top, invert, threads, terminal } = options;
  const classifier = await openClassifier(file, { threads });
  try {
    const size = pictureSize(classifier);
    // All pictures are read before one is predicted: a file that is no picture shows at once.
    const inputs: Float32Array[] = [];
    for (const image of images) inputs.push(pictureToInput(await readPicture(image), size, { invert }));
    const predictions: Prediction[] = [];
    for (const [i, input] of inputs.entries()) {
      const prediction = await predict(classifier, images[i]!, input);
      predictions.push(prediction);
      terminal.print(text(prediction, classifier.metadata.classes, top));
    }
    terminal.result({ model: file, classes: classifier.metadata.classes, predictions });
  } finally {
    await classifier.dispose();
  }
}

async function predict(classifier: Classifier, image: string, input: Float32Array): Promise<Prediction> {
  const { data } = await classifier.scores(input, 1);
  const values = Array.from(probabilities(data));
  const index = values.indexOf(Math.max(...values));
  const name = classifier.metadata.classes[index] ?? String(index);
  return { image, class: name, index, probability: values[index]!, probabilities: values };
}

function text({ image, probabilities: values }: Prediction, classes: readonly string[], top: number): string {
  const ranked = values
    .map((value, i) => ({ value, name: classes[i] ?? String(i) }))
    .sort((a, b) => b.value - a.value);
  const shown = ranked.slice(0, top);
  const width = Math.max(...shown.map(({ name }) => name.length));
  const lines = shown.map(({ name, value }) => {
    const bar = "█".repeat(Math.round(value * 30));
    return `  ${name.padEnd(width)}  ${(100 * value).toFixed(1).padStart(5)} %  ${bar}`.trimEnd();
  });
  return [image, ...lines].join("\n");
}

function pictureSize({ file, inputShape }: Classifier): PictureSize {
  const [channels = 0, height = 0, width = 0] = inputShape;
  if (inputShape.length === 3 && (channels === 1 || channels === 3) && height > 0 && width > 0) {
    return { channels, height, width };
  }
  throw new UsageError({
    operation: `model "${file}"`,
    problem: `it takes [N, ${inputShape.map((dim) => (dim === 0 ? "?" : dim)).join(", ")}], pictures are [N, 1 or 3, height, width].`,
    wayOut: "Predict with a model of pictures whose size is fixed.",
  });
}
