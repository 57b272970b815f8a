import { Module, tensor, type Context, type Tensor } from "@convoke/core";
import { batchNorm, dense, dropout, input, sequential } from "@convoke/layers";
import { describe, expect, it } from "vitest";
import { blobs, valuesOf } from "../test/toy-data.js";
import { evaluate, predict, predictAll } from "./index.js";

const net = () => sequential(input(2), dense({ units: 4 }), batchNorm(), dropout(0.5), dense({ units: 3 }));

describe("evaluate", () => {
  it("does not depend on the batch size, and changes nothing", async () => {
    const model = net();
    const before = await valuesOf(model);
    const whole = await evaluate(model, blobs(150), { loss: "crossEntropy", batchSize: 150 });
    // More batches than losses are kept on the device at a time.
    const parts = await evaluate(model, blobs(150), { loss: "crossEntropy", batchSize: 2 });
    expect(parts.loss).toBeCloseTo(whole.loss!, 5);
    expect({ ...parts, loss: 0 }).toEqual({ ...whole, loss: 0 });
    expect(await valuesOf(model)).toEqual(before);
  });

  it("takes a forward and a loss of one's own", async () => {
    class Sum extends Module<[Tensor, Tensor], Tensor> {
      protected compute([a, b]: [Tensor, Tensor], _context: Context): Tensor {
        return a.add(b);
      }
    }
    const field = (...values: number[]) => ({
      data: Float32Array.from(values),
      shape: [values.length],
      dtype: "float32" as const,
    });
    const result = await evaluate(new Sum(), [{ fields: { a: field(1, 2), b: field(3, 4) } }], {
      forward: (model: Sum, { a, b }, context) => model.forward([a!, b!], context),
      loss: (sum: Tensor) => sum.mean(),
    });
    expect(result).toEqual({ loss: 5, examples: 2 });
  });
});

describe("what evaluate refuses", () => {
  it("says so", async () => {
    const misnamed = evaluate(net(), blobs(4), { metrics: ["acuracy" as "accuracy"] });
    await expect(misnamed).rejects.toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: metric: got the name "acuracy"; the metrics by name are accuracy, binaryAccuracy, perplexity.
        Use one of them, or make one: topK(5), confusionMatrix(10), meanOf(…).]
    `);
    const bare = evaluate(net(), blobs(4), undefined as never);
    await expect(bare).rejects.toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: evaluate: got neither a loss nor a metric, so there is nothing to measure.
        Say what, for instance { loss: "crossEntropy" } or { metrics: ["accuracy"] }.]
    `);
  });
});

describe("predict", () => {
  it("gives the outputs in inference mode", async () => {
    const model = net();
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    const expected = await model.forward(x).data();
    expect(await (await predict(model, x)).data()).toEqual(expected);
    model.namedVariables()["0.bias"]!.set(new Float32Array(4).fill(1));
    expect(await (await predict(model, x)).data()).toEqual(await model.forward(x).data());
  });

  it("gives all examples of a dataset, in order", async () => {
    const model = net();
    const data = blobs(7);
    const all = await predictAll(model, data, { batchSize: 3 });
    const { x } = data.gather([0, 1, 2, 3, 4, 5, 6]);
    const once = await predict(model, tensor(x!.data, { shape: [7, 2] }));
    expect(all.shape).toEqual([7, 3]);
    expect(await all.data()).toEqual(await once.data());
  });
});
