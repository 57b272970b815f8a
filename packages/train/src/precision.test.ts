import {
  Module,
  reference,
  Variable,
  zeros,
  type Context,
  type Tensor,
  type Unsupported,
} from "@convoke/core";
import { batchNorm, crossEntropy, dense, dropout, input, relu, sequential } from "@convoke/layers";
import { adam, adamax, adamW, cosine, nadam, radam, sgd } from "@convoke/optimizers";
import { describe, expect, it } from "vitest";
import { LosableBackend } from "../test/losable-backend.js";
import { blobs, valuesOf } from "../test/toy-data.js";
import {
  decodeSafetensors,
  encodeSafetensors,
  evaluate,
  fit,
  NonFiniteStepError,
  type Callback,
  type FitOptions,
  type HostBatch,
} from "./index.js";

const mixed = { precision: "mixed", progress: false } as const;

const net = (seed = 3) => {
  const model = sequential(
    input(2),
    dense({ units: 12 }),
    batchNorm(),
    relu(),
    dropout(0.2),
    dense({ units: 3 }),
  );
  model.initialize(seed);
  return model;
};

const optionsOf = (extra: Partial<FitOptions> = {}): FitOptions => ({
  optimizer: adam(cosine(0.03, { steps: 60 })),
  loss: "crossEntropy",
  batchSize: 16,
  seed: 21,
  ...mixed,
  ...extra,
});

/** A checkpoint with another scale, or another number of steps since it changed. */
function withScale(checkpoint: Uint8Array, to: { scale?: number; steps?: number }): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(checkpoint);
  if (to.scale !== undefined) tensors["@training/lossScale"]!.data[0] = to.scale;
  if (to.steps !== undefined) tensors["@training/lossScaleSteps"]!.data[0] = to.steps;
  return encodeSafetensors({ tensors, metadata });
}

interface Snapshot {
  readonly scale: number;
  /** Model and optimizer. */
  readonly state: Readonly<Record<string, readonly (number | bigint)[]>>;
}

/** What a run is after each of its steps. */
function watch(into: Snapshot[]): Callback {
  return {
    async onStepEnd(_, run) {
      const { tensors } = decodeSafetensors(await run.checkpoint());
      const state = Object.entries(tensors).filter(([name]) => !name.startsWith("@training/"));
      into.push({
        scale: Number(tensors["@training/lossScale"]!.data[0]),
        state: Object.fromEntries(state.map(([name, { data }]) => [name, Array.from<number | bigint>(data)])),
      });
    },
  };
}

async function checkpointAfter(epochs: number, extra: Partial<FitOptions> = {}): Promise<Uint8Array> {
  let saved: Uint8Array = new Uint8Array();
  await fit(net(), blobs(64), optionsOf({ ...extra, epochs, checkpoint: { save: (b) => void (saved = b) } }));
  return saved;
}

