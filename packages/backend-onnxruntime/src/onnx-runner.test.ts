/// <reference types="node" />
import { attribute, float32ToFloat16, readTensor, runOnce, tensorValue, writeModel } from "@convoke/onnx";
import type { OnnxDType, OnnxModel, OnnxRunner, TensorData } from "@convoke/onnx";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { loadRuntime as loadRuntimeInBrowser } from "./browser/load-runtime.js";
import { onnxRunner } from "./index.js";
import { importRuntime } from "./runtime.js";

const folder = process.env["CONVOKE_TEST_DATA"] || undefined;

/** A model of one node: `y = opType(x)`. */
function oneNode(opType: string, [from, to]: [OnnxDType, OnnxDType], attributes = {}): Uint8Array {
  const model: OnnxModel = {
    irVersion: 8,
    opsets: { "": 17 },
    producer: { name: "test", version: "" },
    metadata: {},
    functions: [],
    graph: {
      name: "g",
      nodes: [{ name: "n", opType, domain: "", inputs: ["x"], outputs: ["y"], attributes }],
      initializers: [],
      inputs: [tensorValue("x", from, ["N"])],
      outputs: [tensorValue("y", to, ["N"])],
      valueInfo: [],
    },
  };
  return writeModel(model);
}

/** The tensors `input_0.pb`, `input_1.pb` … of a case, in order. */
function recorded(dataSet: string, kind: "input" | "output"): TensorData[] {
  const files = readdirSync(dataSet).filter((file) => file.startsWith(kind));
  return files.map((_, i) => readTensor(readFileSync(join(dataSet, `${kind}_${i}.pb`))));
}

/** max|a - b| / max(1, max|b|). */
function difference(actual: TensorData | undefined, expected: TensorData): number {
  expect(actual?.dtype).toBe(expected.dtype);
  expect(actual?.shape).toEqual(expected.shape);
  let largest = 0;
  let scale = 1;
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [Number(actual?.data[i]), Number(expected.data[i])];
    if (Object.is(a, b) || a === b) continue;
    // Written so that NaN on one side only does not pass.
    if (!(Math.abs(a - b) <= largest)) largest = Math.abs(a - b);
    scale = Math.max(scale, Math.abs(b));
  }
  return largest / scale;
}

async function runCase(runner: OnnxRunner, directory: string): Promise<void> {
  const session = await runner.open(readFileSync(join(directory, "model.onnx")));
  const dataSets = readdirSync(directory).filter((name) => name.startsWith("test_data_set"));
  expect(dataSets.length).toBeGreaterThan(0);
  for (const dataSet of dataSets) {
    const tensors = recorded(join(directory, dataSet), "input");
    const outputs = await session.run(
      Object.fromEntries(tensors.map((t, i) => [session.inputNames[i] ?? "", t])),
    );
    recorded(join(directory, dataSet), "output").forEach((expected, i) => {
      expect(
        difference(outputs[session.outputNames[i] ?? ""], expected),
        `${directory} ${dataSet}`,
      ).toBeLessThanOrEqual(1e-5);
    });
  }
  await session.dispose();
}

