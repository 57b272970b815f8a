import {
  ConvokeError,
  defaultBackend,
  Module,
  reference,
  tensor,
  type Context,
  type Tensor,
} from "@convoke/core";
import { arrayDataset } from "@convoke/datasets";
import { batchNorm, crossEntropy, dense, dropout, input, mse, relu, sequential } from "@convoke/layers";
import { adam, cosine, reduceOnPlateau, sgd, warmup } from "@convoke/optimizers";
import { describe, expect, it } from "vitest";
import { evaluate, fit, type BatchSource, type FitOptions, type HostBatch } from "./index.js";
import { blobs, valuesOf } from "../test/toy-data.js";

const quiet = { progress: false } as const;

describe("fit", () => {
  it("learns to tell clusters of points apart", async () => {
    const model = sequential(input(2), dense({ units: 16 }), relu(), dense({ units: 3 }));
    const history = await fit(model, blobs(300), {
      optimizer: adam(0.02),
      loss: "crossEntropy",
      epochs: 12,
      batchSize: 32,
      validation: blobs(100, 1),
      ...quiet,
    });
    const last = history.epochs.at(-1)!;
    expect(last.accuracy).toBeGreaterThan(0.95);
    expect(last.valAccuracy).toBeGreaterThan(0.95);
    expect(last.valLoss).toBeLessThan(0.2);
    expect(last.loss).toBeLessThan(history.epochs[0]!.loss);
    expect(history).toMatchObject({ steps: 120, examples: 3600, programs: 2 });
    expect(last).toMatchObject({ epoch: 11, step: 120, learningRate: 0.02 });
  });

  it("compiles two programs at most, under a partial last batch, a schedule and clipping", async () => {
    const model = sequential(
      input(2),
      dense({ units: 8 }),
      batchNorm(),
      relu(),
      dropout(0.2),
      dense({ units: 3 }),
    );
    const history = await fit(model, blobs(50), {
      optimizer: adam(reduceOnPlateau(cosine(0.02, { steps: 40, warmup: 4 }), { patience: 0 })),
      loss: "crossEntropy",
      epochs: 5,
      batchSize: 16,
      clip: { norm: 1, value: 0.5 },
      ...quiet,
    });
    expect(history.programs).toBe(2);
    expect(history.steps).toBe(20);
  });

  it("gives the same run for the same seed, and another for another", async () => {
    const run = async (seed: number): Promise<{ loss: number; values: number[] }> => {
      const model = sequential(input(2), dense({ units: 8 }), relu(), dropout(0.5), dense({ units: 3 }));
      model.initialize(3);
      const options: FitOptions = { optimizer: adam(0.01), loss: "crossEntropy", epochs: 2, seed, ...quiet };
      const { epochs } = await fit(model, blobs(70), options);
      return { loss: epochs[1]!.loss, values: await valuesOf(model) };
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect((await run(2)).values).not.toEqual(first.values);
  });

  it("accumulates gradients as one large batch would", async () => {
    const run = async (batchSize: number, accumulate: number): Promise<number[]> => {
      const model = sequential(input(2), dense({ units: 8 }), relu(), dense({ units: 3 }));
      model.initialize(5);
      const { steps } = await fit(model, blobs(44), {
        optimizer: sgd(0.1, { momentum: 0.9 }),
        loss: "crossEntropy",
        epochs: 3,
        batchSize,
        accumulate,
        shuffle: false,
        clip: { norm: 0.5 },
        ...quiet,
      });
      expect(steps).toBe(6);
      return valuesOf(model);
    };
    // 24 + 20 examples: as two batches, and as groups of three batches of 8, the last one partial.
    const whole = await run(24, 1);
    const summed = await run(8, 3);
    summed.forEach((value, i) => expect(value).toBeCloseTo(whole[i]!, 5));
  });

  it("takes models of several inputs, with functions for forward and loss", async () => {
    class Product extends Module<{ a: Tensor; b: Tensor }, { product: Tensor; sum: Tensor }> {
      readonly left = dense({ units: 8 });
      readonly right = dense({ units: 8 });
      readonly out = dense({ units: 1 });
      protected compute({ a, b }: { a: Tensor; b: Tensor }, context: Context) {
        const both = this.left.forward(a, context).mul(this.right.forward(b, context));
        return { product: this.out.forward(both, context), sum: a.add(b) };
      }
    }
    const model = new Product();
    model.buildWith({ a: tensor([[0]]), b: tensor([[0]]) });
    const a = Float32Array.from({ length: 64 }, (_, i) => (i % 8) / 4 - 1);
    const b = Float32Array.from({ length: 64 }, (_, i) => Math.floor(i / 8) / 4 - 1);
    const data = arrayDataset({
      fields: {
        a: { data: a, shape: [1] },
        b: { data: b, shape: [1] },
        target: { data: a.map((value, i) => value * b[i]!), shape: [1] },
      },
    });
    const history = await fit(model, data, {
      optimizer: adam(0.02),
      forward: (net: Product, { a, b }, context) => net.forward({ a: a!, b: b! }, context),
      loss: ({ product }, { target }) => mse(product, target!),
      epochs: 60,
      batchSize: 16,
      ...quiet,
    });
    expect(history.epochs.at(-1)!.loss).toBeLessThan(0.01);
  });

  it("takes batches from any iterable and from any source", async () => {
    const x = new Float32Array([0, 1, 1, 0]);
    const batch: HostBatch = {
      fields: {
        x: { data: x, shape: [2, 2], dtype: "float32" },
        y: { data: new Int32Array([0, 1]), shape: [2], dtype: "int32" },
      },
    };
    const options: FitOptions = { optimizer: sgd(0.5), loss: "crossEntropy", epochs: 2, ...quiet };
    const net = () => sequential(input(2), dense({ units: 2 }));
    expect(await fit(net(), [batch, batch, batch], options)).toMatchObject({ steps: 6, examples: 12 });
    const source: BatchSource = { epoch: (epoch) => Array<HostBatch>(epoch + 1).fill(batch) };
    expect(await fit(net(), source, options)).toMatchObject({ steps: 3 });
    async function* once() {
      await Promise.resolve();
      yield batch;
    }
    await expect(fit(net(), once(), options)).rejects.toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: fit: the data gave no batches in epoch 1; every epoch needs at least one.
        Give a dataset, or an iterable that can be iterated again (a generator is used up after one epoch).]
    `);
  });

  it("ends by a callback, or by a signal", async () => {
    const model = sequential(input(2), dense({ units: 3 }));
    const options: FitOptions = {
      optimizer: sgd(0.1),
      loss: "crossEntropy",
      batchSize: 10,
      epochs: 5,
      ...quiet,
    };
    const stopped = await fit(model, blobs(50), {
      ...options,
      callbacks: [{ onStepEnd: ({ step }, run) => (step === 6 ? run.stop("enough") : undefined) }],
    });
    expect(stopped).toMatchObject({ steps: 7, stopped: "enough" });
    expect(stopped.epochs).toHaveLength(1);
    const controller = new AbortController();
    const aborted = fit(model, blobs(50), {
      ...options,
      signal: controller.signal,
      callbacks: [{ onEpochEnd: () => controller.abort(new Error("the user left")) }],
    });
    await expect(aborted).rejects.toThrow("the user left");
  });

  it("gives callbacks the loss of a step when they ask for it", async () => {
    const model = sequential(input(2), dense({ units: 3 }));
    const losses: number[] = [];
    const rates: number[] = [];
    const { epochs } = await fit(model, blobs(40), {
      optimizer: sgd(warmup(0.1, 4)),
      loss: "crossEntropy",
      batchSize: 10,
      callbacks: [
        {
          async onStepEnd({ loss, learningRate }) {
            losses.push(await loss());
            rates.push(learningRate);
          },
        },
      ],
      ...quiet,
    });
    expect(losses).toHaveLength(4);
    expect(losses.reduce((sum, loss) => sum + loss) / 4).toBeCloseTo(epochs[0]!.loss, 10);
    expect(rates.map((rate) => rate.toFixed(3))).toEqual(["0.025", "0.050", "0.075", "0.100"]);
  });

  it("runs on the backend that is given, and leaves the model there", async () => {
    const backend = reference();
    const model = sequential(input(2), dense({ units: 3 }));
    const options: FitOptions = {
      optimizer: adam(0.1),
      loss: "crossEntropy",
      validation: blobs(9),
      ...quiet,
    };
    const before = defaultBackend().memory().buffers;
    await fit(model, blobs(30), { ...options, backend });
    // Weight and bias: what training needed beside them is gone.
    expect(backend.memory().buffers).toBe(2);
    expect(defaultBackend().memory().buffers).toBe(before);
    await evaluate(model, blobs(9), { loss: "crossEntropy" });
    expect(backend.memory().buffers).toBe(2);
  });

  it("leaves frozen parameters alone", async () => {
    const model = sequential({ first: dense({ units: 4 }), last: dense({ units: 3 }) }).build([2]);
    model.freeze(/^first/);
    const before = await model.state();
    await fit(model, blobs(20), { optimizer: adam(0.1), loss: "crossEntropy", ...quiet });
    const after = await model.state();
    expect(after["first.weight"]).toEqual(before["first.weight"]);
    expect(after["last.weight"]).not.toEqual(before["last.weight"]);
  });

  it("lowers the rate on a plateau of the measure that is watched", async () => {
    const model = sequential(input(2), dense({ units: 3 }));
    const schedule = reduceOnPlateau(0.5, { factor: 0.1, patience: 0, threshold: 0.9 });
    const { epochs } = await fit(model, blobs(20), {
      optimizer: sgd(schedule),
      loss: "crossEntropy",
      epochs: 3,
      ...quiet,
    });
    // No epoch is better than the one before by 90 %.
    const rates = epochs.map(({ learningRate }) => learningRate);
    [0.5, 0.5, 0.05].forEach((rate, i) => expect(rates[i]).toBeCloseTo(rate, 12));
  });
});

/** Three points, whose labels are bytes, as the files of MNIST and most arrays have them. */
const inBytes = {
  fields: {
    x: { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2] },
    y: { data: Uint8Array.of(0, 1, 2), shape: [] },
  },
};

describe("class labels", () => {
  it("may be whole numbers of any type", async () => {
    const losses: unknown[] = [];
    for (const data of [Uint8Array, Int8Array, Uint32Array, Int32Array]) {
      const y = { data: data.from(inBytes.fields.y.data), shape: [] };
      const model = sequential(input(2), dense({ units: 3 }));
      const { epochs } = await fit(model, arrayDataset({ fields: { ...inBytes.fields, y } }), {
        optimizer: sgd(0.1),
        loss: "crossEntropy",
        metrics: ["accuracy", "perplexity"],
        ...quiet,
      });
      losses.push(epochs[0]);
    }
    expect(losses).toEqual(losses.map(() => losses.at(-1)));
  });
});

describe("what fit refuses", () => {
  const options: FitOptions = { optimizer: sgd(0.1), loss: "crossEntropy", ...quiet };
  const net = () => sequential(input(2), dense({ units: 3 }));

  it("says what is wrong and what to do", async () => {
    const message = async (run: Promise<unknown>): Promise<string> => {
      const error: unknown = await run.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      return error instanceof ConvokeError ? error.message : String(error);
    };
    expect(await message(fit(net(), blobs(9, 0, 4), options))).toMatchInlineSnapshot(`
      "labels: label 3 at position 7 is out of range: with 3 classes labels are 0 to 2.
        Give the model's last layer as many units as there are classes, or correct the labels."
    `);
    const bytes = { ...inBytes.fields, y: { data: Uint8Array.of(0, 1, 3), shape: [] } };
    expect(await message(fit(net(), arrayDataset({ fields: bytes }), options))).toContain(
      "is out of range: with 3 classes labels are 0 to 2.",
    );
    expect(await message(fit(net().freeze(), blobs(9), options))).toMatchInlineSnapshot(`
      "fit: the model has no parameter that may be trained: all are frozen, or there are none.
        Call model.unfreeze() or model.build(…), or add layers that have parameters."
    `);
    expect(await message(fit(sequential(dense({ units: 3 })), blobs(9), options))).toMatchInlineSnapshot(`
      "fit: the model has no parameters yet: it was not built.
        Call model.build([channels, height, width]), or start the model with input(…)."
    `);
    // A word is an interval only where there are intervals.
    expect(await message(fit(net(), blobs(9), { ...options, epochs: "epoch" as never }))).toContain(
      "epochs is epoch, but it must be a whole number, 1 or more.",
    );
    expect(await message(fit(net(), blobs(9), { ...options, epochs: 0 }))).toMatchInlineSnapshot(`
      "fit: epochs is 0, but it must be a whole number, 1 or more.
        Give another epochs, or leave it out."
    `);
    const unknown = { ...options, loss: "crossentropy" as "crossEntropy" };
    expect(await message(fit(net(), blobs(9), unknown))).toMatchInlineSnapshot(`
      "loss: got the name "crossentropy"; the losses by name are crossEntropy, nll, mse, l1, huber, bce, bceWithLogits.
        Use one of them, or a function (outputs, fields) => scalar tensor."
    `);
    expect(await message(fit(net(), blobs(9), { ...options, loss: undefined as never }))).toContain(
      'loss: got the name "undefined"; the losses by name are crossEntropy',
    );
    const x = { data: new Float32Array([1, 2]), shape: [2] };
    const unlabelled = arrayDataset({ fields: { x } });
    expect(await message(fit(net(), unlabelled, options))).toMatchInlineSnapshot(`
      "batch: it has no field "y"; its fields are x.
        Name the field "y" in the dataset, or pass functions for "forward" and "loss" that use others."
    `);
    expect(await message(fit(net(), undefined as never, options))).toMatchInlineSnapshot(`
      "data: got no dataset, but it must be a dataset, a loader, or batches that can be iterated.
        Make a dataset with arrayDataset(…), mnist() or syntheticDigits(…)."
    `);
    const both = { train: blobs(9), test: blobs(9) } as never;
    expect(await message(fit(net(), both, options))).toMatchInlineSnapshot(`
      "data: got an object with train, test, but it must be a dataset, a loader, or batches that can be iterated.
        Take the parts: const { train, test } = await mnist(); fit(model, train, …)."
    `);
    const named: FitOptions = { ...options, optimizer: "adam" as never };
    expect(await message(fit(net(), blobs(9), named))).toMatchInlineSnapshot(`
      "fit: got "adam" as optimizer, but it takes one that was made.
        Write for instance optimizer: adam(1e-3)."
    `);
    const text: FitOptions = { ...options, optimizer: sgd("0.1" as never) };
    expect(await message(fit(net(), blobs(9), text))).toMatchInlineSnapshot(`
      "learning rate: it is "0.1" at step 0, but it must be a finite number, 0 or more.
        Correct the number, or the schedule at that step."
    `);
    const perExample: FitOptions = {
      ...options,
      loss: (outputs, { y }) => crossEntropy(outputs, y!, { reduction: "none" }),
    };
    expect(await message(fit(net(), blobs(9), perExample))).toMatchInlineSnapshot(`
      "gradients: got float32 [9], but gradients are those of a floating-point scalar.
        Reduce the result first, for instance with .sum() or .mean()."
    `);
  });
});

describe("memory", () => {
  const full = process.env["CONVOKE_FULL"] !== undefined;
  const steps = full ? 10_000 : 2_000;

  it(
    `holds as many buffers after ${steps} steps as after 10, with the loss unread`,
    { timeout: 600_000 },
    async () => {
      // A backend of its own: what other tests left to the collector does not count here.
      const backend = reference();
      const model = sequential(input(2), dense({ units: 4 }), relu(), dense({ units: 3 }));
      const counts = new Set<number>();
      const perEpoch = 4;
      const epochs = steps / perEpoch;
      const history = await fit(model, blobs(14), {
        optimizer: adam(reduceOnPlateau(cosine(0.01, { steps }), { patience: 50 })),
        loss: "crossEntropy",
        epochs,
        batchSize: 4,
        clip: { norm: 1 },
        callbacks: [
          {
            onEpochEnd: ({ epoch }) => {
              if (epoch > 2 && epoch % 20 === 0) counts.add(backend.memory().buffers);
            },
          },
        ],
        backend,
        ...quiet,
      });
      expect(history.steps).toBe(steps);
      expect(history.programs).toBe(2);
      expect([...counts]).toHaveLength(1);
    },
  );
});
