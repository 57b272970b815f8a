import * as core from "@convoke/core";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  adam,
  conv2d,
  dense,
  dropout,
  exportOnnx,
  fit,
  flatten,
  foldIn,
  input,
  maxPool2d,
  ops,
  randomKey,
  reference,
  relu,
  sequential,
  splitKey,
  syntheticDigits,
  useBackend,
  type OnnxRunner,
} from "./index.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "convoke-umbrella-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function smallModel() {
  return sequential(input(1, 4, 4), conv2d({ filters: 2, kernelSize: 3 }), flatten(), dense({ units: 3 }));
}

describe("the umbrella", () => {
  it("builds, trains, exports and verifies in one import", async () => {
    await useBackend(reference());
    const model = sequential(
      input(1, 28, 28),
      conv2d({ filters: 6, kernelSize: 5, padding: 2 }),
      relu(),
      maxPool2d({ size: 2 }),
      conv2d({ filters: 16, kernelSize: 5 }),
      relu(),
      maxPool2d({ size: 2 }),
      flatten(),
      dense({ units: 120 }),
      relu(),
      dense({ units: 84 }),
      relu(),
      dense({ units: 10 }),
    );
    const { train, test } = syntheticDigits({ train: 64, test: 32 });
    const options = { loss: "crossEntropy", epochs: 1, validation: test, progress: false } as const;
    const history = await fit(model, train, { optimizer: adam(1e-3), ...options });
    expect(history.epochs[0]?.valAccuracy).toBeTypeOf("number");
    const file = path.join(folder, "new/lenet.onnx");
    const { maxAbsDiff, bytes } = await exportOnnx(model, file, { verify: true });
    expect(maxAbsDiff).toBeLessThanOrEqual(1e-5);
    expect(readFileSync(file).equals(bytes)).toBe(true);
    expect(readdirSync(path.dirname(file))).toEqual(["lenet.onnx"]);
  });

  it("has the keys at top level that dropout's way out tells to make", () => {
    const model = sequential(input(4), dropout(0.5));
    expect(() => model.forward(ops.ones([2, 4]), { training: true })).toThrow(
      "key: randomKey(seed) }), with foldIn(key, step) for each step.",
    );
    const keys = [foldIn(randomKey(1), 3), ...splitKey(randomKey(1))];
    for (const key of keys)
      expect(model.forward(ops.ones([2, 4]), { training: true, key }).shape).toEqual([2, 4]);
  });

  it("writes nothing when the verification fails", async () => {
    const wrong: OnnxRunner = {
      name: "wrong",
      open: () =>
        Promise.resolve({
          inputNames: ["input"],
          outputNames: ["output"],
          run: (inputs) => {
            const count = inputs["input"]!.shape[0]!;
            const output = {
              dtype: "float32",
              shape: [count, 3],
              data: new Float32Array(3 * count).fill(9),
            } as const;
            return Promise.resolve({ output });
          },
          dispose: () => Promise.resolve(),
        }),
    };
    const file = path.join(folder, "wrong.onnx");
    await expect(exportOnnx(smallModel(), file, { verify: wrong })).rejects.toThrow("exportOnnx");
    expect(existsSync(file)).toBe(false);
  });

  it("gives the bytes alone without a name, and verifies nothing unless asked", async () => {
    const { bytes, maxAbsDiff } = await exportOnnx(smallModel());
    expect(bytes.length).toBeGreaterThan(100);
    expect(maxAbsDiff).toBeUndefined();
  });

  it("has every op of core under ops: what is left of core's functions belongs to the engine", () => {
    const functions = Object.entries(core).filter(
      ([, value]) => typeof value === "function" && !/^class\b/.test(Function.prototype.toString.call(value)),
    );
    const left = functions.map(([name]) => name).filter((name) => !(name in ops));
    expect(left.sort().join(" ")).toMatchInlineSnapshot(
      `"allocate apply applyAll byteLength checkAsserted checkFinite collectDropped compile composite debug defaultBackend describeOperation disposedBackendError erfOfNumber flattenTree foreignBufferError grad gradients graphOf holds hostFoldIn hostFoldInPath hostKey hostNormal hostUniform inputNode isBuffer isConstant isDType isFloat isInput isOpName kernelBackend lower lowerFor mergeCommonSubexpressions primitive read realize reference removeIdentities rewrite roundAllToFloat16 runBody specOf structureKey tapOf tensorOver topologicalOrder traceFunction useBackend valueAndGrad valuesOf withScope"`,
    );
  });
});
