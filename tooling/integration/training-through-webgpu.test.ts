// LeNet-5 on WebGPU in Node: from the same seed, the losses of the CPU backend, and no shader compiled on the way.
import { useSwiftShader } from "@convoke-tooling/browser";
import { BackendUnavailableError, cpu, webgpu, type WebGpuBackend } from "convoke";
import { afterAll, describe, expect, it } from "vitest";
import { differenceOf, lenet5Losses } from "./lenet5-losses.js";

await useSwiftShader();

const isFull = process.env["CONVOKE_FULL"] !== undefined;
const steps = isFull ? 100 : 8;
const batchSize = 16;
const share = isFull ? "all 100 steps" : `${steps} of 100 steps`;

const opened: WebGpuBackend | BackendUnavailableError = await webgpu().catch((error: unknown) => {
  if (!(error instanceof BackendUnavailableError)) throw error;
  return error;
});
const missing = opened instanceof BackendUnavailableError ? `, not run: ${opened.message}` : "";

afterAll(async () => {
  if (!(opened instanceof BackendUnavailableError)) await opened.dispose();
});

describe.skipIf(missing !== "")(`training on WebGPU${missing}`, () => {
  it(`gives the losses of the CPU backend, ${share}`, async () => {
    if (opened instanceof BackendUnavailableError) return;
    const pipelines: number[] = [];
    const afterStep = (): void => void pipelines.push(opened.memory().pipelines);
    const got = await lenet5Losses(opened, { steps, batchSize, afterStep });
    const host = await cpu({ threads: 1 });
    const expected = await lenet5Losses(host, { steps, batchSize });
    await host.dispose();
    expect(got.length).toBe(steps);
    expect(differenceOf(got, expected)).toBeLessThan(1e-3);
    expect(pipelines.at(-1)).toBe(pipelines[1]);
  });
});
