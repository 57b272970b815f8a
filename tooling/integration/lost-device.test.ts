// The device is lost in mid-training: the run goes on by itself, and ends as if nothing had happened.
import { useSwiftShader } from "@convoke-tooling/browser";
import {
  adam,
  BackendUnavailableError,
  batchNorm,
  conv2d,
  dense,
  DeviceLostError,
  dropout,
  evaluate,
  fit,
  flatten,
  input,
  lenet5,
  maxPool2d,
  relu,
  sequential,
  syntheticDigits,
  type Callback,
  type FitOptions,
  type History,
  type Model,
} from "convoke";
import { describe, expect, it } from "vitest";
import { webgpuWith } from "../../packages/backend-webgpu/src/create.js";

await useSwiftShader();

const isFull = process.env["CONVOKE_FULL"] !== undefined;

const open = () => webgpuWith({ maxMemory: 2 ** 30 }, {});

const probe: unknown = await open().catch((error: unknown) => {
  if (!(error instanceof BackendUnavailableError)) throw error;
  return error;
});
const missing = probe instanceof BackendUnavailableError ? `, not run: ${probe.message}` : "";
if (missing === "") await (probe as Awaited<ReturnType<typeof open>>).dispose();

const small = (): Model =>
  sequential(
    input(1, 28, 28),
    conv2d({ filters: 2, kernelSize: 5, stride: 4 }),
    batchNorm(),
    relu(),
    maxPool2d({ size: 2 }),
    flatten(),
    dropout(0.2),
    dense({ units: 10 }),
  );

interface Outcome {
  readonly history: History;
  readonly accuracy: number | undefined;
  /** The loss of each step, the last time that it ran. */
  readonly losses: readonly number[];
  readonly values: readonly number[][];
}

/** Trains on a device of its own, which goes away after the steps in `lostAfter`. */
async function train(
  make: () => Model,
  sizes: { examples: number; epochs: number },
  { lostAfter, ...options }: Partial<FitOptions> & { lostAfter: readonly number[] },
): Promise<Outcome> {
  const backend = await open();
  const model = make();
  model.initialize(5);
  const { train: data, test } = syntheticDigits({ train: sizes.examples, test: 32, seed: 3 });
  const losses: number[] = [];
  const left = new Set(lostAfter);
  const watch: Callback = {
    async onStepEnd({ step, loss }) {
      losses[step] = await loss();
      if (left.delete(step)) backend.loseDevice();
    },
  };
  try {
    const history = await fit(model, data, {
      backend,
      optimizer: adam(2e-3),
      loss: "crossEntropy",
      epochs: sizes.epochs,
      batchSize: 16,
      seed: 7,
      validation: test,
      progress: false,
      callbacks: [watch],
      ...options,
    });
    const { accuracy } = await evaluate(model, test, { metrics: ["accuracy"] });
    const values = await Promise.all(
      model.variables().map(async (each) => [...(await each.data())].map(Number)),
    );
    return { history, accuracy: accuracy as number, losses, values };
  } finally {
    await backend.dispose();
  }
}

function expectSame(got: Outcome, whole: Outcome): void {
  expect(got.losses).toEqual(whole.losses);
  expect(got.history.epochs).toEqual(whole.history.epochs);
  expect(got.values).toEqual(whole.values);
  expect(got.accuracy).toBe(whole.accuracy);
}

describe.skipIf(missing !== "")(`training on a device that is lost${missing}`, () => {
  it(
    "goes back to its last copy, and ends with the losses that it would have had",
    { timeout: 120_000 },
    async () => {
      const sizes = { examples: 64, epochs: 3 };
      const whole = await train(small, sizes, { lostAfter: [] });
      const got = await train(small, sizes, { lostAfter: [0, 5, 9] });
      expect(got.history.recoveries).toBe(3);
      expectSame(got, whole);
    },
  );

  it.runIf(isFull)(
    "does so with a copy every second step (not run without CONVOKE_FULL)",
    { timeout: 120_000 },
    async () => {
      const sizes = { examples: 64, epochs: 3 };
      const whole = await train(small, sizes, { lostAfter: [] });
      const often = await train(small, sizes, { lostAfter: [6, 7], recover: { every: 2 } });
      expect(often.history.recoveries).toBe(2);
      expectSame(often, whole);
    },
  );

  it("ends with a DeviceLostError where nothing is to be kept", { timeout: 60_000 }, async () => {
    const run = train(small, { examples: 64, epochs: 1 }, { lostAfter: [1], recover: false });
    await expect(run).rejects.toBeInstanceOf(DeviceLostError);
  });

  it.runIf(isFull)(
    "is LeNet-5 for 120 steps (not run without CONVOKE_FULL)",
    { timeout: 1_800_000 },
    async () => {
      const sizes = { examples: 640, epochs: 3 };
      const make = (): Model => lenet5();
      const whole = await train(make, sizes, { lostAfter: [] });
      expect(whole.accuracy).toBeGreaterThan(0.5);
      const got = await train(make, sizes, { lostAfter: [17, 60, 99], recover: { every: 25 } });
      expect(got.history.recoveries).toBe(3);
      expectSame(got, whole);
    },
  );
});
