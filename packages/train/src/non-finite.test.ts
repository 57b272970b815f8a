import { Module, NonFiniteError, type Context, type Tensor, type Variable } from "@convoke/core";
import { arrayDataset } from "@convoke/datasets";
import { batchNorm, dense, dropout, input, relu, sequential } from "@convoke/layers";
import { adam } from "@convoke/optimizers";
import { describe, expect, it } from "vitest";
import { fit, NonFiniteStepError, type FitOptions, type HostBatch } from "./index.js";
import { blobs, valuesOf } from "../test/toy-data.js";

/** Gives NaN where the last input is larger than 99, and the input itself elsewhere. */
class Trap extends Module {
  protected compute(x: Tensor, _context: Context): Tensor {
    const isMarked = x.max().greater(99);
    return x.add(isMarked.where(x.literal(-1), x.literal(1)).log().mul(0));
  }
}

const net = () => {
  const model = sequential({
    first: dense({ units: 8 }),
    norm: batchNorm(),
    drop: dropout(0.3),
    hidden: sequential({ trap: new Trap(), second: dense({ units: 6 }) }),
    act: relu(),
    last: dense({ units: 3 }),
  }).build([2]);
  model.initialize(7);
  return model;
};

/** Clusters; the example with number `marked` is far away, so that the trap's input is large. */
function marked(count: number, example: number) {
  const plain = blobs(count);
  const { x, y } = plain.gather(Array.from({ length: count }, (_, i) => i));
  const data = x!.data as Float32Array;
  data[2 * example] = 1e12;
  return arrayDataset({ fields: { x: { data, shape: [2] }, y: { data: y!.data, shape: [] } } });
}

describe("a loss that is not finite", () => {
  const options: FitOptions = {
    optimizer: adam(0.01),
    loss: "crossEntropy",
    batchSize: 4,
    shuffle: false,
    readEvery: 50,
    seed: 11,
    progress: false,
  };

  const failure = async (run: Promise<unknown>): Promise<NonFiniteStepError> => {
    const error: unknown = await run.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error instanceof NonFiniteStepError) return error;
    throw error;
  };

  it("is reported with its step and its first layer, and leaves everything as before that step", async () => {
    const model = sequential({ trap: new Trap(), ...layersOf() }).build([2]);
    model.initialize(7);
    const step = 37;
    const error = await failure(fit(model, marked(400, 4 * step + 1), options));
    expect(error).toBeInstanceOf(NonFiniteError);
    expect(error).toMatchObject({ step, epoch: 0, batch: step, scope: "trap", op: "log" });
    expect(error.message).toMatchInlineSnapshot(`
      "fit: step 37 (batch 37 of epoch 0, counted from 0) has a loss or gradient that is not finite: first log "trap" gives NaN at element 0. Parameters and optimizer are as before that step.
        A smaller learning rate, clipping (clip: { norm: 1 }) or a larger epsilon often helps; look at values with .tap()."
    `);

    const stopped = sequential({ trap: new Trap(), ...layersOf() }).build([2]);
    stopped.initialize(7);
    await fit(stopped, marked(400, 4 * step + 1), {
      ...options,
      callbacks: [{ onStepEnd: (info, run) => (info.step === step - 1 ? run.stop("there") : undefined) }],
    });
    expect(await valuesOf(model)).toEqual(await valuesOf(stopped));
    expect((await valuesOf(model)).every(Number.isFinite)).toBe(true);
  });

  it("names the path of a layer in the depth of the model", async () => {
    // A weight that overflows in the middle of the model.
    const model = net();
    const bias = model.namedVariables()["norm.bias"]!;
    bias.set(new Float32Array(8).fill(1000));
    const error = await failure(fit(model, blobs(40), { ...options, epochs: 1 }));
    expect(error).toMatchObject({ step: 0, scope: "hidden.trap" });
  });

  it("is found in gradients, too", async () => {
    class Root extends Module {
      protected compute(x: Tensor, _context: Context): Tensor {
        return x.mul(0).square().sqrt();
      }
    }
    const model = sequential({ first: dense({ units: 3 }), root: new Root() }).build([2]);
    const error = await failure(fit(model, blobs(8), options));
    expect(error).toMatchObject({ step: 0, scope: "root" });
  });

  it("is traced to the data where the data holds it", async () => {
    const plain = marked(40, 0);
    const { x, y } = plain.gather(Array.from({ length: 40 }, (_, i) => i));
    const data = x!.data as Float32Array;
    data[2 * 9] = NaN;
    const broken = arrayDataset({ fields: { x: { data, shape: [2] }, y: { data: y!.data, shape: [] } } });
    const model = sequential(input(2), dense({ units: 3 }));
    const error = await failure(fit(model, broken, options));
    expect(error.message).toMatchInlineSnapshot(`
      "fit: step 2 (batch 2 of epoch 0, counted from 0) has a loss or gradient that is not finite: the field "x" [4, 2] of the batch holds NaN at element 2. Parameters and optimizer are as before that step.
        Mend the data."
    `);
  });

  it("is read early where kept batches grow large", async () => {
    const wide = 2 ** 20;
    const data = new Float32Array(20 * wide);
    data[5 * wide] = Infinity;
    const steps: number[] = [];
    // Batches that no one can make again.
    const broken: HostBatch[] = Array.from({ length: 20 }, (_, i) => ({
      fields: {
        x: { data: data.subarray(i * wide, (i + 1) * wide), shape: [1, wide], dtype: "float32" },
        y: { data: new Int32Array(1), shape: [1], dtype: "int32" },
      },
      lasting: true,
    }));
    class MeanOnly extends Module {
      factor!: Variable;
      protected override setup(): void {
        this.factor = this.parameter([1], () => Float32Array.of(1));
      }
      protected compute(x: Tensor, _context: Context): Tensor {
        return x.mean(1).mul(this.factor.value);
      }
    }
    const model = new MeanOnly().build([wide]);
    const run = fit(model, broken, {
      ...options,
      loss: (outputs) => outputs.mean(),
      callbacks: [{ onStepEnd: ({ step }) => void steps.push(step) }],
    });
    expect((await failure(run)).step).toBe(5);
    // 64 MiB are 16 of these batches: it does not wait for all of 20.
    expect(steps).toHaveLength(16);
  });
});

function layersOf() {
  return {
    first: dense({ units: 8 }),
    norm: batchNorm(),
    act: relu(),
    drop: dropout(0.3),
    last: dense({ units: 3 }),
  };
}
