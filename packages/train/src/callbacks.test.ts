import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { dense, input, sequential } from "@convoke/layers";
import { sgd } from "@convoke/optimizers";
import { describe, expect, it } from "vitest";
import { blobs, valuesOf } from "../test/toy-data.js";
import {
  bestCheckpoint,
  csvLogger,
  decodeSafetensors,
  earlyStopping,
  fit,
  jsonLinesLogger,
  progressBar,
  progressLines,
  type Callback,
  type EpochRecord,
  type FitOptions,
  type Terminal,
} from "./index.js";

const net = () => sequential(input(2), dense({ units: 3 }));
const options: FitOptions = {
  optimizer: sgd(0.5),
  loss: "crossEntropy",
  epochs: 12,
  batchSize: 30,
  progress: false,
};
// Outputs shall become 0: a loss that goes down at first, and up again once the rate is too large for it.
const unsteady: FitOptions = {
  ...options,
  optimizer: sgd((step) => (step < 8 ? 0.5 : 8)),
  loss: (outputs) => outputs.square().mean(),
};

describe("early stopping", () => {
  it("waits for so many epochs, and puts the best parameters back", async () => {
    const model = net();
    const seen: { loss: number; values: number[] }[] = [];
    const spy: Callback = {
      async onEpochEnd({ valLoss }, run) {
        seen.push({ loss: valLoss!, values: await valuesOf(run.model) });
      },
    };
    const history = await fit(model, blobs(60), {
      ...unsteady,
      validation: blobs(30, 9),
      callbacks: [spy, earlyStopping({ patience: 3, restoreBest: true })],
    });
    const best = seen.reduce((a, b) => (b.loss < a.loss ? b : a));
    expect(history.epochs).toHaveLength(seen.indexOf(best) + 4);
    expect(history.stopped).toBe("no better for 3 epochs");
    expect(await valuesOf(model)).toEqual(best.values);
  });

  it("knows that more accuracy is better, and refuses what is not measured", async () => {
    const { epochs } = await fit(net(), blobs(60), {
      ...options,
      callbacks: [earlyStopping({ monitor: "accuracy", patience: 2 })],
    });
    const accuracies = epochs.map(({ accuracy }) => accuracy!);
    expect(accuracies.indexOf(Math.max(...accuracies))).toBe(epochs.length - 3);
    const unknown = fit(net(), blobs(60), { ...options, callbacks: [earlyStopping({ monitor: "valLoss" })] });
    await expect(unknown).rejects.toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: monitor: "valLoss" is not measured; the epochs hold epoch, step, loss, accuracy, learningRate.
        Watch one of these, add the metric, or give validation data.]
    `);
  });
});

describe("the best checkpoint", () => {
  it("is saved each time that an epoch is better, as a file of parameters", async () => {
    const dir = await mkdtemp(path.join(tmpdir(), "convoke-"));
    try {
      const file = path.join(dir, "deep", "best.safetensors");
      const saved: EpochRecord[] = [];
      const { epochs } = await fit(net(), blobs(60), {
        ...unsteady,
        callbacks: [bestCheckpoint({ file, save: (_, record) => void saved.push(record) })],
      });
      const losses = epochs.map(({ loss }) => loss);
      expect(saved.at(-1)!.loss).toBe(Math.min(...losses));
      expect(saved.length).toBeLessThan(epochs.length);
      const { tensors } = decodeSafetensors(await readFile(file));
      expect(Object.keys(tensors).sort()).toEqual(["0.bias", "0.weight"]);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it("says where it could not be written", async () => {
    const run = fit(net(), blobs(60), {
      ...options,
      epochs: 1,
      checkpoint: { dir: path.join("/dev/null", "folder") },
    });
    await expect(run).rejects.toThrow(
      /write "\/dev\/null\/folder\/checkpoint.safetensors": it cannot be written: ENOTDIR/,
    );
  });
});

describe("loggers", () => {
  it("write a line per epoch", async () => {
    const csv: string[] = [];
    const json: string[] = [];
    const { epochs } = await fit(net(), blobs(60), {
      ...options,
      epochs: 2,
      callbacks: [csvLogger((line) => void csv.push(line)), jsonLinesLogger((line) => void json.push(line))],
    });
    expect(csv[0]).toBe("epoch,step,loss,accuracy,learningRate");
    expect(csv[2]!.split(",").map(Number)).toEqual([1, 4, epochs[1]!.loss, epochs[1]!.accuracy, 0.5]);
    expect(json.map((line) => JSON.parse(line) as unknown)).toEqual(epochs);
  });
});

describe("progress", () => {
  const terminal = (isInteractive: boolean): Terminal & { text: string } => ({
    isInteractive,
    columns: 60,
    text: "",
    write(text) {
      this.text += text;
    },
  });

  it("is a line per epoch where lines cannot be written over", async () => {
    const plain = terminal(false);
    await fit(net(), blobs(60), { ...options, epochs: 2, progress: progressLines(plain) });
    expect(plain.text).toMatch(
      /^(epoch [12]\/2 {2}loss \d\.\d{4} {2}accuracy \d\.\d{4} {2}learningRate 0\.5000\n){2}$/,
    );
  });

  it("is a bar that is drawn over and over in a terminal, never wider than it", () => {
    const shown = terminal(true);
    const bar = progressBar(shown);
    bar.start({ epochs: 3, batches: 8, parameters: 9 });
    bar.step({ epoch: 0, batch: 2, batches: 8, step: 2, loss: 1.25, examplesPerSecond: 123.4 });
    const drawn = "epoch 1/3 ██████░░░░░░░░░░░░░░░░░░  25%  loss 1.2500  123/s";
    expect(shown.text).toBe(`\r\u001b[K${drawn}`);
    expect(shown.text.slice(4).length).toBeLessThan(60);
    bar.step({ epoch: 0, batch: 2, batches: undefined, step: 2, loss: undefined, examplesPerSecond: 5 });
    bar.epoch({ epoch: 0, step: 8, loss: 1e-5, learningRate: 0.1 });
    expect(shown.text.split("\r\u001b[K").slice(2)).toEqual([
      "epoch 1/3 batch 2  5/s",
      "epoch 1/3  loss 1.00e-5  learningRate 0.1000\n",
    ]);
  });
});
