import { DeviceLostError, reference } from "@convoke/core";
import { loader } from "@convoke/datasets";
import { batchNorm, dense, dropout, input, relu, sequential } from "@convoke/layers";
import { adam, cosine, reduceOnPlateau } from "@convoke/optimizers";
import { describe, expect, it } from "vitest";
import { LosableBackend } from "../test/losable-backend.js";
import { blobs, valuesOf } from "../test/toy-data.js";
import {
  earlyStopping,
  fit,
  type Callback,
  type FitOptions,
  type History,
  type TrainingData,
} from "./index.js";

const net = () => {
  const model = sequential(
    input(2),
    dense({ units: 12 }),
    batchNorm(),
    relu(),
    dropout(0.4),
    dense({ units: 3 }),
  );
  model.initialize(3);
  return model;
};

async function train(
  extra: Partial<FitOptions> = {},
  data: TrainingData = blobs(75),
): Promise<{ history: History; values: number[] }> {
  const model = net();
  const history = await fit(model, data, {
    optimizer: adam(
      reduceOnPlateau(cosine(0.05, { steps: 60 }), { factor: 0.5, patience: 0, threshold: 0.2 }),
    ),
    loss: "crossEntropy",
    epochs: 4,
    batchSize: 16,
    seed: 21,
    validation: blobs(40, 5),
    clip: { norm: 1 },
    progress: false,
    ...extra,
  });
  return { history, values: await valuesOf(model) };
}

/** Loses the device once at each of these places, written as `epoch.batch`. */
function losing(backend: LosableBackend, places: readonly string[]): Callback {
  const left = new Set(places);
  return {
    onStepEnd({ epoch, batch }) {
      if (left.delete(`${epoch}.${batch}`)) backend.lose();
    },
  };
}

describe("a run whose device is lost", () => {
  // 75 examples in batches of 16: five batches per epoch, the last one of 11.
  for (const [what, options, places] of [
    ["after the first step", {}, ["0.0"]],
    ["in mid-epoch", {}, ["1.2"]],
    ["with the last step of an epoch", {}, ["1.4"]],
    ["several times, with copies every 7 steps", { recover: { every: 7 } }, ["0.1", "1.3", "2.4", "3.2"]],
    ["between summed gradients", { accumulate: 2, recover: { every: 2 } }, ["0.0", "1.2"]],
    ["while losses are read after each step", { readEvery: 1 }, ["2.3"]],
  ] as const) {
    it(`ends as if nothing had happened: ${what}`, async () => {
      const whole = await train({
        ...options,
        backend: reference(),
        callbacks: [earlyStopping({ patience: 9 })],
      });
      const backend = new LosableBackend();
      const got = await train({
        ...options,
        backend,
        callbacks: [earlyStopping({ patience: 9 }), losing(backend, places)],
      });
      expect(got.history.epochs).toEqual(whole.history.epochs);
      expect(got.history.steps).toBe(whole.history.steps);
      expect(got.history.examples).toBe(whole.history.examples);
      expect(got.values).toEqual(whole.values);
      expect(got.history.recoveries).toBe(places.length);
      expect(backend.recovered).toBe(places.length);
    });
  }

  it("goes on when it happens during validation", async () => {
    const whole = await train({ backend: reference() });
    const backend = new LosableBackend();
    let isLost = false;
    const atEnd: Callback = {
      onStepEnd({ epoch, batch }) {
        if (isLost || epoch !== 1 || batch !== 4) return;
        isLost = true;
        // One batch of validation is done, the next finds no device.
        backend.lose(1);
      },
    };
    const got = await train({ backend, callbacks: [atEnd] });
    expect(backend.recovered).toBe(1);
    expect(got.history.epochs).toEqual(whole.history.epochs);
    expect(got.values).toEqual(whole.values);
  });

  it("ends with the error where no copies are kept", async () => {
    const backend = new LosableBackend();
    const run = train({ backend, recover: false, callbacks: [losing(backend, ["1.2"])] });
    await expect(run).rejects.toThrow(DeviceLostError);
    expect(backend.recovered).toBe(0);
  });

  it("gives up when the device is lost over and over", async () => {
    const backend = new LosableBackend();
    const always: Callback = {
      onStepEnd: ({ step }) => {
        if (step >= 2) backend.lose();
      },
    };
    await expect(train({ backend, callbacks: [always] })).rejects.toThrow(DeviceLostError);
    expect(backend.recovered).toBe(3);
  });

  it("says so when the data cannot be repeated", async () => {
    async function* once() {
      yield* loader(blobs(75), { batchSize: 16 }).epoch(0);
    }
    const backend = new LosableBackend();
    const options = { epochs: 1, validation: blobs(40, 5), recover: { every: 2 } };
    const run = train({ ...options, backend, callbacks: [losing(backend, ["0.2"])] }, once());
    await expect(run).rejects.toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: fit: the device was lost, and batches had to be repeated; but epoch 0 now ended after 2, where it had given 4 before.
        Give a dataset, or an iterable that can be iterated again (a generator is used up after one epoch).]
    `);
  });

  it("copies nothing where a device cannot be lost", async () => {
    let copies = 0;
    const counting: Callback = {
      name: "counting",
      state: () => ({ data: ++copies }),
    };
    await train({ backend: reference(), callbacks: [counting], recover: { every: 1 } });
    expect(copies).toBe(0);
  });

  it("wants a whole number of steps", async () => {
    await expect(train({ recover: { every: 0 } })).rejects.toThrow("recover.every is 0");
  });
});
