// What a file says about its input reaches the pixels that it gets.
import { read, tensor, type Module, type Tensor } from "@convoke/core";
import { syntheticDigits } from "@convoke/datasets";
import { conv2d, dense, flatten, globalAvgPool2d, input, relu, sequential } from "@convoke/layers";
import { exportOnnx, readModel, writeModel, type ExportOptions, type Preprocessing } from "@convoke/onnx";
import { encode } from "fast-png";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openClassifier } from "./classifier.js";
import { evaluateCommand } from "./commands/evaluate.js";
import { predictCommand } from "./commands/predict.js";
import { readPicture } from "./image-file.js";
import { pictureToInput } from "./picture-to-input.js";
import type { Terminal } from "./terminal.js";

const testData = process.env["CONVOKE_TEST_DATA"];
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "convoke-classifier-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;

/** Writes a model as a file, and gives its path. */
async function written<Out>(model: Module<Tensor, Out>, options: ExportOptions = {}): Promise<string> {
  const { bytes } = await exportOnnx(model, options);
  const file = path.join(folder, `model-${count++}.onnx`);
  writeFileSync(file, bytes);
  return file;
}

/** What a file answers to one picture of [channels, height, width] in [0, 1]. */
async function answer(file: string, pixels: readonly number[]): Promise<number[]> {
  const classifier = await openClassifier(file, { threads: 1 });
  try {
    const { data } = await classifier.scores(Float32Array.from(pixels), 1);
    return Array.from(data, (value) => Number(value.toFixed(4)));
  } finally {
    await classifier.dispose();
  }
}

/** A net that gives its input back, number by number. */
function echo(...shape: number[]): Module<Tensor, Tensor> {
  return sequential(input(...shape), flatten());
}

/** Two pixels above each other, three colours: 0.2, 0.4; 0.6, 0.8; 1, 0. */
const colours = [0.2, 0.4, 0.6, 0.8, 1, 0];

function withPreprocessing(preprocessing: Preprocessing): ExportOptions {
  return { metadata: { preprocessing } };
}

describe("a file's metadata", () => {
  it("normalise each channel, or all alike", async () => {
    const each = withPreprocessing({ mean: [0.2, 0.6, 0], std: [0.1, 0.2, 0.5] });
    expect(await answer(await written(echo(3, 2, 1), each), colours)).toEqual([0, 2, 0, 1, 2, 0]);
    const all = withPreprocessing({ mean: [0.2], std: [0.5] });
    expect(await answer(await written(echo(3, 2, 1), all), colours)).toEqual([0, 0.4, 0.8, 1.2, 1.6, -0.4]);
    expect(await answer(await written(echo(1, 2, 1), all), [0.2, 1])).toEqual([0, 1.6]);
    expect(await answer(await written(echo(3, 2, 1)), colours)).toEqual(colours);
  });

  it("say the range, in whose units mean and std are", async () => {
    const bytes = withPreprocessing({ range: [0, 255], mean: [51], std: [2] });
    expect(await answer(await written(echo(1, 2, 1), bytes), [0.2, 1])).toEqual([0, 102]);
    const signed = withPreprocessing({ range: [-1, 1] });
    expect(await answer(await written(echo(1, 2, 1), signed), [0.5, 1])).toEqual([0, 1]);
  });

  it("say the layout; without a word the place of the colours does", async () => {
    const last = [0.2, 0.6, 1, 0.4, 0.8, 0];
    const told = withPreprocessing({ layout: "NHWC", mean: [0.2, 0, 0] });
    expect(await answer(await written(echo(2, 1, 3), told), colours)).toEqual([0, 0.6, 1, 0.2, 0.8, 0]);
    expect(await answer(await written(echo(2, 1, 3)), colours)).toEqual(last);
  });

  it("say the size where the input leaves it open", async () => {
    const pooled = sequential(input(3, 4, 6), globalAvgPool2d());
    const { bytes } = await exportOnnx(pooled, withPreprocessing({ mean: [0.5] }));
    const model = readModel(bytes);
    const open = model.graph.inputs.map((info) => ({
      ...info,
      type: { kind: "tensor", dtype: "float32", shape: ["N", 3, "H", "W"] } as const,
    }));
    const file = path.join(folder, "open.onnx");
    writeFileSync(file, writeModel({ ...model, graph: { ...model.graph, inputs: open } }));
    const classifier = await openClassifier(file);
    expect(classifier.inputShape).toEqual([3, 4, 6]);
    await classifier.dispose();
  });

  it("are refused where they contradict the input", async () => {
    const two = withPreprocessing({ mean: [0.5, 0.5] });
    await expect(answer(await written(echo(3, 2, 1), two), colours)).rejects.toThrow(
      "its metadata normalise 2 channels, its input has 3",
    );
    const large = withPreprocessing({ size: [9, 9] });
    await expect(answer(await written(echo(3, 2, 1), large), colours)).rejects.toThrow(
      "its metadata say 9 × 9 pixels, its input has 2 × 1",
    );
  });

  it.each([
    [{ layout: "CHWN" }, '"layout" as "NCHW" or "NHWC"'],
    [{ size: [0, 3] }, '"size" as height and width'],
    [{ range: [1, 0] }, '"range" as two numbers, from black to white'],
    [{ mean: [] }, '"mean" as a list of numbers'],
    [{ std: [0] }, '"std" as a list of numbers above 0'],
    [[1], "an object"],
  ])("are refused in another form: %j", async (entry, rule) => {
    const entries = { "convoke.preprocessing": JSON.stringify(entry) };
    const file = await written(echo(3, 2, 1), { metadata: { entries } });
    await expect(openClassifier(file)).rejects.toThrow(rule);
  });
});

