// LeNet-5 on WebGPU in Node: from the same seed, the losses of the CPU backend, and no shader compiled on the way.
import { useSwiftShader } from "@convoke-tooling/browser";
import {
  adam,
  BackendUnavailableError,
  conv2d,
  cpu,
  dense,
  fit,
  flatten,
  input,
  maxPool2d,
  relu,
  sequential,
  syntheticDigits,
  webgpu,
  type DeviceCounters,
  type WebGpuBackend,
} from "convoke";
import { afterAll, describe, expect, it } from "vitest";
import { differenceOf, differencesOf, lenet5Losses, smooth } from "./lenet5-losses.js";

await useSwiftShader();

const isFull = process.env["CONVOKE_FULL"] !== undefined;
const steps = isFull ? 100 : 4;
const batchSize = 16;
const many = isFull ? 5_000 : 50;
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
    const afterStep = (): void => void pipelines.push(opened.counters().pipelines);
    const got = await lenet5Losses(opened, { steps, batchSize, afterStep });
    const host = await cpu({ threads: 1 });
    const expected = await lenet5Losses(host, { steps, batchSize });
    await host.dispose();
    expect(got.length).toBe(steps);
    const { early, late } = differencesOf(got, expected);
    expect(early).toBeLessThan(1e-3);
    expect(late).toBeLessThan(0.01);
    expect(pipelines.at(-1)).toBe(pipelines[1]);
  });

  it.runIf(isFull)(
    "keeps to them to 1e-5 in all 100 steps where nothing jumps (not run without CONVOKE_FULL)",
    { timeout: 600_000 },
    async () => {
      if (opened instanceof BackendUnavailableError) return;
      const got = await lenet5Losses(opened, { steps, batchSize, model: smooth });
      const host = await cpu({ threads: 1 });
      const expected = await lenet5Losses(host, { steps, batchSize, model: smooth });
      await host.dispose();
      expect(differenceOf(got, expected)).toBeLessThan(1e-5);
    },
  );

  it(`follows them in mixed precision, with nothing compiled on the way, ${share}`, async () => {
    if (opened instanceof BackendUnavailableError) return;
    const seen: DeviceCounters[] = [];
    const options = { steps, batchSize, precision: "mixed" } as const;
    const afterStep = (): void => void seen.push(opened.counters());
    const got = await lenet5Losses(opened, { ...options, afterStep });
    const exact = await lenet5Losses(opened, { steps, batchSize });
    const off = differenceOf(got.slice(0, 8), exact.slice(0, 8));
    expect(off).toBeGreaterThan(0);
    expect(off).toBeLessThan(0.02);
    // Later on single batches differ; what was learnt does not.
    const late = (losses: readonly number[]): number =>
      losses.slice(-steps / 4).reduce((sum, loss) => sum + loss) / (steps / 4);
    expect(Math.abs(late(got) - late(exact))).toBeLessThan(0.1);
    expect(seen.at(-1)!.pipelines).toBe(seen[1]!.pipelines);
    expect(seen.at(-1)!.submissions - seen.at(-2)!.submissions).toBe(1);
  });

  it(
    `submits one program a step, and nothing grows (${many} of 5,000 steps)`,
    { timeout: 1_800_000 },
    async () => {
      if (opened instanceof BackendUnavailableError) return;
      const model = sequential(
        input(1, 28, 28),
        conv2d({ filters: 2, kernelSize: 5, stride: 4 }),
        relu(),
        maxPool2d({ size: 2 }),
        flatten(),
        dense({ units: 10 }),
      );
      const seen: DeviceCounters[] = [];
      const { train } = syntheticDigits({ train: 40, test: 1, seed: 3 });
      await fit(model, train, {
        backend: opened,
        optimizer: adam(1e-3),
        loss: "crossEntropy",
        epochs: many / 10,
        batchSize: 4,
        progress: false,
        callbacks: [{ onStepEnd: () => void seen.push(opened.counters()) }],
      });
      expect(seen.length).toBe(many);
      const [settled, last] = [seen[1]!, seen.at(-1)!];
      expect(last.pipelines).toBe(settled.pipelines);
      expect(last.deviceBytes).toBe(settled.deviceBytes);
      // The program; the end of an epoch has more.
      const submissions = seen.slice(1).map((each, i) => each.submissions - seen[i]!.submissions);
      expect(submissions.sort((a, b) => a - b)[many >> 1]).toBe(1);
    },
  );

  it("takes one submission of 36 dispatches for a step of LeNet-5 that reads its loss", async () => {
    if (opened instanceof BackendUnavailableError) return;
    const seen: DeviceCounters[] = [];
    await lenet5Losses(opened, { steps: 5, batchSize: 64, afterStep: () => seen.push(opened.counters()) });
    const since = (i: number): Pick<DeviceCounters, "submissions" | "dispatches"> => ({
      submissions: seen[i]!.submissions - seen[i - 1]!.submissions,
      dispatches: seen[i]!.dispatches - seen[i - 1]!.dispatches,
    });
    expect([since(2), since(3), since(4)]).toEqual(Array(3).fill({ submissions: 1, dispatches: 36 }));
  });
});
