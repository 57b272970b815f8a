// The examples do what they say.
import { cpu, useBackend } from "convoke";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clothesFromResNet, parityFromLenet } from "../../examples/transfer-learning.js";

// The net takes half a minute to tune: the full run has it.
const isFull = process.env["CONVOKE_FULL"] !== undefined;
const testData = isFull ? process.env["CONVOKE_TEST_DATA"] : undefined;

describe("transfer learning", () => {
  let dispose: () => Promise<void>;
  beforeAll(async () => {
    const backend = await cpu();
    dispose = () => backend.dispose();
    await useBackend(backend);
  });
  afterAll(() => dispose());

  it.skipIf(testData === undefined)(
    "of a CIFAR ResNet-20 from an ONNX file to clothes (not run without CONVOKE_FULL and CONVOKE_TEST_DATA)",
    { timeout: 600_000 },
    async () => {
      const result = await clothesFromResNet(testData ?? "");
      expect(result.moved).toEqual([]);
      expect(result.thawed).toHaveLength(38); // weight and bias of 19 convolutions, batch norm folded in
      expect(result.headAlone).toBeGreaterThan(0.6);
      expect(result.fineTuned).toBeGreaterThan(0.7);
      expect(result.onnxMaxAbsDiff).toBeLessThanOrEqual(1e-5);
    },
  );

  it("of a LeNet-5 from a checkpoint of ours to odd and even", { timeout: 300_000 }, async () => {
    const result = await parityFromLenet();
    expect(result.moved).toEqual([]);
    expect(result.thawed).toEqual(["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]);
    expect(result.headAlone).toBeGreaterThan(0.9);
    expect(result.fineTuned).toBeGreaterThan(0.95);
    expect(result.onnxMaxAbsDiff).toBeLessThanOrEqual(1e-5);
  });
});