describe("training in mixed precision", () => {
  it("learns as well as in float32, and keeps float32 parameters", async () => {
    const run = async (precision: "float32" | "mixed") => {
      const model = net();
      const options = optionsOf({ precision, epochs: 6, validation: blobs(60, 1) });
      return { model, history: await fit(model, blobs(200), options) };
    };
    const [half, full] = [await run("mixed"), await run("float32")];
    const [last, exact] = [half.history.epochs.at(-1)!, full.history.epochs.at(-1)!];
    expect(last.accuracy).toBeGreaterThan(0.95);
    expect(Math.abs(last.loss - exact.loss)).toBeLessThan(0.02);
    expect(last.loss).not.toBe(exact.loss);
    expect(last.lossScale).toBe(65536);
    expect(exact).not.toHaveProperty("lossScale");
    expect(half.history.programs).toBe(2);
    expect(half.model.variables().map(({ dtype }) => dtype)).toEqual(
      half.model.variables().map(() => "float32"),
    );
    // What is measured along with training computes as training does, and evaluate as it is told.
    const measure = { loss: "crossEntropy", batchSize: 16 } as const;
    expect((await evaluate(half.model, blobs(60, 1), { ...measure, precision: "mixed" })).loss).toBe(
      last.valLoss,
    );
    expect((await evaluate(half.model, blobs(60, 1), measure)).loss).not.toBe(last.valLoss);
  });

  it("halves a scale under which gradients overflow, and changes nothing else", async () => {
    const resume = withScale(await checkpointAfter(1), { scale: 2 ** 20 });
    const before = decodeSafetensors(resume).tensors;
    const steps: Snapshot[] = [];
    const { epochs } = await fit(
      net(),
      blobs(64),
      optionsOf({ epochs: 4, resume, callbacks: [watch(steps)] }),
    );
    const scales = steps.map(({ scale }) => scale);
    expect(scales.slice(0, 2)).toEqual([2 ** 19, 2 ** 18]);
    for (const [i, { scale, state }] of steps.entries()) {
      const last = i === 0 ? 2 ** 20 : scales[i - 1]!;
      const values = (name: string) =>
        i === 0 ? Array.from<number | bigint>(before[name]!.data) : steps[i - 1]!.state[name];
      for (const name of Object.keys(state)) {
        if (scale < last) expect(state[name], name).toEqual(values(name));
        else if (name.endsWith("weight")) expect(state[name], name).not.toEqual(values(name));
      }
    }
    // Some way down it holds, and the run goes on learning.
    expect(scales.at(-1)).toBe(scales.at(-5));
    expect(epochs.at(-1)).toMatchObject({ lossScale: scales.at(-1) });
    expect(epochs.at(-1)!.loss).toBeLessThan(epochs[0]!.loss);
  });

  it("doubles the scale after 2000 steps without overflow", async () => {
    const resume = withScale(await checkpointAfter(1), { scale: 512, steps: 1998 });
    const steps: Snapshot[] = [];
    await fit(net(), blobs(64), optionsOf({ epochs: 2, resume, callbacks: [watch(steps)] }));
    expect(steps.map(({ scale }) => scale)).toEqual([512, 1024, 1024, 1024]);
  });

  it("clips and accumulates gradients that are not scaled any more", async () => {
    const run = async (extra: Partial<FitOptions>): Promise<number[]> => {
      const model = sequential(input(2), dense({ units: 8 }), relu(), dense({ units: 3 }));
      model.initialize(5);
      const options = { optimizer: sgd(0.5, { momentum: 0.9 }), shuffle: false, epochs: 2 } as const;
      await fit(model, blobs(44), optionsOf({ ...options, ...extra }));
      return valuesOf(model);
    };
    for (const extra of [{ clip: { norm: 0.1, value: 0.05 } }, { batchSize: 8, accumulate: 3 }]) {
      const exact = await run({ ...extra, precision: "float32" });
      (await run(extra)).forEach((value, i) => expect(Math.abs(value - exact[i]!)).toBeLessThan(5e-3));
    }
  });

  it("leaves batches that overflow out of the sums of a group", async () => {
    const batch = (size: number): HostBatch => ({
      fields: {
        x: {
          data: Float32Array.of(1, 0.5, -0.5, 1).map((value) => size * value),
          shape: [2, 2],
          dtype: "float32",
        },
        y: { data: Int32Array.of(0, 1), shape: [2], dtype: "int32" },
      },
    });
    const start = () => {
      const model = sequential(input(2), dense({ units: 2 }));
      model.initialize(4);
      return model;
    };
    const run = async (batches: readonly HostBatch[], extra: Partial<FitOptions> = {}) => {
      const model = start();
      // A loss that stays finite in float32 whatever comes; its gradient with respect to the weights grows with x.
      const loss: FitOptions["loss"] = (outputs, { y }) => crossEntropy(outputs.mul(1e-3), y!);
      const { epochs } = await fit(
        model,
        batches,
        optionsOf({ optimizer: sgd(50), loss, accumulate: 2, ...extra }),
      );
      return { values: await valuesOf(model), scale: epochs[0]!.lossScale };
    };
    const [small, large] = [batch(1), batch(20_000)];
    const alone = (await run([small], { accumulate: 1 })).values;
    expect(alone).not.toEqual(await valuesOf(start()));
    for (const group of [
      [small, large],
      [large, small],
    ]) {
      const { values, scale } = await run(group);
      expect(scale).toBe(32768);
      values.forEach((value, i) => expect(value).toBeCloseTo(alone[i]!, 5));
    }
    const none = await run([large, large]);
    expect(none).toEqual({ values: await valuesOf(start()), scale: 16384 });
    // The sums of the group before are not those of one whose first batch is left out.
    const [two, one] = [await run([small, small, large, small]), await run([small, small, small])];
    two.values.forEach((value, i) => expect(value).toBeCloseTo(one.values[i]!, 4));
  });

  it("takes no step of the optimizer with a batch that overflows", async () => {
    const batch = (size: number): HostBatch => ({
      fields: {
        x: { data: Float32Array.of(size, size / 2, -size / 2, size), shape: [2, 2], dtype: "float32" },
        y: { data: Int32Array.of(0, 1), shape: [2], dtype: "int32" },
      },
    });
    const [small, large] = [batch(1), batch(20_000)];
    const run = async (batches: readonly HostBatch[], extra: Partial<FitOptions>) => {
      const model = sequential(input(2), dense({ units: 2 }));
      model.initialize(4);
      const loss: FitOptions["loss"] = (outputs, { y }) => crossEntropy(outputs.mul(1e-3), y!);
      let saved: Uint8Array = new Uint8Array();
      const checkpoint = { save: (bytes: Uint8Array) => void (saved = bytes) };
      await fit(model, batches, optionsOf({ loss, checkpoint, ...extra }));
      const { tensors } = decodeSafetensors(saved);
      const entries = Object.entries(tensors).filter(([name]) => !name.startsWith("@training/"));
      const skipped = Number(tensors["@training/lossScaleSkipped"]!.data[0]);
      return { skipped, state: Object.fromEntries(entries.map(([name, { data }]) => [name, [...data]])) };
    };
    const optimizers = [
      adam(0.1),
      adamW(0.1, { amsgrad: true }),
      adamax(0.1),
      nadam(0.1),
      radam(0.1, { betas: [0.5, 0.6] }),
      sgd(50, { momentum: 0.9, dampening: 0.5 }),
    ];
    for (const optimizer of optimizers) {
      const exact = await run([small, small, small], { optimizer });
      expect(exact.skipped).toBe(0);
      for (const readEvery of [1, 2, 50]) {
        const batches = [large, large, small, large, small, small];
        expect(await run(batches, { optimizer, readEvery })).toEqual({ ...exact, skipped: 3 });
      }
      const nothing = await run([large, large], { optimizer });
      const values = Object.entries(nothing.state).filter(([name]) => name.startsWith("@"));
      expect(values.flatMap(([, value]) => value).every((value) => value === 0)).toBe(true);
      // Of a group all of whose batches overflow, no step is taken either.
      const groups = [large, large, small, small, large, small];
      const accumulated = await run(groups, { optimizer, accumulate: 2 });
      expect(accumulated.skipped).toBe(1);
      const two = await run([small, small, small, small], { optimizer, accumulate: 2 });
      for (const [name, value] of Object.entries(two.state)) {
        value.forEach((v, i) => expect(accumulated.state[name]![i]).toBeCloseTo(Number(v), 4));
      }
    }
  });

  it("counts the updates that were left out on the way", async () => {
    // From 2²⁰ on the scale halves until nothing overflows; what the optimizer's step is then, is its own.
    const resume = withScale(await checkpointAfter(1), { scale: 2 ** 20 });
    const saved: Uint8Array[] = [];
    const checkpoint = { save: (bytes: Uint8Array) => void saved.push(bytes) };
    const { epochs } = await fit(
      net(),
      blobs(64),
      optionsOf({ epochs: 3, resume, checkpoint, readEvery: 3 }),
    );
    const skipped = Number(decodeSafetensors(saved.at(-1)!).tensors["@training/lossScaleSkipped"]!.data[0]);
    expect(skipped).toBe(20 - Math.log2(epochs.at(-1)!.lossScale!));
  });

  for (const [what, extra, every] of [
    ["in mid-epoch", {}, 7],
    ["between summed gradients", { accumulate: 2 }, undefined],
  ] as const) {
    it(`goes on bit for bit, ${what}`, async () => {
      const whole = net();
      const options = optionsOf({ ...extra, epochs: 3, validation: blobs(20, 5) });
      const history = await fit(whole, blobs(75), options);
      const saved: Uint8Array[] = [];
      const keep: Callback = {
        async onStepEnd({ epoch, batch }, run) {
          if (every === undefined && epoch === 1 && batch === 2) saved.push(await run.checkpoint());
          if (epoch === 2) run.stop("interrupted");
        },
      };
      const checkpoint =
        every === undefined ? {} : { every, save: (bytes: Uint8Array) => void saved.push(bytes) };
      await fit(net(), blobs(75), { ...options, checkpoint, callbacks: [keep] });
      const resumed = net(99);
      const rest = await fit(resumed, blobs(75), { ...options, resume: saved[0]! });
      expect(rest.epochs).toEqual(history.epochs);
      expect(await valuesOf(resumed)).toEqual(await valuesOf(whole));
    });
  }

  it("does not go on in another precision", async () => {
    const resume = await checkpointAfter(1);
    const run = fit(net(), blobs(64), optionsOf({ epochs: 2, resume, precision: "float32" }));
    await expect(run).rejects.toThrowErrorMatchingInlineSnapshot(`
      [CheckpointError: resume: the run was started with precision "mixed", but fit got "float32".
        Go on with precision "mixed", or start a new run after loadParameters.]
    `);
  });

  it("ends as if nothing had happened when the device is lost", async () => {
    const resume = withScale(await checkpointAfter(1), { scale: 2 ** 18, steps: 1990 });
    const run = async (backend: LosableBackend, callbacks: readonly Callback[]) => {
      const model = net();
      const options = optionsOf({ epochs: 4, resume, backend, callbacks, recover: { every: 3 } });
      const { epochs } = await fit(model, blobs(64), options);
      return { epochs, values: await valuesOf(model) };
    };
    const whole = await run(new LosableBackend(), []);
    const backend = new LosableBackend();
    let isLost = false;
    const lose: Callback = {
      onStepEnd: ({ step }) => {
        if (step !== 7 || isLost) return;
        isLost = true;
        backend.lose();
      },
    };
    expect(await run(backend, [lose])).toEqual(whole);
    expect(backend.recovered).toBe(1);
  });
});

