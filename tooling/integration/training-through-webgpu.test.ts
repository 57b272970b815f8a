// LeNet-5 on WebGPU: from the same seed, the losses of the CPU backend, and no shader compiled on the way.
import { useSwiftShader } from "@convoke-tooling/browser";
import {
  adam,
  BackendUnavailableError,
  cpu,
  fit,
  lenet5,
  syntheticDigits,
  webgpu,
  type Backend,
  type WebGpuBackend,
} from "convoke";
import { afterAll, describe, expect, it } from "vitest";

await useSwiftShader();

const isFull = process.env["CONVOKE_FULL"] !== undefined;
const STEPS = isFull ? 100 : 8;
const BATCH = 16;
const share = isFull ? "all 100 steps" : `${STEPS} of 100 steps`;

const opened: WebGpuBackend | BackendUnavailableError = await webgpu().catch((error: unknown) => {
  if (!(error instanceof BackendUnavailableError)) throw error;
  return error;
});
const missing = opened instanceof BackendUnavailableError ? `, not run: ${opened.message}` : "";

afterAll(async () => {
  if (!(opened instanceof BackendUnavailableError)) await opened.dispose();
});

/** The loss of each step. */
async function lossesOn(backend: Backend, afterStep: () => void = () => undefined): Promise<number[]> {
  const model = lenet5();
  model.initialize(3);
  const losses: number[] = [];
  await fit(model, syntheticDigits({ train: STEPS * BATCH, test: 1, seed: 3 }).train, {
    backend,
    optimizer: adam(2e-3),
    loss: "crossEntropy",
    epochs: 1,
    batchSize: BATCH,
    seed: 7,
    progress: false,
    callbacks: [
      {
        async onStepEnd({ loss }) {
          losses.push(await loss());
          afterStep();
        },
      },
    ],
  });
  return losses;
}

describe.skipIf(missing !== "")(`training on WebGPU${missing}`, () => {
  it(`gives the losses of the CPU backend, ${share}`, async () => {
    if (opened instanceof BackendUnavailableError) return;
    const pipelines: number[] = [];
    const got = await lossesOn(opened, () => pipelines.push(opened.memory().pipelines));
    const host = await cpu({ threads: 1 });
    const expected = await lossesOn(host);
    await host.dispose();
    expect(got.length).toBe(STEPS);
    got.forEach((loss, i) =>
      expect(Math.abs(loss - expected[i]!) / Math.max(1, expected[i]!)).toBeLessThan(1e-3),
    );
    expect(pipelines.at(-1)).toBe(pipelines[1]);
  });
});
