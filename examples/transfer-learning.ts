// Transfer learning, from a network of somebody else and from one of our own: a new head on a trained body, first the head
// alone, then more. Run it with a folder of data:
//
//   node examples/transfer-learning.ts DATA     (Node 22.18 or newer; before that, npx tsx)
//
// DATA/onnx/models/cifar_resnet20_opset11/model.onnx is a ResNet-20 that knows CIFAR-10; DATA/data/fashion-mnist holds the
// four files of Fashion-MNIST.
import {
  adam,
  arrayDataset,
  cpu,
  dense,
  evaluate,
  exportOnnx,
  fashionMnist,
  fit,
  importOnnxFile,
  lenet5,
  loadParameters,
  saveParameters,
  sequential,
  syntheticDigits,
  take,
  useBackend,
  type ArrayDataset,
  type ImportedModel,
  type Module,
} from "convoke";
import path from "node:path";
import { argv } from "node:process";
import { pathToFileURL } from "node:url";

/** What came of one net: accuracies on pictures that it was not trained on, and how far ONNX Runtime is from us. */
export interface Transferred {
  /** With the new head trained alone. */
  readonly headAlone: number;
  /** After more of the weights were trained too. */
  readonly fineTuned: number;
  /** Parameters of the body whose values changed while the head was trained alone: none. */
  readonly moved: readonly string[];
  /** Those whose values changed in the second step: the thawed ones. */
  readonly thawed: readonly string[];
  /** max|a − b| / max(1, max|b|) of the exported file. */
  readonly onnxMaxAbsDiff: number;
}

interface Task {
  readonly body: Module;
  /** The weights of the body that are trained in the second step. */
  readonly thaw: RegExp;
  readonly inputShape: readonly number[];
  readonly classes: readonly string[];
  readonly train: ArrayDataset;
  readonly test: ArrayDataset;
}

async function transfer({ body, thaw, inputShape, classes, train, test }: Task): Promise<Transferred> {
  const model = sequential({ body, head: dense({ units: classes.length }) }).build(inputShape);
  const settings = { loss: "crossEntropy", batchSize: 50, seed: 1 } as const;
  const accuracy = async (): Promise<number> =>
    (await evaluate(model, test, { metrics: ["accuracy"] })).accuracy!;

  // 1. The body keeps what it has learned: optimizers see the head only.
  body.freeze();
  const before = await body.state();
  await fit(model, train, { ...settings, optimizer: adam(1e-2), epochs: 4 });
  const headAlone = await accuracy();
  const after = await body.state();
  const moved = changed(before, after);

  // 2. More of the body learns along, in small steps.
  body.unfreeze(thaw);
  await fit(model, train, { ...settings, optimizer: adam(1e-3), epochs: 2 });
  const fineTuned = await accuracy();
  const thawed = changed(after, await body.state());

  // The whole is a model like any other: it goes out as one file, verified, its class names in it.
  const { maxAbsDiff } = await exportOnnx(model, { verify: true, metadata: { classes } });
  return { headAlone, fineTuned, moved, thawed, onnxMaxAbsDiff: maxAbsDiff! };
}

type State = Readonly<Record<string, { readonly data: ArrayBufferView }>>;

/** The names of the values that are not the same byte for byte. */
function changed(before: State, after: State): string[] {
  const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer =>
    Buffer.from(buffer, byteOffset, byteLength);
  return Object.keys(before).filter((name) => !bytes(before[name]!.data).equals(bytes(after[name]!.data)));
}

/** A ResNet-20 that knows the ten things of CIFAR-10 learns ten kinds of clothes, from 1,000 pictures. */
export async function clothesFromResNet(folder: string): Promise<Transferred> {
  const file = path.join(folder, "onnx/models/cifar_resnet20_opset11/model.onnx");
  const whole: ImportedModel = await importOnnxFile(file);
  const clothes = await fashionMnist({ dataDir: path.join(folder, "data/fashion-mnist") });
  return transfer({
    // Up to the 64 features in front of its classifier.
    body: whole.cut("/Flatten_output_0"),
    // All its weights: they are named by the convolutions, into which batch norm is folded.
    thaw: /Conv_/,
    inputShape: [3, 32, 32],
    classes: clothes.train.classes,
    train: asColour(take(clothes.train, 1000), 1000),
    test: asColour(take(clothes.test, 400), 400),
  });
}

/** Grey pictures of 28 × 28 in the middle of three equal planes of 32 × 32: what a CIFAR net takes. */
function asColour(grey: ArrayDataset, count: number): ArrayDataset {
  const { x, y } = grey.gather(Array.from({ length: count }, (_, i) => i));
  const data = new Float32Array(count * 3 * 32 * 32);
  for (let picture = 0; picture < count; picture++)
    for (let plane = 0; plane < 3; plane++)
      for (let row = 0; row < 28; row++) {
        const from = (picture * 28 + row) * 28;
        const to = ((picture * 3 + plane) * 32 + row + 2) * 32 + 2;
        data.set(Float32Array.from(x!.data.subarray(from, from + 28), Number), to);
      }
  return arrayDataset({ fields: { x: { data, shape: [3, 32, 32] }, y: { data: y!.data, shape: [] } } });
}

/** A LeNet-5 of our own, saved after it has learned ten digits, learns to tell odd from even. */
export async function parityFromLenet(): Promise<Transferred> {
  const digits = syntheticDigits({ train: 1000, test: 300, seed: 3 });
  const trained = lenet5();
  await fit(trained, digits.train, {
    loss: "crossEntropy",
    batchSize: 50,
    seed: 1,
    optimizer: adam(2e-3),
    epochs: 6,
  });
  const checkpoint = await saveParameters(trained);

  const restored = lenet5();
  loadParameters(restored, checkpoint);
  // All layers but the last: their names are those of the checkpoint.
  const names = Object.keys(restored.namedModules()).filter((name) => name !== "" && name !== "output");
  return transfer({
    body: sequential(Object.fromEntries(names.map((name) => [name, restored.layer(name)]))),
    thaw: /fc/,
    inputShape: [1, 28, 28],
    classes: ["even", "odd"],
    train: parityOf(digits.train, 1000),
    test: parityOf(digits.test, 300),
  });
}

function parityOf(digits: ArrayDataset, count: number): ArrayDataset {
  const { x, y } = digits.gather(Array.from({ length: count }, (_, i) => i));
  const odd = Int32Array.from(y!.data, (label) => Number(label) % 2);
  return arrayDataset({
    fields: { x: { data: x!.data, shape: [1, 28, 28] }, y: { data: odd, shape: [] } },
  });
}

async function main(folder: string): Promise<void> {
  await useBackend(await cpu());
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  for (const [name, result] of [
    ["CIFAR ResNet-20 → clothes", await clothesFromResNet(folder)],
    ["LeNet-5 → odd and even", await parityFromLenet()],
  ] as const) {
    console.log(
      `${name}: head alone ${percent(result.headAlone)}, fine-tuned ${percent(result.fineTuned)}; ` +
        `in ONNX Runtime the same up to ${result.onnxMaxAbsDiff.toExponential(1)}`,
    );
  }
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) await main(argv[2] ?? ".");
