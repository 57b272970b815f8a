// Damaged files: each gives a Module or an OnnxFormatError, soon and in little memory.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { damageBytes, damageGraph, Dice } from "../../test/mutations.js";
import { bytesOf, floats, node } from "../../test/test-model.js";
import { attribute } from "../model/attributes.js";
import type { NamedTensor } from "../model/tensor-data.js";
import { OnnxFormatError } from "../proto/format-error.js";
import { importOnnx } from "./import-onnx.js";

const COUNT = process.env["CONVOKE_FULL"] === "1" ? 20_000 : 500;
const testData = process.env["CONVOKE_TEST_DATA"];

const kernel: NamedTensor = {
  name: "w",
  dtype: "float32",
  shape: [2, 1, 3, 3],
  data: new Float32Array(18).fill(0.1),
};
const shape: NamedTensor = { name: "s", dtype: "int64", shape: [2], data: BigInt64Array.of(0n, -1n) };

/** A net of our own, so that there is something to damage everywhere. */
const own = bytesOf({
  nodes: [
    node("Conv", "x w -> c", { pads: attribute.ints([1, 1, 1, 1]), kernel_shape: attribute.ints([3, 3]) }),
    node("Relu", "c -> r"),
    node("MaxPool", "r -> p", { kernel_shape: attribute.ints([2, 2]), strides: attribute.ints([2, 2]) }),
    node("Reshape", "p s -> f"),
    node("Softmax", "f -> y", { axis: attribute.int(-1) }),
  ],
  initializers: [kernel, shape],
  inputs: [floats("x", ["N", 1, 8, 8])],
  outputs: [floats("y", ["N", 32])],
});

/** The recorded cases where they are; nets of many weights are left out, whose damage lies in the weights. */
function originals(): Uint8Array[] {
  if (testData === undefined) return [own];
  const folders = ["node", "pytorch-operator", "models"].map((name) => path.join(testData, "onnx", name));
  const files = folders.flatMap((folder) =>
    readdirSync(folder).map((name) => path.join(folder, name, "model.onnx")),
  );
  const models = files.filter((file) => existsSync(file)).map((file) => new Uint8Array(readFileSync(file)));
  return [own, ...models.filter(({ length }) => length < 2 ** 19)];
}

describe("damaged files", () => {
  it(`${COUNT} of them, seeded`, { timeout: 1_800_000 }, () => {
    const files = originals();
    const counts = { value: 0, refused: 0 };
    let [slowest, largest] = [0, 0];
    for (let seed = 0; seed < COUNT; seed++) {
      const dice = new Dice(seed);
      const original = dice.of(files);
      const bytes = dice.below(2) === 0 ? damageBytes(original, dice) : damageGraph(original, dice);
      const before = process.memoryUsage();
      const start = process.cpuUsage();
      try {
        importOnnx(bytes);
        counts.value++;
      } catch (error) {
        if (!(error instanceof OnnxFormatError)) throw new Error(`seed ${seed}`, { cause: error });
        counts.refused++;
      }
      const { user, system } = process.cpuUsage(start);
      slowest = Math.max(slowest, (user + system) / 1e6);
      const after = process.memoryUsage();
      largest = Math.max(
        largest,
        after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers,
      );
    }
    expect(counts.value + counts.refused).toBe(COUNT);
    expect(Math.min(counts.value, counts.refused)).toBeGreaterThan(COUNT / 20);
    // Not a measure of speed: seconds of processor time tell a hang from work.
    expect(slowest).toBeLessThan(2);
    expect(largest).toBeLessThan(200 * 2 ** 20);
  });
});
