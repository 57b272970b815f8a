import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ConvokeError, Module, tensor, Variable, type Tensor } from "@convoke/core";
import { batchNorm, dense, dropout, input, relu, sequential } from "@convoke/layers";
import { adam, cosine, reduceOnPlateau, sgd } from "@convoke/optimizers";
import { describe, expect, it } from "vitest";
import { blobs, valuesOf } from "../test/toy-data.js";
import {
  CheckpointError,
  checkpointFile,
  decodeSafetensors,
  earlyStopping,
  evaluate,
  fit,
  loadParameters,
  saveParameters,
  type FitOptions,
  type History,
} from "./index.js";

const net = (seed = 3) => {
  const model = sequential(
    input(2),
    dense({ units: 12 }),
    batchNorm(),
    relu(),
    dropout(0.4),
    dense({ units: 3 }),
  );
  model.initialize(seed);
  return model;
};

const optionsOf = (): FitOptions => ({
  optimizer: adam(reduceOnPlateau(cosine(0.05, { steps: 60 }), { factor: 0.5, patience: 0, threshold: 0.2 })),
  loss: "crossEntropy",
  epochs: 5,
  batchSize: 16,
  seed: 21,
  validation: blobs(40, 5),
  clip: { norm: 1 },
  progress: false,
});

const outcome = ({ epochs, steps }: History): unknown => ({ epochs, steps });

