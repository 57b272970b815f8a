import { swiftShaderEnvironment } from "@convoke-tooling/browser";
import {
  cpu,
  lenet5,
  loadParameters,
  mnist,
  onnxRunner,
  predict,
  read,
  syntheticDigits,
  tensor,
  useBackend,
  reference,
} from "convoke";
import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleCommand, expectMistake, resultOf, runCommand, startCommand } from "./command.js";
import { differenceOf } from "./lenet5-losses.js";

const testData = process.env["CONVOKE_TEST_DATA"];
const full = process.env["CONVOKE_FULL"] !== undefined;
const results = ["curve.svg", "metrics.jsonl", "model.onnx", "model.safetensors", "summary.txt"];
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), "convoke-command-"));
  await bundleCommand();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A short training run on drawn digits. */
function trainArgs(out: string, ...more: string[]): string[] {
  // The reference backend is slow enough to be interrupted.
  const short = ["--dataset", "synthetic-digits", "--limit", "160", "--epochs", "2", "--seed", "3"];
  const slow = ["--backend", "reference"];
  return [
    "train",
    "--model",
    "lenet5",
    ...short,
    ...slow,
    "--out",
    path.join(folder, out),
    "--json",
    ...more,
  ];
}

function fileIn(out: string, name: string): Buffer {
  return readFileSync(path.join(folder, out, name));
}