describe.each(["node", "web"] as const)("onnxRunner on onnxruntime-%s", (runtime) => {
  let runner: OnnxRunner;
  beforeAll(async () => {
    runner = await onnxRunner({ runtime });
  });

  it("has the package's name", () => {
    expect(runner.name).toBe(`onnxruntime-${runtime}`);
  });

  it.runIf(folder !== undefined).each(["mnist_cntk_opset7", "cifar_resnet20_opset11", "style_candy_opset9"])(
    "gives the recorded outputs of %s (not run without CONVOKE_TEST_DATA)",
    async (name) => runCase(runner, join(folder ?? "", "onnx/models", name)),
    120_000,
  );

  it
    .runIf(folder !== undefined)
    .each([
      "test_and_bcast4v2d",
      "test_argmax_no_keepdims_random",
      "test_cast_DOUBLE_to_FLOAT",
      "test_greater_equal_uint8",
      "test_min_int64",
      "test_mod_mixed_sign_int8",
      "test_reduce_max_empty_set",
      "test_top_k",
      "test_convtranspose_group_2",
    ])("passes the ONNX case %s (not run without CONVOKE_TEST_DATA)", async (name) =>
    runCase(runner, join(folder ?? "", "onnx/node", name)),
  );

  it("runs one session at several batch sizes, also at once", async () => {
    const session = await runner.open(oneNode("Neg", ["float32", "float32"]));
    const run = async (size: number) =>
      session.run({ x: { dtype: "float32", shape: [size], data: new Float32Array(size).fill(size) } });
    const results = await Promise.all([1, 7, 64, 0].map(run));
    expect(results.map(({ y }) => [y?.shape, y?.data[0]])).toEqual([
      [[1], -1],
      [[7], -7],
      [[64], -64],
      [[0], undefined],
    ]);
    await session.dispose();
  });

  const tensors: TensorData[] = [
    { dtype: "bool", shape: [2], data: Uint8Array.of(1, 0) },
    { dtype: "int64", shape: [2], data: BigInt64Array.of(-1n, 2n ** 62n) },
    { dtype: "uint64", shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
    { dtype: "float16", shape: [3], data: float32ToFloat16([0.5, -2, 65504]) },
    { dtype: "float64", shape: [1], data: Float64Array.of(Math.PI) },
    { dtype: "int32", shape: [1], data: Int32Array.of(-5) },
    { dtype: "uint32", shape: [1], data: Uint32Array.of(2 ** 32 - 1) },
    { dtype: "int16", shape: [1], data: Int16Array.of(-300) },
    { dtype: "uint16", shape: [1], data: Uint16Array.of(65535) },
    { dtype: "int8", shape: [1], data: Int8Array.of(-128) },
    { dtype: "uint8", shape: [1], data: Uint8Array.of(255) },
    { dtype: "string", shape: [2], data: ["", "é"] },
  ];
  it.each(tensors)("passes $dtype in and out", async (x) => {
    const { y } = await runOnce(runner, oneNode("Identity", [x.dtype, x.dtype]), { x });
    expect(y).toEqual(x);
  });

  it("converts float16 as the engine does", async () => {
    const model = oneNode("Cast", ["float32", "float16"], { to: attribute.int(10) });
    const data = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 10 ** ((i % 13) - 7));
    const { y } = await runOnce(runner, model, { x: { dtype: "float32", shape: [1000], data } });
    expect(y?.data).toEqual(float32ToFloat16(data));
  });

  it("refuses data types that it cannot pass on", async () => {
    const x = { dtype: "bfloat16", shape: [1], data: Uint16Array.of(0) } as const;
    await expect(runOnce(runner, oneNode("Identity", ["float32", "float32"]), { x })).rejects
      .toThrowErrorMatchingInlineSnapshot(`
      [DTypeError: onnxruntime input "x": bfloat16 is not among the data types that ONNX Runtime takes from JavaScript.
        Cast inside the model, and feed float32.]
    `);
  });

  it("rejects a broken model with the engine's words", async () => {
    await expect(runner.open(Uint8Array.of(1, 2, 3))).rejects.toThrow(/protobuf|load model/i);
  });

  it("finishes what runs before it disposes, and runs nothing after", async () => {
    const session = await runner.open(oneNode("Neg", ["float32", "float32"]));
    const x = { dtype: "float32", shape: [1], data: Float32Array.of(3) } as const;
    const pending = session.run({ x });
    await Promise.all([session.dispose(), session.dispose()]);
    expect((await pending)["y"]?.data[0]).toBe(-3);
    await expect(session.run({ x })).rejects.toThrow(
      `onnxruntime-${runtime} run: the session is disposed, and only an open session can run.`,
    );
  });
});

describe("what is not available", () => {
  it("says what to install", async () => {
    const missing = importRuntime("onnxruntime-node", () =>
      Promise.reject(new Error("Cannot find package 'onnxruntime-node' imported from here")),
    );
    await expect(missing).rejects.toThrowErrorMatchingInlineSnapshot(`
      [BackendUnavailableError: backend "onnxruntime-node": the package is not installed.
        Install it with \`npm install onnxruntime-node\`.]
    `);
    const broken = importRuntime("onnxruntime-node", () => Promise.reject(new Error("bad ELF header")));
    await expect(broken).rejects.toThrowErrorMatchingInlineSnapshot(`
      [BackendUnavailableError: backend "onnxruntime-node": the package does not load: bad ELF header
        Install it with \`npm install onnxruntime-node\`, on a platform that it supports.]
    `);
  });

  it("refuses the native package in a browser", async () => {
    await expect(loadRuntimeInBrowser({ runtime: "node" })).rejects.toThrowErrorMatchingInlineSnapshot(`
      [BackendUnavailableError: backend "onnxruntime-node": it is a native module, and this is not Node.
        Leave out \`runtime\`, or set it to "web".]
    `);
  });

  it("keeps to one number of threads in the web package", async () => {
    await onnxRunner({ runtime: "web" });
    await onnxRunner({ runtime: "web", threads: 1 });
    await expect(onnxRunner({ runtime: "web", threads: 2 })).rejects.toThrowErrorMatchingInlineSnapshot(`
      [BackendUnavailableError: backend "onnxruntime-web": its first runner here took 1 thread, and this one asks for 2.
        Give every runner of a process or page the same number of threads.]
    `);
  });
});