describe("a resumed run", () => {
  // 75 examples in batches of 16: five batches per epoch, the last one of 11.
  for (const [what, extra, every] of [
    ["in mid-epoch", {}, 7],
    ["at the end of an epoch", {}, 10],
    ["between summed gradients", { accumulate: 2 }, undefined],
  ] as const) {
    it(`equals the uninterrupted one bit for bit, ${what}`, async () => {
      const whole = net();
      const options = { ...optionsOf(), ...extra };
      const history = await fit(whole, blobs(75), {
        ...options,
        callbacks: [earlyStopping({ patience: 9 })],
      });

      const saved: Uint8Array[] = [];
      await fit(net(), blobs(75), {
        ...optionsOf(),
        ...extra,
        checkpoint: every === undefined ? {} : { every, save: (bytes) => void saved.push(bytes) },
        callbacks: [
          earlyStopping({ patience: 9 }),
          {
            async onStepEnd({ epoch, batch }, run) {
              // The third batch of an epoch: its gradients wait for those of the fourth.
              if (every === undefined && epoch === 1 && batch === 2) saved.push(await run.checkpoint());
              if (epoch === 3) run.stop("interrupted");
            },
          },
        ],
      });
      const resumed = net(99);
      const rest = await fit(resumed, blobs(75), {
        ...optionsOf(),
        ...extra,
        resume: saved[0]!,
        callbacks: [earlyStopping({ patience: 9 })],
      });
      expect(outcome(rest)).toEqual(outcome(history));
      expect(await valuesOf(resumed)).toEqual(await valuesOf(whole));
    });
  }

  it("goes on from the folder that it was saved in, and leaves no other file there", async () => {
    const dir = await mkdtemp(path.join(tmpdir(), "convoke-"));
    try {
      const options = { ...optionsOf(), checkpoint: { dir: path.join(dir, "run") } };
      await fit(net(), blobs(75), { ...options, epochs: 2 });
      expect(await readdir(path.join(dir, "run"))).toEqual([checkpointFile]);
      const resumed = net(1);
      const { epochs } = await fit(resumed, blobs(75), {
        ...optionsOf(),
        resume: path.join(dir, "run"),
      });
      expect(epochs).toHaveLength(5);
      const whole = net();
      await fit(whole, blobs(75), optionsOf());
      expect(await valuesOf(resumed)).toEqual(await valuesOf(whole));
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it("says what does not fit", async () => {
    const message = async (run: Promise<unknown>): Promise<string> => {
      const error: unknown = await run.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      return error instanceof ConvokeError ? `${error.name}: ${error.message}` : String(error);
    };
    let saved: Uint8Array = new Uint8Array();
    const save = (bytes: Uint8Array): void => void (saved = bytes);
    await fit(net(), blobs(75), { ...optionsOf(), epochs: 1, checkpoint: { save } });
    const resume = (options: Partial<FitOptions>, model = net()) =>
      message(fit(model, blobs(75), { ...optionsOf(), resume: saved, ...options }));
    expect(await resume({ seed: 1 })).toMatchInlineSnapshot(`
      "CheckpointError: resume: the run was started with seed 21, but fit got 1.
        Go on with seed 21, or start a new run after loadParameters."
    `);
    expect(await resume({ optimizer: sgd(0.1) })).toMatchInlineSnapshot(`
      "CheckpointError: resume: the run was started with optimizer "adam", but fit got "sgd".
        Go on with optimizer "adam", or start a new run after loadParameters."
    `);
    expect(await resume({ precision: "mixed" })).toMatchInlineSnapshot(`
      "CheckpointError: resume: the run was started with precision "float32", but fit got "mixed".
        Go on with precision "float32", or start a new run after loadParameters."
    `);
    expect(await resume({ accumulate: 2 })).toMatchInlineSnapshot(`
      "CheckpointError: resume: the run was started with accumulate 1, but fit got 2.
        Go on with accumulate 1, or start a new run after loadParameters."
    `);
    expect(await resume({ metrics: ["perplexity"] })).toMatchInlineSnapshot(`
      "CheckpointError: resume: the names do not match: it lacks "@training/perplexity.sum", "@training/perplexity.all", and it has "@training/accuracy.right", "@training/accuracy.all" too many.
        Build the same model as when it was saved, and give fit the same options when a run goes on."
    `);
    expect(await resume({ optimizer: adam(0.05, { amsgrad: true }) })).toMatchInlineSnapshot(`
      "CheckpointError: resume: the names do not match: it lacks "@optimizer/adam.0.weight.largestMoment", "@optimizer/adam.0.bias.largestMoment", "@optimizer/adam.1.weight.largestMoment" and 3 more.
        Build the same model as when it was saved, and give fit the same options when a run goes on."
    `);
    const small = sequential(input(2), dense({ units: 3 }));
    const untouched = await valuesOf(small);
    expect(await resume({}, small)).toMatchInlineSnapshot(`
      "CheckpointError: resume: the names do not match: it has "1.weight", "1.bias", "1.runningMean" and 11 more too many.
        Build the same model as when it was saved, and give fit the same options when a run goes on."
    `);
    expect(await valuesOf(small)).toEqual(untouched);
    expect(await resume({ resume: await saveParameters(net()) })).toMatchInlineSnapshot(`
      "CheckpointError: checkpoint: the file holds tensors, but no run that could go on.
        Resume from a file that fit wrote; loadParameters takes files that hold only a model."
    `);
    expect(await resume({ resume: saved.subarray(0, 5) })).toMatchInlineSnapshot(`
      "CheckpointError: checkpoint: it has 5 bytes, but the length of the header takes 8; this is not a complete safetensors file.
        Check that the file was written to its end, and that it is the right one."
    `);
  });
});

describe("the batches of a resumed run", () => {
  const checkpointAfter = async (every: number | "epoch"): Promise<Uint8Array> => {
    const saved: Uint8Array[] = [];
    const checkpoint = { every, save: (bytes: Uint8Array) => void saved.push(bytes) };
    await fit(net(), blobs(75), { ...optionsOf(), epochs: 1, checkpoint });
    return saved[0]!;
  };
  const others: readonly Partial<FitOptions>[] = [{ batchSize: 8 }, { shuffle: false }, { dropLast: true }];

  it("are those of before within an epoch", async () => {
    const resume = await checkpointAfter(3);
    const messages: string[] = [];
    for (const other of others) {
      const model = net(9);
      const before = await valuesOf(model);
      const error: unknown = await fit(model, blobs(75), { ...optionsOf(), ...other, resume }).catch(
        (reason: unknown) => reason,
      );
      messages.push(error instanceof CheckpointError ? error.message : String(error));
      expect(await valuesOf(model)).toEqual(before);
    }
    expect(messages.join("\n")).toMatchInlineSnapshot(`
      "resume: the run was started with batchSize 16, but fit got 8.
        Go on with batchSize 16, or start a new run after loadParameters. Between epochs it may change.
      resume: the run was started with shuffle true, but fit got false.
        Go on with shuffle true, or start a new run after loadParameters. Between epochs it may change.
      resume: the run was started with batches 5, but fit got 4.
        Go on with batches 5, or start a new run after loadParameters. Between epochs it may change."
    `);
    await expect(fit(net(), blobs(50), { ...optionsOf(), resume })).rejects.toThrow(
      "batches 5, but fit got 4",
    );
  });

  it("may be others from the next epoch on", async () => {
    const resume = await checkpointAfter("epoch");
    for (const other of [...others, { optimizer: adam(0.01), clip: {} }]) {
      const { epochs } = await fit(net(), blobs(75), { ...optionsOf(), ...other, epochs: 2, resume });
      expect(epochs).toHaveLength(2);
    }
  });
});

describe("parameters in a file", () => {
  it("come back in another model, from a file of their own and from a checkpoint", async () => {
    const model = net();
    let checkpoint: Uint8Array = new Uint8Array();
    const save = (bytes: Uint8Array): void => void (checkpoint = bytes);
    await fit(model, blobs(75), { ...optionsOf(), checkpoint: { save } });
    const values = await valuesOf(model);
    for (const bytes of [await saveParameters(model), checkpoint]) {
      const other = net(50);
      loadParameters(other, bytes);
      expect(await valuesOf(other)).toEqual(values);
    }
    const measured = await evaluate(model, blobs(30), { loss: "crossEntropy" });
    const other = net(50);
    loadParameters(other, checkpoint);
    expect(await evaluate(other, blobs(30), { loss: "crossEntropy" })).toEqual(measured);
  });

  it("come back in half precision too, in two bytes each", async () => {
    class Scale extends Module {
      readonly factor = new Variable(tensor([1 / 3, -65504, 2 ** -24], { dtype: "float16" }));

      protected compute(x: Tensor): Tensor {
        return x.mul(this.factor.value);
      }
    }
    const [model, other] = [new Scale(), new Scale()];
    other.factor.set(new Float32Array(3));
    const { tensors } = decodeSafetensors(await saveParameters(model));
    expect(tensors["factor"]).toEqual({ dtype: "float16", shape: [3], data: await model.factor.data() });
    loadParameters(other, await saveParameters(model));
    expect(await other.factor.data()).toEqual(await model.factor.data());
  });

  it("change nothing where one of them does not fit", () => {
    const model = sequential(input(2), dense({ units: 3 }));
    const values = model.variables().map((variable) => variable.value);
    const bytes = saveParameters(sequential(input(2), dense({ units: 4 })));
    return bytes.then((saved) => {
      expect(() => loadParameters(model, saved)).toThrowErrorMatchingInlineSnapshot(`
        [CheckpointError: loadParameters: "0.weight" is float32 [4, 2] in the file, but float32 [3, 2] in the model.
          Build the same model as when it was saved.]
      `);
      expect(model.variables().map((variable) => variable.value)).toEqual(values);
    });
  });
});