function recorder(): { terminal: Terminal; results: Readonly<Record<string, unknown>>[] } {
  const results: Readonly<Record<string, unknown>>[] = [];
  const terminal: Terminal = {
    json: true,
    interactive: false,
    columns: 80,
    print: () => undefined,
    progress: () => undefined,
    result: (value) => results.push(value),
  };
  return { terminal, results };
}

describe("a file that takes pixels", () => {
  const normal = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

  it("gets bytes, channels last", async () => {
    const options = withPreprocessing({ mean: [0.2, 0, 0] });
    const file = await written(echo(3, 2, 1), { ...options, preprocessing: "inside" });
    expect(await answer(file, colours)).toEqual([0, 0.2, 0.6, 0.8, 1, 0]);
  });

  it("is evaluated and predicts like one that does not", async () => {
    const digits = sequential(
      input(1, 28, 28),
      conv2d({ filters: 4, kernelSize: 5, stride: 2 }),
      relu(),
      flatten(),
      dense({ units: 10 }),
    );
    const metadata = { preprocessing: { mean: [0.13], std: [0.31] }, classes: [..."abcdefghij"] };
    const files = [
      await written(digits, { metadata }),
      await written(digits, { metadata, preprocessing: "inside", softmax: true, classIndex: true }),
    ];
    const { terminal, results } = recorder();
    const picture = path.join(folder, "digit.png");
    const { test } = syntheticDigits({ train: 1, test: 1 });
    const data = Uint8Array.from(test.gather([0])["x"]!.data, (value) => Math.round(255 * Number(value)));
    writeFileSync(picture, encode({ width: 28, height: 28, channels: 1, data }));
    for (const file of files) {
      const options = { dataset: "synthetic-digits", limit: 40, batchSize: 16 };
      await evaluateCommand(file, options, terminal);
      await predictCommand(file, [picture], { top: 3, invert: false, terminal });
    }
    const [evaluated, predicted, evaluatedInside, predictedInside] = results;
    expect(evaluatedInside!["confusion"]).toEqual(evaluated!["confusion"]);
    expect(evaluatedInside!["loss"]).toBeCloseTo(evaluated!["loss"] as number, 2);
    type Predictions = { class: string; probability: number }[];
    const [[outside], [inside]] = [predicted, predictedInside].map(
      (result) => result!["predictions"] as Predictions,
    ) as [Predictions, Predictions];
    expect(inside!.class).toBe(outside!.class);
    expect(inside!.probability).toBeCloseTo(outside!.probability, 4);
  });

  it
    .skipIf(testData === undefined)
    .each(["astronaut.png", "camera.png", "chelsea.png", "coffee.png", "rocket.jpg"])(
    "prepares %s as we do (not run without CONVOKE_TEST_DATA)",
    { timeout: 120_000 },
    async (name) => {
      const picture = await readPicture(path.join(testData ?? "", "images", name));
      const { channels, height, width } = picture;
      const own = pictureToInput(picture, picture);
      const preprocessing = channels === 3 ? normal : { mean: [0.45], std: [0.225] };
      const net = sequential(
        input(channels, height, width),
        conv2d({ filters: 4, kernelSize: 7, stride: 5 }),
        relu(),
        flatten(),
      );
      const options = { metadata: { preprocessing } };
      const inside = await written(net, { ...options, preprocessing: "inside" });
      const outside = await written(net, options);
      const prepared = Float32Array.from(own, (value, i) => {
        const c = Math.floor(i / (height * width));
        return (value - preprocessing.mean[c]!) / preprocessing.std[c]!;
      });
      const expected = (await read(
        net.forward(tensor(prepared, { shape: [1, channels, height, width] })),
      )) as Float32Array;
      const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
      for (const file of [inside, outside]) {
        const classifier = await openClassifier(file);
        const { data } = await classifier.scores(own, 1);
        await classifier.dispose();
        let largest = 0;
        expected.forEach((value, i) => (largest = Math.max(largest, Math.abs(data[i]! - value) / scale)));
        expect(data.length).toBe(expected.length);
        expect(largest).toBeLessThanOrEqual(1e-5);
      }
    },
  );
});