describe("what is not finite in mixed precision", () => {
  const failure = async (model: Module, extra: Partial<FitOptions> = {}): Promise<unknown> =>
    fit(model, blobs(100), optionsOf({ batchSize: 4, ...extra })).then(
      () => undefined,
      (reason: unknown) => reason,
    );

  /** Its gradient is NaN. */
  class Root extends Module {
    protected compute(x: Tensor, _context: Context): Tensor {
      return x.mul(0).square().sqrt();
    }
  }

  /** Leaves half precision, not float32. */
  class Power extends Module {
    protected compute(x: Tensor, _context: Context): Tensor {
      return x.mul(1e4).mul(1e4);
    }
  }

  it("is a failure once the scale is 1, and leaves everything as before", async () => {
    const model = sequential({ first: dense({ units: 3 }), root: new Root() }).build([2]);
    const before = await valuesOf(model);
    const error = await failure(model);
    expect(error).toBeInstanceOf(NonFiniteStepError);
    // From 65536 it takes 16 steps to 1.
    expect(error).toMatchObject({ step: 16, scope: "root" });
    expect(await valuesOf(model)).toEqual(before);
  });

  it("is a failure at once where it is the loss, found in half precision", async () => {
    const model = sequential({ first: dense({ units: 3 }), power: new Power() }).build([2]);
    const error = await failure(model);
    expect(error).toMatchObject({ step: 0, scope: "power", op: "mul" });
    expect(await failure(model, { precision: "float32" })).toBeUndefined();
  });
});

