import type { Tensor } from "@convoke/core";
import { describe, expect, it } from "vitest";
import {
  accuracy,
  binaryAccuracy,
  confusionMatrix,
  evaluate,
  meanOf,
  perplexity,
  precisionRecallF1,
  topK,
  type HostBatch,
  type Metric,
  type MetricValue,
} from "./index.js";
import { lambda } from "@convoke/layers";

// What the model would say, for five examples and three classes: the classes guessed are 0 2 1 1 0.
const outputs = [3, 1, 0, 0, 1, 2, 0, 5, 1, 2, 3, 1, 9, 8, 7];
const labels = [0, 1, 1, 2, 0];

function batches(
  sizes: readonly number[],
  y: Float32Array | Int32Array = Int32Array.from(labels),
): HostBatch[] {
  let from = 0;
  const columns = y.length / labels.length;
  return sizes.map((size) => {
    const rows = { from, to: from + size };
    from += size;
    return {
      fields: {
        x: {
          data: Float32Array.from(outputs.slice(3 * rows.from, 3 * rows.to)),
          shape: [size, 3],
          dtype: "float32",
        },
        y: {
          data: y.slice(columns * rows.from, columns * rows.to),
          shape: columns === 1 ? [size] : [size, columns],
          dtype: y instanceof Int32Array ? "int32" : "float32",
        },
      },
    };
  });
}

const passThrough = () => lambda((x: Tensor) => x);

async function measured(metric: Metric, data = batches([2, 2, 1])): Promise<MetricValue | undefined> {
  return (await evaluate(passThrough(), data, { metrics: [metric] }))[metric.name];
}

describe("metrics, over batches of different sizes", () => {
  it("count what is right", async () => {
    expect(await measured(accuracy())).toBe(3 / 5);
    expect(await measured(topK(1))).toBe(3 / 5);
    expect(await measured(topK(2))).toBe(4 / 5);
    expect(await measured(topK(3))).toBe(1);
  });

  it("take labels as probabilities, too", async () => {
    const soft = new Float32Array(15);
    labels.forEach((label, i) => (soft[3 * i + label] = 0.8));
    expect(await measured(accuracy(), batches([3, 2], soft))).toBe(3 / 5);
  });

  it("tell which class was taken for which", async () => {
    expect(await measured(confusionMatrix(3))).toEqual([
      [2, 0, 0],
      [0, 1, 1],
      [0, 1, 0],
    ]);
    // Precision 1, 1/2, 0; recall 1, 1/2, 0; F1 the same.
    expect(await measured(precisionRecallF1(3))).toEqual({ precision: 0.5, recall: 0.5, f1: 0.5 });
  });

  it("average over the examples, not over the batches", async () => {
    const largest = meanOf("largest", (x) => x.max(1));
    expect(await measured(largest)).toBeCloseTo((3 + 2 + 5 + 3 + 9) / 5, 6);
    const soft = (row: number[], label: number): number =>
      Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0)) - row[label]!;
    const losses = labels.map((label, i) => soft(outputs.slice(3 * i, 3 * i + 3), label));
    const mean = losses.reduce((sum, loss) => sum + loss) / 5;
    expect(await measured(perplexity())).toBeCloseTo(Math.exp(mean), 5);
    const all = await evaluate(passThrough(), batches([2, 2, 1]), { loss: "crossEntropy" });
    expect(all.loss).toBeCloseTo(mean, 6);
    expect(all).toMatchObject({ accuracy: 3 / 5, examples: 5 });
  });

  it("know two classes from one logit", async () => {
    const data: HostBatch[] = [
      {
        fields: {
          x: { data: Float32Array.of(2, -1, 0.5, -3), shape: [4, 1], dtype: "float32" },
          y: { data: Float32Array.of(1, 0, 0, 1), shape: [4, 1], dtype: "float32" },
        },
      },
    ];
    expect(await measured(binaryAccuracy(), data)).toBe(0.5);
    const result = await evaluate(passThrough(), data, { loss: "bceWithLogits" });
    expect(result.accuracy).toBe(0.5);
  });

  it("know two classes from one probability", async () => {
    const data: HostBatch[] = [
      {
        fields: {
          x: { data: Float32Array.of(0.9, 0.2, 0.6, 0.3), shape: [4, 1], dtype: "float32" },
          y: { data: Float32Array.of(1, 0, 0, 0), shape: [4, 1], dtype: "float32" },
        },
      },
    ];
    expect(await measured(binaryAccuracy(0.5), data)).toBe(0.75);
    for (const metrics of [undefined, ["binaryAccuracy"]] as const) {
      const result = await evaluate(passThrough(), data, { loss: "bce", ...(metrics && { metrics }) });
      expect(result.accuracy).toBe(0.75);
    }
    // The highest of one output is always the first: that would be right for every example.
    await expect(evaluate(passThrough(), data, { metrics: ["accuracy"] })).rejects
      .toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: accuracy: one class is always the highest: [4, 1].
        Use "binaryAccuracy".]
    `);
  });

  it("start anew with each evaluation", async () => {
    const model = passThrough();
    for (const _ of [1, 2]) {
      expect(await evaluate(model, batches([5]), { metrics: ["accuracy"] })).toMatchObject({
        accuracy: 3 / 5,
      });
    }
  });
});