describe("convoke train", () => {
  it("trains, tests, exports, verifies, and writes its files", async () => {
    const outcome = await runCommand(trainArgs("first"));
    expect(outcome.code, outcome.stderr).toBe(0);
    const result = resultOf(outcome);
    expect(result).toMatchObject({
      epochs: 2,
      parameters: 61_706,
      backend: "reference",
      model: "lenet5",
      dataset: "synthetic-digits",
      trainImages: 160,
      steps: 10,
      seed: 3,
    });
    for (const key of ["testAccuracy", "testLoss", "trainImagesPerSecond", "onnxMaxAbsDiff"]) {
      expect(result[key], key).toBeTypeOf("number");
    }
    expect(result["onnxMaxAbsDiff"]).toBeLessThanOrEqual(1e-5);
    expect(readdirSync(path.join(folder, "first")).sort()).toEqual(["checkpoint.safetensors", ...results]);
    const lines = fileIn("first", "metrics.jsonl").toString().trimEnd().split("\n");
    const kinds = lines.map((line) => (JSON.parse(line) as { kind: string }).kind);
    expect(kinds.filter((kind) => kind === "step")).toHaveLength(10);
    expect(kinds.filter((kind) => kind === "epoch")).toHaveLength(2);
    expect(outcome.stderr).toContain("122,304");
    expect(outcome.stdout.trimEnd().split("\n")).toHaveLength(1);
  });

  it("writes a model.onnx that ONNX Runtime computes as we do, at batch 1, 7 and 64", async () => {
    await useBackend(reference());
    const model = lenet5();
    loadParameters(model, fileIn("first", "model.safetensors"));
    const session = await (await onnxRunner()).open(fileIn("first", "model.onnx"));
    const { test } = syntheticDigits({ train: 1, test: 64 });
    for (const batch of [1, 7, 64]) {
      const x = test.gather(Array.from({ length: batch }, (_, i) => i))["x"]!;
      const data = Float32Array.from(x.data);
      const { output } = await session.run({ input: { dtype: "float32", shape: x.shape, data } });
      const ours = await read(await predict(model, tensor(data, { shape: x.shape })));
      expect(output?.shape).toEqual([batch, 10]);
      const differences = Array.from(ours as Float32Array, (value, i) =>
        Math.abs(value - Number(output!.data[i])),
      );
      expect(Math.max(...differences)).toBeLessThan(1e-5);
    }
    await session.dispose();
  });

  it("gives the same bytes again from the same seed, also when it was interrupted and resumed", async () => {
    const running = startCommand(trainArgs("resumed"));
    while (!running.stderr.includes("epoch 1/2")) await new Promise((resolve) => setTimeout(resolve, 20));
    running.interrupt();
    const stopped = await running.ended;
    expect(stopped.stderr).toContain("Run the same command with --resume");
    expect(stopped.code).toBe(130);
    expect(readdirSync(path.join(folder, "resumed"))).toEqual(["checkpoint.safetensors"]);

    const other = await runCommand(trainArgs("resumed", "--resume", "--batch-size", "16"));
    expectMistake(other, 2, /checkpoint was made with batch size 32, this run has batch size 16/);
    const otherSeed = await runCommand(trainArgs("resumed", "--resume", "--seed", "5"));
    expectMistake(otherSeed, 2, /checkpoint was made with seed \d+, this run has seed 5/);
    const outcome = await runCommand(trainArgs("resumed", "--resume"));
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(fileIn("resumed", "model.safetensors").equals(fileIn("first", "model.safetensors"))).toBe(true);
    expect(fileIn("resumed", "model.onnx").equals(fileIn("first", "model.onnx"))).toBe(true);
    const losses = (out: string): string[] =>
      fileIn(out, "metrics.jsonl")
        .toString()
        .split("\n")
        .filter((line) => line.includes('"kind":"step"'));
    expect(losses("resumed")).toEqual(losses("first"));
  });

  it("trains in mixed precision", async () => {
    const outcome = await runCommand(
      trainArgs("mixed", "--precision", "mixed", "--epochs", "1", "--limit", "64"),
    );
    expect(outcome.code, outcome.stderr).toBe(0);
    expect(resultOf(outcome)).toMatchObject({ precision: "mixed", lossScale: 65_536, steps: 2 });
    const [epoch] = fileIn("mixed", "metrics.jsonl")
      .toString()
      .split("\n")
      .filter((line) => line.includes('"kind":"epoch"'));
    expect(JSON.parse(epoch!)).toMatchObject({ lossScale: 65_536 });
    expect(fileIn("mixed", "model.safetensors").equals(fileIn("first", "model.safetensors"))).toBe(false);
  });

  it("names step and layer when the loss is not finite, and leaves what was there before", async () => {
    cpSync(path.join(folder, "first"), path.join(folder, "kept"), { recursive: true });
    const outcome = await runCommand(trainArgs("kept", "--lr", "1e9"));
    expectMistake(outcome, 1, /step \d+ \(batch \d+ of epoch 0.*first \w+ "\w+" gives -?(Infinity|NaN)/);
    for (const name of ["checkpoint.safetensors", ...results]) {
      expect(fileIn("kept", name).equals(fileIn("first", name)), name).toBe(true);
    }
  });

  it("trains on the official files", async (context) => {
    if (testData === undefined) return context.skip("CONVOKE_TEST_DATA is not set");
    for (const dataset of ["mnist", "fashion-mnist"]) {
      const outcome = await runCommand([
        ...[
          "train",
          "--model",
          "lenet5",
          "--dataset",
          dataset,
          "--data-dir",
          path.join(testData, "data", dataset),
        ],
        ...["--limit", "6000", "--epochs", "2", "--seed", "1", "--out", path.join(folder, dataset), "--json"],
      ]);
      expect(outcome.code, outcome.stderr).toBe(0);
      const result = resultOf(outcome);
      expect(result).toMatchObject({ backend: "cpu", testImages: 10_000, trainImages: 6_000 });
      expect(result["onnxMaxAbsDiff"]).toBeLessThanOrEqual(1e-5);
      expect(result["testAccuracy"]).toBeGreaterThanOrEqual(dataset === "mnist" ? 0.93 : 0.7);
    }
  });

  it("predicts the same on MNIST in ONNX Runtime, at batch 1, 7 and 64", async (context) => {
    if (testData === undefined) return context.skip("CONVOKE_TEST_DATA is not set");
    const backend = await cpu({ threads: 1 });
    await useBackend(backend);
    const model = lenet5();
    loadParameters(model, fileIn("mnist", "model.safetensors"));
    const session = await (await onnxRunner()).open(fileIn("mnist", "model.onnx"));
    const { test } = await mnist({ dataDir: path.join(testData, "data/mnist") });
    const digitsOf = (scores: ArrayLike<number | bigint>): number[] =>
      Array.from({ length: scores.length / 10 }, (_, i) => {
        const row = Array.from({ length: 10 }, (_, digit) => Number(scores[10 * i + digit]));
        return row.indexOf(Math.max(...row));
      });
    let position = 0;
    for (const batch of [1, 7, 64, 1, 7, 64]) {
      const x = test.gather(Array.from({ length: batch }, () => position++))["x"]!;
      const data = Float32Array.from(x.data);
      const { output } = await session.run({ input: { dtype: "float32", shape: x.shape, data } });
      const ours = await read(await predict(model, tensor(data, { shape: x.shape })));
      expect(digitsOf(output!.data as Float32Array)).toEqual(digitsOf(ours));
    }
    await session.dispose();
    await backend.dispose();
    await useBackend(reference());
  });

  // A processor that plays the GPU takes minutes for the 10,000 images of the test.
  it.runIf(full)(
    "follows the losses of cpu on webgpu (not run without CONVOKE_FULL)",
    { timeout: 900_000 },
    async (context) => {
      if (testData === undefined) return context.skip("CONVOKE_TEST_DATA is not set");
      const data = ["--dataset", "mnist", "--data-dir", path.join(testData, "data/mnist"), "--limit", "2000"];
      const environment = await swiftShaderEnvironment();
      const { backends } = resultOf(await runCommand(["backends", "--json"], environment)) as {
        backends: { name: string; available: boolean; reason?: string }[];
      };
      const { available, reason } = backends.find(({ name }) => name === "webgpu")!;
      if (!available) return context.skip(`not run: ${reason}`);
      const curves: number[][] = [];
      for (const backend of ["webgpu", "cpu"]) {
        const out = path.join(folder, `on-${backend}`);
        const outcome = await runCommand(
          [
            ...["train", "--model", "lenet5", ...data, "--epochs", "1", "--seed", "2"],
            ...["--backend", backend, "--out", out, "--json"],
          ],
          environment,
        );
        expect(outcome.code, outcome.stderr).toBe(0);
        expect(resultOf(outcome)).toMatchObject({ backend });
        const lines = fileIn(`on-${backend}`, "metrics.jsonl").toString().trimEnd().split("\n");
        const rows = lines.map((line) => JSON.parse(line) as { kind: string; loss: number });
        curves.push(rows.filter(({ kind }) => kind === "step").map(({ loss }) => loss));
      }
      expect(curves[0]!.length).toBeGreaterThan(3);
      expect(differenceOf(curves[0]!, curves[1]!)).toBeLessThan(1e-3);
    },
  );

  it("gives the same bytes with one thread and with two", async () => {
    const train = (out: string, threads: string): string[] => [
      ...["train", "--model", "lenet5", "--dataset", "synthetic-digits", "--limit", "320", "--epochs", "1"],
      ...["--seed", "5", "--backend", "cpu", "--threads", threads, "--out", path.join(folder, out), "--json"],
    ];
    for (const threads of ["1", "2"]) {
      const outcome = await runCommand(train(`threads${threads}`, threads));
      expect(outcome.code, outcome.stderr).toBe(0);
    }
    const [one, two] = [fileIn("threads1", "model.safetensors"), fileIn("threads2", "model.safetensors")];
    expect(one.equals(two)).toBe(true);
  });
});

describe("convoke evaluate, predict, inspect, backends", () => {
  it("evaluates a file in ONNX Runtime", async () => {
    const model = path.join(folder, "first/model.onnx");
    const outcome = await runCommand(["evaluate", model, "--dataset", "synthetic-digits", "--json"]);
    const { accuracy, confusion, images } = resultOf(outcome);
    const trained = JSON.parse(fileIn("first", "metrics.jsonl").toString().trimEnd().split("\n").at(-1)!) as {
      testAccuracy: number;
    };
    expect(accuracy).toBeCloseTo(trained.testAccuracy, 2);
    expect((confusion as number[][]).flat().reduce((sum, count) => sum + count, 0)).toBe(images);
  });

  it("predicts pictures of every kind, and names those that it cannot read", async (context) => {
    if (testData === undefined) return context.skip("CONVOKE_TEST_DATA is not set");
    const image = (name: string): string => path.join(testData, "images/edge-cases", name);
    const model = path.join(folder, "first/model.onnx");
    const pictures = ["palette_color.png", "checker_bilevel.png", "chessboard_GRAY.png", "logo.png"].map(
      image,
    );
    const outcome = await runCommand(["predict", model, ...pictures, "--json"]);
    expect(outcome.code, outcome.stderr).toBe(0);
    const { predictions } = resultOf(outcome) as {
      predictions: { image: string; probabilities: number[] }[];
    };
    expect(predictions.map((prediction) => prediction.image)).toEqual(pictures);
    for (const { probabilities } of predictions) {
      expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 6);
    }
    expectMistake(
      await runCommand(["predict", model, image("truncated.jpg")]),
      2,
      /truncated\.jpg.*damaged JPEG/,
    );
    const gif = await runCommand(["predict", model, image("no_time_for_that_tiny.gif")]);
    expectMistake(gif, 2, /no_time_for_that_tiny\.gif": the file is a GIF file/);
  });

  it("inspects models by name and files", async () => {
    const named = resultOf(await runCommand(["inspect", "lenet5", "--input", "1,32,32", "--json"])) as {
      layers: { path: string; connections?: number }[];
      totals: { parameters: number };
    };
    expect(named.totals.parameters).toBe(61_706);
    expect(named.layers.find(({ path: name }) => name === "conv1")?.connections).toBe(122_304);
    const file = path.join(folder, "first/model.onnx");
    const summary = resultOf(await runCommand(["inspect", file, "--json"]));
    expect(summary).toMatchObject({ parameters: 61_706, nodeTypes: { Conv: 2, Gemm: 3, MaxPool: 2 } });
  });

  it("inspects networks in words, with the working, and writes the pictures", async () => {
    const text = "input 1x32x32; c1: conv 6@5x5; pool 2; flatten; dense 10";
    const [page, picture] = [path.join(folder, "net.html"), path.join(folder, "net.svg")];
    const files = ["--html", page, "--svg", picture];
    const shown = await runCommand(["inspect", text, "--explain", "--batch", "8", ...files]);
    expect(shown.code, shown.stderr).toBe(0);
    expect(shown.stdout).toContain("neurons · weights per filter = 4,704 · 26 = 122,304");
    expect(shown.stdout).toContain("at batch size 8");
    expect(readFileSync(page, "utf8")).toContain("<svg");
    expect(readFileSync(picture, "utf8")).toMatch(/^<svg/);
    const markdown = await runCommand(["inspect", text, "--markdown"]);
    expect(markdown.stdout).toContain("| c1 | conv | [6, 28, 28] |");
    const { layers } = resultOf(await runCommand(["inspect", text, "--json"])) as {
      layers: Record<string, unknown>[];
    };
    expect(layers[0]).toMatchObject({ path: "c1", connections: 122_304, weightsPerFilter: 26 });
    expect(layers[0]).not.toHaveProperty("working");
    const solved = await runCommand(["inspect", "--solve", "n=32 k=5 s=? p=1 out=15", "--json"]);
    expect(resultOf(solved)).toMatchObject({ unknown: "s", count: 1, solutions: [{ value: 2 }] });
  });

  it("checks files for shape errors", async () => {
    const wrong = "tooling/types/wrong/ops.ts";
    const failed = await runCommand(["check", wrong, "--json"]);
    const { errors } = resultOf(failed) as { errors: { file: string; line: number; message: string }[] };
    expect(failed.code).toBe(1);
    expect(errors.length).toBeGreaterThanOrEqual(60);
    expect(errors[0]).toMatchObject({
      file: wrong,
      message: expect.stringContaining("do not broadcast") as string,
    });
    expect(failed.stderr).toMatch(/tooling\/types\/wrong\/ops\.ts:\d+:\d+ {2}\w+: /);
    const passed = await runCommand(["check", "tooling/types/right/ops.ts"]);
    expect(passed.code, passed.stdout).toBe(0);
    expect(passed.stdout).toContain("no shape errors");
  });

  it("keeps a tuning of the GPU, and says what is wrong with one", { timeout: 240_000 }, async (context) => {
    const cache = path.join(folder, "cache");
    const environment = { ...(await swiftShaderEnvironment()), XDG_CACHE_HOME: cache };
    const file = path.join(cache, "convoke", "tuning", "webgpu.json");
    const limits = async (): Promise<Record<string, unknown> | undefined> => {
      const { backends } = resultOf(await runCommand(["backends", "--json"], environment)) as {
        backends: { name: string; available: boolean; limits: Record<string, unknown> }[];
      };
      const webgpu = backends.find(({ name }) => name === "webgpu")!;
      return webgpu.available ? webgpu.limits : undefined;
    };
    const before = await limits();
    if (before === undefined) return context.skip("not run: there is no adapter");
    expect(before).not.toHaveProperty("tuning");
    const outcome = await runCommand(["backends", "--tune", "--json"], environment);
    expect(outcome.code, outcome.stderr).toBe(0);
    const { tuning } = resultOf(outcome) as { tuning: { rejected: object[] } };
    expect(resultOf(outcome)).toMatchObject({ file, tuning: { version: 3 } });
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(tuning);
    expect(await limits()).toMatchObject({ tuning: file });
    writeFileSync(file, "{");
    expectMistake(
      await runCommand(["backends", "--json"], environment),
      2,
      /is not the JSON that convoke backends/,
    );
  });

  it("lists the backends", async () => {
    const environment = {
      ...(await swiftShaderEnvironment()),
      XDG_CACHE_HOME: path.join(folder, "no-cache"),
    };
    const { backends } = resultOf(await runCommand(["backends", "--json"], environment)) as {
      backends: { name: string; available: boolean; limits: object; reason?: string }[];
    };
    expect(backends.slice(0, 2)).toMatchObject([
      { name: "cpu", available: true },
      { name: "reference", available: true },
    ]);
    for (const { available, reason } of backends) if (!available) expect(reason).toBeTruthy();
    const webgpu = backends.find(({ name }) => name === "webgpu");
    const gpu = [
      "adapter",
      "features",
      "maxTensorBytes",
      "memoryBytes",
      "storageBuffers",
      "workgroupMemoryBytes",
    ];
    expect(Object.keys(webgpu!.limits).sort()).toEqual(webgpu!.available ? gpu : []);
  });
});

describe("convoke bench", () => {
  it("measures a job, and tells on what", async () => {
    const outcome = await runCommand(["bench", "--only", "matmul-256", "--threads", "1", "--json"]);
    expect(outcome.code, outcome.stderr).toBe(0);
    const speed = expect.any(Number) as number;
    expect(resultOf(outcome)).toEqual({
      backend: "cpu",
      threads: 1,
      features: expect.arrayContaining(["simd"]) as string[],
      results: [{ name: "matmul-256", value: speed, unit: "GFLOP/s" }],
    });
    expect(outcome.stdout.trim().split("\n")).toHaveLength(1);
  });

  it("leaves out what a backend does not measure, and names unknown jobs", async () => {
    const outcome = await runCommand(["bench", "--only", "fma-peak", "--backend", "reference", "--json"]);
    expect(resultOf(outcome)).toEqual({ backend: "reference", threads: 1, features: [], results: [] });
    expect(outcome.stderr).toContain('left out: backend "reference" does not measure it');
    expectMistake(await runCommand(["bench", "--only", "matmul-255"]), 2, /Did you mean "matmul-256"/);
    expectMistake(
      await runCommand(["bench", "--profile"]),
      ...([2, /--profile: backend "cpu" does not tell the time of each kernel/] as const),
    );
  });

  it("tells what each kernel took on webgpu", async (context) => {
    const args = ["bench", "--backend", "webgpu", "--only", "matmul-256", "--profile", "--json"];
    const outcome = await runCommand(args, await swiftShaderEnvironment());
    if (outcome.stderr.includes("BackendUnavailableError")) return context.skip(`not run: ${outcome.stderr}`);
    expect(outcome.code, outcome.stderr).toBe(0);
    const speed = expect.any(Number) as number;
    const { results } = resultOf(outcome) as { results: { profile: { runs: number; kernels: object[] } }[] };
    expect(results).toMatchObject([{ name: "matmul-256", value: speed, unit: "GFLOP/s" }]);
    const { runs, kernels } = results[0]!.profile;
    expect(kernels).toEqual([{ op: "matmul", scope: "", calls: runs, milliseconds: speed }]);
    expect(outcome.stderr).toMatch(/kernel +calls +ms a call +ms +share\n +matmul/);
  });
});