describe("what mixed precision refuses", () => {
  const refusal = (model: Module, extra: Partial<FitOptions> = {}): Promise<never> =>
    fit(model, blobs(9), optionsOf(extra)) as Promise<never>;

  it("names the precision", async () => {
    const unknown = { precision: "half" as "mixed" };
    await expect(refusal(net(), unknown)).rejects.toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: precision: got "half", but it is "float32" or "mixed".
        Use one of them, or leave it out for float32.]
    `);
    await expect(evaluate(net(), blobs(9), { loss: "crossEntropy", ...unknown })).rejects.toThrow(
      'got "half"',
    );
  });

  it("names a parameter of float64", async () => {
    class Doubles extends Module {
      readonly factor = new Variable(zeros([1], { dtype: "float64" }));
      protected compute(x: Tensor, _context: Context): Tensor {
        return x.cast("float64").mul(this.factor.value).cast("float32");
      }
    }
    await expect(refusal(new Doubles().build([2]))).rejects.toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: precision: "factor" is float64, but mixed precision is float32 with products in half precision.
        Make the model in float32, or leave precision out.]
    `);
  });

  it("names a backend that has no float16, before anything runs", async () => {
    class NoHalf extends LosableBackend {
      override supports = (): Unsupported => ({ reason: "it has no numbers of half precision" });
    }
    await expect(refusal(net(), { backend: new NoHalf() })).rejects.toThrowErrorMatchingInlineSnapshot(`
      [UnsupportedOpError: precision "mixed": the backend "losable" does not support it: it has no numbers of half precision.
        Leave precision out, or use a backend that has float16 (webgpu).]
    `);
    const model = net();
    await model.to(reference());
    await expect(refusal(model)).resolves.toBeDefined();
  });
});
