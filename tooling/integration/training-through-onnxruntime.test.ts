// Training through ONNX Runtime: the losses of the CPU backend and of the reference backend, and a run that moves on.
import { hostKey, hostNormal } from "@convoke/core";
import {
  adam,
  arrayDataset,
  cifarResNet,
  conv2d,
  cpu,
  dense,
  dropout,
  fit,
  flatten,
  input,
  lenet5,
  maxPool2d,
  onnxruntime,
  reference,
  relu,
  batchNorm,
  sequential,
  sgd,
  syntheticDigits,
  type ArrayDataset,
  type Backend,
  type Callback,
  type Module,
  type Optimizer,
} from "convoke";
import { cifarCnn } from "convoke/bench";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const isFull = process.env["CONVOKE_FULL"] !== undefined;
const STEPS = isFull ? 100 : 30;
/** Of the larger networks, and of LeNet-5 on the reference backend. */
const FEW = isFull ? 100 : 3;
const share = isFull ? "all 100 steps" : `${STEPS} of 100 steps, ${FEW} of larger networks`;

/** Small enough for the reference backend: convolution, batch norm, pooling, dropout. */
function smallNet(): Module {
  const model = sequential(
    input(1, 28, 28),
    conv2d({ filters: 4, kernelSize: 3, stride: 2 }),
    batchNorm(),
    relu(),
    maxPool2d({ size: 2 }),
    conv2d({ filters: 8, kernelSize: 3, padding: 1 }),
    relu(),
    flatten(),
    dropout(0.2),
    dense({ units: 10 }),
  );
  model.initialize(5);
  return model;
}

function initialized(model: Module): Module {
  model.initialize(1);
  return model;
}

/** Noise in three colours, with a label each. */
function coloured(): ArrayDataset {
  const [count, shape] = [64, [3, 32, 32]];
  const x = Float32Array.from(hostNormal(hostKey(11), count * shape.reduce((product, n) => product * n, 1)));
  const y = Int32Array.from({ length: count }, (_, i) => (7 * i) % 10);
  return arrayDataset({ fields: { x: { data: x, shape }, y: { data: y, shape: [] } } });
}

interface Run {
  readonly model: Module;
  readonly data: ArrayDataset;
  readonly batchSize: number;
  readonly optimizer?: Optimizer;
  readonly steps?: number;
  readonly callbacks?: readonly Callback[];
}

/** The loss of each step. */
async function lossesOn(
  backend: Backend,
  { model, data, batchSize, optimizer = adam(1e-3), steps = STEPS, callbacks = [] }: Run,
): Promise<number[]> {
  const losses: number[] = [];
  const listen: Callback = {
    async onStepEnd({ loss }, run) {
      losses.push(await loss());
      if (losses.length === steps) run.stop("enough steps");
    },
  };
  await fit(model, data, {
    optimizer,
    loss: "crossEntropy",
    epochs: 100,
    batchSize,
    seed: 7,
    backend,
    callbacks: [...callbacks, listen],
    progress: false,
  });
  return losses;
}

function expectClose(got: readonly number[], expected: readonly number[], steps = STEPS): void {
  expect(got.length).toBe(steps);
  expect(new Set(expected).size).toBe(steps);
  got.forEach((loss, i) => expect(Math.abs(loss - expected[i]!), `step ${i}`).toBeLessThanOrEqual(1e-4));
}

describe(`training through ONNX Runtime (${share})`, () => {
  let data: ArrayDataset;
  const opened: Backend[] = [];
  const open = async (backend: Backend | Promise<Backend>): Promise<Backend> => {
    opened.push(await backend);
    return backend;
  };
  beforeAll(() => {
    data = syntheticDigits({ train: 200, test: 1, seed: 3 }).train;
  });
  afterAll(async () => {
    for (const backend of opened) await backend.dispose();
  });

  it("gives the losses of the reference backend and of the CPU backend, dropout and batch norm included", async () => {
    const run = { data, batchSize: 16 };
    const expected = await lossesOn(await open(reference()), { ...run, model: smallNet() });
    expectClose(await lossesOn(await open(cpu({ threads: 2 })), { ...run, model: smallNet() }), expected);
    for (const runtime of ["node", "web"] as const) {
      const backend = await open(onnxruntime({ runtime, threads: 1 }));
      expectClose(await lossesOn(backend, { ...run, model: smallNet() }), expected);
    }
  });

  it("gives the losses of the CPU backend for LeNet-5", async () => {
    const run = { data, batchSize: 32 };
    const expected = await lossesOn(await open(cpu({ threads: 2 })), {
      ...run,
      model: initialized(lenet5()),
    });
    const backend = await open(onnxruntime({ threads: 2 }));
    expectClose(await lossesOn(backend, { ...run, model: initialized(lenet5()) }), expected);
  });

  it("gives those of the reference backend for LeNet-5", { timeout: 1_800_000 }, async () => {
    const run = { data, batchSize: 4, steps: FEW };
    const expected = await lossesOn(await open(reference()), { ...run, model: initialized(lenet5()) });
    for (const backend of [await open(cpu({ threads: 2 })), await open(onnxruntime({ threads: 2 }))]) {
      expectClose(await lossesOn(backend, { ...run, model: initialized(lenet5()) }), expected, FEW);
    }
  });

  // Deep networks double a difference every few steps when they learn fast: the rates are small.
  it.each([
    ["a plain CNN", () => initialized(cifarCnn()), adam(1e-5)],
    ["ResNet-20", () => initialized(cifarResNet(20)), sgd(1e-4, { momentum: 0.9 })],
  ])("gives the losses of the CPU backend for %s", { timeout: 1_800_000 }, async (_, create, optimizer) => {
    const run = { data: coloured(), batchSize: 8, steps: FEW, optimizer };
    const expected = await lossesOn(await open(cpu({ threads: 2 })), { ...run, model: create() });
    const backend = await open(onnxruntime({ threads: 2 }));
    expectClose(await lossesOn(backend, { ...run, model: create() }), expected, FEW);
  });

  it("goes on on ONNX Runtime and then on the reference backend, in mid-epoch", async () => {
    const [first, second, third] = [
      await open(cpu({ threads: 2 })),
      await open(onnxruntime({ threads: 1 })),
      await open(reference()),
    ];
    const run = { data, batchSize: 16 };
    const expected = await lossesOn(first, { ...run, model: smallNet() });
    // An epoch has 13 steps.
    const move: Callback = {
      async onStepEnd({ step }, trainer) {
        if (step === 5) await trainer.to(second);
        if (step === 19) await trainer.to(third);
      },
    };
    expectClose(await lossesOn(first, { ...run, model: smallNet(), callbacks: [move] }), expected);
  });
});
