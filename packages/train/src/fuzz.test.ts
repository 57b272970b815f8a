// Damaged safetensors files and checkpoints: each gives a value or a CheckpointError, soon and in little memory.
import { hostKey, hostUniform } from "@convoke/core";
import { describe, expect, it } from "vitest";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.js";
import { CheckpointError, decodeSafetensors, encodeSafetensors, type TensorData } from "./index.js";

const COUNT = process.env["CONVOKE_FULL"] === "1" ? 20_000 : 500;

/** Whole numbers below a bound, from a seed. */
function diceOf(seed: number): (n: number) => number {
  const numbers = hostUniform(hostKey(seed), 64);
  let next = 0;
  return (n) => Math.min(n - 1, Math.floor(numbers[next++ % numbers.length]! * n));
}

const weights: Readonly<Record<string, TensorData>> = {
  "conv.weight": { dtype: "float32", shape: [2, 1, 3, 3], data: new Float32Array(18).fill(0.5) },
  "conv.bias": { dtype: "float64", shape: [2], data: Float64Array.of(1, 2) },
  steps: { dtype: "int64", shape: [], data: BigInt64Array.of(7n) },
  mask: { dtype: "bool", shape: [3], data: Uint8Array.of(0, 1, 1) },
  empty: { dtype: "int8", shape: [0, 4], data: new Int8Array(0) },
};

const originals = [
  encodeSafetensors({ tensors: weights, metadata: { format: "test", note: "äöü" } }),
  encodeCheckpoint({
    run: {
      version: 2,
      options: {
        seed: 3,
        optimizer: "adam",
        precision: "float32",
        accumulate: 1,
        batchSize: 16,
        shuffle: true,
      },
      position: {
        epoch: 1,
        batch: 2,
        step: 9,
        number: 9,
        rate: 1e-3,
        group: { batches: 0, examples: 0 },
        loss: { sum: 1.5, examples: 32 },
      },
      epochs: [],
      schedule: null,
      callbacks: { best: { loss: 1 } },
    },
    model: weights,
    optimizer: { "m/conv.bias": weights["conv.bias"]! },
    training: {},
    callbacks: {},
  }),
];

/** Stands for what a number, a text, an object of the header becomes: JSON that does not fit there. */
const replacements = [
  ...["-1", "0", "1", "1e400", "0.5", "9007199254740991", "9007199254740993", "4294967296"],
  ...["null", "true", '""', '"F16"', '"__proto__"', "{}", "[]", "[[]]", '{"length":2}', "[0,0,0]"],
  ...["[".repeat(50_000) + "]".repeat(50_000), "[0,9007199254740991,9007199254740991]"],
];

/** Another header in front of the same data, of the right length or of a wrong one. */
function damageHeader(bytes: Uint8Array, dice: (n: number) => number): Uint8Array {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  const parts = [...text.matchAll(/-?\d+(?:\.\d+)?|"[^"\\]*"|\[[^[\]{}]*\]/g)];
  const part = parts[dice(parts.length)]!;
  const changed =
    text.slice(0, part.index) +
    replacements[dice(replacements.length)]! +
    text.slice(part.index + part[0].length);
  const header = new TextEncoder().encode(changed);
  const damaged = new Uint8Array(8 + header.length + bytes.length - 8 - length);
  const claimed = dice(8) === 0 ? dice(2 ** 31) : header.length;
  new DataView(damaged.buffer).setBigUint64(0, BigInt(claimed), true);
  damaged.set(header, 8);
  damaged.set(bytes.subarray(8 + length), 8 + header.length);
  return damaged;
}

function damage(bytes: Uint8Array, dice: (n: number) => number): Uint8Array {
  const copy = bytes.slice();
  switch (dice(6)) {
    case 0:
      return copy.subarray(0, dice(copy.length));
    case 1:
      for (let i = dice(8); i >= 0; i--) copy[dice(copy.length)] = dice(256);
      return copy;
    case 2:
      for (let i = dice(3); i >= 0; i--) copy[dice(copy.length)]! ^= 1 << dice(8);
      return copy;
    case 3: {
      const [from, to] = [dice(copy.length), dice(copy.length)];
      const part = copy.subarray(from, from + dice(64));
      return Uint8Array.from([...copy.subarray(0, to), ...part, ...copy.subarray(to)]);
    }
    default:
      return damageHeader(bytes, dice);
  }
}

describe("damaged safetensors files and checkpoints", () => {
  it(`${COUNT} of them, seeded`, { timeout: 600_000 }, () => {
    const counts = { value: 0, refused: 0 };
    let [slowest, largest] = [0, 0];
    for (let seed = 0; seed < COUNT; seed++) {
      const dice = diceOf(seed);
      const bytes = damage(originals[dice(originals.length)]!, dice);
      const before = process.memoryUsage();
      const start = process.cpuUsage();
      for (const decode of [decodeSafetensors, decodeCheckpoint]) {
        try {
          decode(bytes);
          counts.value++;
        } catch (error) {
          if (!(error instanceof CheckpointError)) throw new Error(`seed ${seed}`, { cause: error });
          counts.refused++;
        }
      }
      const { user, system } = process.cpuUsage(start);
      slowest = Math.max(slowest, (user + system) / 1e6);
      const after = process.memoryUsage();
      const grown = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
      largest = Math.max(largest, grown);
    }
    expect(counts.value + counts.refused).toBe(2 * COUNT);
    expect(Math.min(counts.value, counts.refused)).toBeGreaterThan(COUNT / 20);
    // Not a measure of speed: seconds of processor time tell a hang from work.
    expect(slowest).toBeLessThan(2);
    expect(largest).toBeLessThan(200 * 2 ** 20);
  });

  it("refuses a type that is nested too deeply to be shown", () => {
    const nested = "[".repeat(50_000) + "]".repeat(50_000);
    const header = new TextEncoder().encode(`{"w":{"dtype":${nested},"shape":[],"data_offsets":[0,0]}}`);
    const bytes = new Uint8Array(8 + header.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(header, 8);
    expect(() => decodeSafetensors(bytes)).toThrow(
      'its tensor "w" is of a type without a name, but Convoke has F32',
    );
  });
});
