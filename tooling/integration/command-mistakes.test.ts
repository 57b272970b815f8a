// What the command says of its users' mistakes.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleCommand, expectMistake, runCommand, type CommandOutcome } from "./command.js";

const testData = process.env["CONVOKE_TEST_DATA"];
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), "convoke-mistakes-"));
  await bundleCommand();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("wrong use", () => {
  const train = (...args: string[]): string[] => [
    "train",
    "--model",
    "lenet5",
    "--out",
    path.join(folder, "no"),
    ...args,
  ];
  const digits = ["--dataset", "synthetic-digits", "--limit", "32"];

  it.each<[string, () => string[], RegExp]>([
    [
      "an unknown model",
      () => train(...digits, "--model", "lenet"),
      /no model "lenet"[^]*Did you mean "lenet5"/,
    ],
    ["an unknown dataset", () => train("--dataset", "mnits"), /no dataset "mnits"[^]*Did you mean "mnist"/],
    ["a dataset that comes later", () => train("--dataset", "folder:x"), /does not read folders of images/],
    [
      "a missing data folder",
      () => train("--dataset", "mnist", "--data-dir", "/no/such"),
      /no folder "\/no\/such"/,
    ],
    ["an unknown backend", () => train(...digits, "--backend", "gpu"), /no backend "gpu"/],
    ["an unknown optimizer", () => train(...digits, "--optimizer", "adm"), /Did you mean "adam"/],
    ["negative epochs", () => train(...digits, "--epochs", "-1"), /--epochs: got "-1"/],
    [
      "an unknown precision",
      () => train(...digits, "--precision", "half"),
      /'half' is invalid[^]*float32, mixed/,
    ],
    ["a learning rate of nothing", () => train(...digits, "--lr", "0"), /--lr: got "0"/],
    ["an unknown flag", () => train(...digits, "--epoch", "2"), /unknown option '--epoch'[^]*--epochs/],
    ["no command", () => [], /Usage: convoke/],
    ["an unknown command", () => ["trian"], /unknown command 'trian'[^]*train/],
    [
      "a model that the images are too small for",
      () => train(...digits, "--model", "vgg16"),
      /ShapeError: \w+ "/,
    ],
    ["nothing to resume", () => train(...digits, "--resume"), /--resume: there is no "/],
    [
      "a file as output folder",
      () => train(...digits, "--out", import.meta.filename),
      /--out: the folder .* cannot be written/,
    ],
    [
      "an output folder that cannot be",
      () => train(...digits, "--out", "/proc/no/such"),
      /--out: the folder .* cannot be written/,
    ],
    [
      "an input that a kernel does not fit",
      () => ["inspect", "lenet5", "--input", "1,4,4"],
      /kernel 5×5 does not fit/,
    ],
    ["a name that is nothing", () => ["inspect", "lenet6"], /Did you mean "lenet5"/],
    ["a file that is no model", () => ["inspect", import.meta.filename], /it is no ONNX model/],
    [
      "a mistake in a network in words",
      () => ["inspect", "input 1x8x8; cnov 6@5"],
      /\n {17}\^{4}\n.*Did you mean "conv"/,
    ],
    ["an equation with two unknowns", () => ["inspect", "--solve", "n=? k=?"], /more than one "\?"/],
    ["nothing to inspect", () => ["inspect"], /there is nothing to inspect/],
    ["a missing file to check", () => ["check", "no.ts"], /there is no file "no\.ts"/],
    ["a missing file", () => ["evaluate", "no.onnx", ...digits], /no such file/],
  ])("%s is explained", async (_, args, said) => {
    expectMistake(await runCommand(args()), 2, said);
  });

  it("is the result where JSON is asked for, whoever notices it", async () => {
    for (const wrong of [
      ["--epoch", "2"],
      ["--epochs", "-1"],
    ]) {
      const outcome = await runCommand(train(...digits, ...wrong, "--json"));
      expect(outcome.code).toBe(2);
      expect(JSON.parse(outcome.stdout)).toEqual({ error: expect.stringContaining(wrong[0]!) });
    }
    const help = await runCommand(["train", "--help", "--json"]);
    expect(help.code).toBe(0);
    expect(help.stdout).not.toContain('{"error"');
  });

  it("of a backend that is not here is explained", async (context) => {
    if (process.platform !== "linux") return context.skip("only Vulkan can be told that there is no driver");
    const noDriver = { VK_ICD_FILENAMES: "/no/such" };
    expectMistake(
      await runCommand(train(...digits, "--backend", "webgpu"), noDriver),
      2,
      /BackendUnavailableError: backend "webgpu": no adapter was found[^]*npm install webgpu/,
    );
  });

  it("of damaged data files is explained", async (context) => {
    if (testData === undefined) return context.skip("CONVOKE_TEST_DATA is not set");
    const data = path.join(folder, "data");
    cpSync(path.join(testData, "data/mnist"), data, { recursive: true });
    const images = path.join(data, "train-images-idx3-ubyte.gz");
    const whole = readFileSync(images);
    const run = (): Promise<CommandOutcome> => runCommand(train("--dataset", "mnist", "--data-dir", data));

    writeFileSync(images, whole.subarray(0, whole.length / 2));
    expectMistake(await run(), 2, /DatasetError: .*train-images-idx3-ubyte\.gz.*gzip/);
    writeFileSync(images, gzipSync(gunzipSync(whole).subarray(0, 1_000_000), { level: 1 }));
    expectMistake(await run(), 2, /the header promises \[60000, 28, 28\]/);
    writeFileSync(images, whole);
    const labels = path.join(data, "train-labels-idx1-ubyte.gz");
    const numbers = gunzipSync(readFileSync(labels));
    numbers[8 + 12] = 77;
    writeFileSync(labels, gzipSync(numbers, { level: 1 }));
    expectMistake(await run(), 2, /label 77 at example 12/);
  });

  it("of a model for other pictures is explained", async (context) => {
    if (testData === undefined) return context.skip("CONVOKE_TEST_DATA is not set");
    const cifar = path.join(testData, "onnx/models/cifar_resnet20_opset11/model.onnx");
    const outcome = await runCommand(["evaluate", cifar, "--dataset", "synthetic-digits"]);
    expectMistake(outcome, 2, /it takes \[3, 32, 32\] \(3 channels\)/);
  });
});
