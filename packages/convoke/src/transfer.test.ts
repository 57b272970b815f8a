// Transfer learning: a new head on a net of somebody else, and on one of our own; the head alone, and all weights.
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  adam,
  arrayDataset,
  cpu,
  dense,
  evaluate,
  exportOnnx,
  fashionMnist,
  fit,
  importOnnx,
  lenet5,
  loadParameters,
  saveParameters,
  sequential,
  syntheticDigits,
  take,
  tensor,
  useBackend,
  type ArrayDataset,
  type Backend,
  type Module,
} from "./index.js";

const testData = process.env["CONVOKE_TEST_DATA"];
let backend: Backend;
beforeAll(async () => {
  backend = await cpu();
  await useBackend(backend);
});
afterAll(() => backend.dispose());

/** The values of all Variables under `prefix`, as bytes. */
async function bytesOf(model: Module, prefix: string): Promise<Record<string, string>> {
  const entries = Object.entries(await model.state()).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(
    entries.map(([name, { data }]) => [
      name,
      Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64"),
    ]),
  );
}

/** Grey pictures of 28 × 28 in the middle of three equal planes of 32 × 32: what a CIFAR net takes. */
function asColour(grey: ArrayDataset, count: number): ArrayDataset {
  const { x, y } = grey.gather(Array.from({ length: count }, (_, i) => i));
  const pixels = x!.data as Float32Array;
  const data = new Float32Array(count * 3 * 32 * 32);
  for (let i = 0; i < count; i++)
    for (let plane = 0; plane < 3; plane++)
      for (let row = 0; row < 28; row++) {
        const from = (i * 28 + row) * 28;
        data.set(pixels.subarray(from, from + 28), ((i * 3 + plane) * 32 + row + 2) * 32 + 2);
      }
  return arrayDataset({ fields: { x: { data, shape: [3, 32, 32] }, y: { data: y!.data, shape: [] } } });
}

describe.skipIf(testData === undefined)(
  "CIFAR ResNet-20 from an ONNX file, to clothes (not run without CONVOKE_TEST_DATA)",
  () => {
    it("head alone, then all weights; frozen weights keep their bytes", { timeout: 600_000 }, async () => {
      const file = path.join(testData ?? "", "onnx/models/cifar_resnet20_opset11/model.onnx");
      const clothes = await fashionMnist({ dataDir: path.join(testData ?? "", "data/fashion-mnist") });
      const [train, test] = [
        asColour(take(clothes.train, 1000), 1000),
        asColour(take(clothes.test, 400), 400),
      ];

      const body = importOnnx(new Uint8Array(readFileSync(file))).cut("/Flatten_output_0");
      body.freeze();
      const model = sequential({ body, head: dense({ units: 10 }) }).build([3, 32, 32]);
      expect(model.parameters().map(({ name }) => name)).toEqual(["head.weight", "head.bias"]);
      const before = await bytesOf(model, "body.");
      expect(Object.keys(before)).toHaveLength(38);

      const shared = { loss: "crossEntropy", batchSize: 50, seed: 1 } as const;
      await fit(model, train, { ...shared, optimizer: adam(1e-2), epochs: 4 });
      const head = (await evaluate(model, test, { metrics: ["accuracy"] }))["accuracy"]!;
      expect(await bytesOf(model, "body.")).toEqual(before);
      expect(head).toBeGreaterThan(0.6);

      body.unfreeze(/Conv_3|Conv_2[5-9]/);
      await fit(model, train, { ...shared, optimizer: adam(1e-3), epochs: 2 });
      const all = (await evaluate(model, test, { metrics: ["accuracy"] }))["accuracy"]!;
      expect(await bytesOf(model, "body.")).not.toEqual(before);
      expect(all).toBeGreaterThan(0.7);

      const { bytes } = await exportOnnx(model);
      const example = tensor(train.gather([0, 1])["x"]!.data as Float32Array, { shape: [2, 3, 32, 32] });
      expect(await importOnnx(bytes).forward(example).data()).toEqual(await model.forward(example).data());
    });
  },
);

describe("LeNet-5 from a checkpoint of ours, to odd and even", () => {
  it("head alone: the body keeps its bytes, and the task is learned", { timeout: 300_000 }, async () => {
    const digits = syntheticDigits({ train: 1000, test: 300, seed: 3 });
    const parity = (data: ArrayDataset, count: number): ArrayDataset => {
      const { x, y } = data.gather(Array.from({ length: count }, (_, i) => i));
      const labels = Int32Array.from(y!.data as Int32Array, (label) => label % 2);
      return arrayDataset({
        fields: { x: { data: x!.data, shape: [1, 28, 28] }, y: { data: labels, shape: [] } },
      });
    };
    const trained = lenet5();
    const shared = { loss: "crossEntropy", batchSize: 50, seed: 1 } as const;
    await fit(trained, digits.train, { ...shared, optimizer: adam(2e-3), epochs: 6 });
    const restored = lenet5();
    loadParameters(restored, await saveParameters(trained));

    const names = Object.keys(restored.namedModules()).filter((name) => name !== "" && name !== "output");
    const body = sequential(Object.fromEntries(names.map((name) => [name, restored.layer(name)])));
    body.freeze();
    const model = sequential({ body, head: dense({ units: 2 }) }).build([1, 28, 28]);
    const before = await bytesOf(model, "body.");
    await fit(model, parity(digits.train, 1000), { ...shared, optimizer: adam(1e-2), epochs: 6 });
    expect(await bytesOf(model, "body.")).toEqual(before);
    const { accuracy } = await evaluate(model, parity(digits.test, 300), { metrics: ["accuracy"] });
    expect(accuracy).toBeGreaterThan(0.9);
    const { model: written } = await exportOnnx(model);
    expect(written.graph.outputs[0]!.type).toMatchObject({ shape: ["N", 2] });
  });
});
