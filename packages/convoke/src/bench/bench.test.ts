import { matmul, reference, tensor } from "@convoke/core";
import { arrayDataset } from "@convoke/datasets";
import { dense, input, sequential } from "@convoke/layers";
import { sgd } from "@convoke/optimizers";
import { fit } from "@convoke/train";
import { describe, expect, it } from "vitest";
import {
  benchJob,
  benchJobs,
  benchJobsOf,
  cifarCnn,
  deviceJobs,
  measureJob,
  median,
  roofOf,
  type BenchBackend,
  type BenchJob,
} from "./index.js";
import { timesPerSecond } from "./job.js";
import { StepClock } from "./step-clock.js";

describe("the jobs", () => {
  it("are these, with the operations of the direct algorithm", () => {
    const lines = benchJobs.map(({ name, unit, operations }) => `${name} ${unit} ${operations ?? ""}`.trim());
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "fma-peak GFLOP/s
      matmul-256 GFLOP/s 33554432
      matmul-1024 GFLOP/s 2147483648
      conv2d-3x3-64-56 GFLOP/s 7398752256
      conv2d-input-grad-3x3-64-56 GFLOP/s 7398752256
      conv2d-filter-grad-3x3-64-56 GFLOP/s 7398752256
      conv2d-1x1-256-14 GFLOP/s 822083584
      depthwise-3x3-128-28 GFLOP/s 57802752
      train-lenet5-b64 images/s
      train-cifar-cnn-b32 images/s
      train-resnet20-b32 images/s
      infer-lenet5-b256 images/s
      infer-resnet20-b32 images/s"
    `);
  });

  it("are more where a device measures its memory", () => {
    const lines = deviceJobs.map(({ name, unit, operations, bytes }) =>
      `${name} ${unit} ${operations ?? bytes ?? ""}`.trim(),
    );
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "memory-bandwidth GB/s
      elementwise-chain GB/s 536870912
      elementwise-chain-float16 GB/s 268435456
      matmul-2048 GFLOP/s 17179869184
      matmul-4096 GFLOP/s 137438953472
      matmul-4096-float16 GFLOP/s 137438953472
      conv2d-3x3-64-56-float16 GFLOP/s 7398752256
      train-resnet20-b128 images/s
      train-resnet20-b128-mixed images/s"
    `);
    const device: BenchBackend = { ...reference(), measureBandwidth: () => Promise.resolve(1) };
    expect(benchJobsOf(device)).toEqual([...benchJobs, ...deviceJobs]);
    expect(benchJobsOf(reference())).toBe(benchJobs);
    expect(benchJob("matmul-4096")).toBe(deviceJobs[4]);
  });

  it("are compared with the limit of their unit", () => {
    const results = [
      { name: "fma-peak", value: 100, unit: "GFLOP/s" },
      { name: "matmul-256", value: 25, unit: "GFLOP/s" },
      { name: "elementwise-chain", value: 3, unit: "GB/s" },
      { name: "memory-bandwidth", value: 4, unit: "GB/s" },
      { name: "train-lenet5-b64", value: 5, unit: "images/s" },
    ] as const;
    expect(results.map((result) => roofOf(result, results)?.share)).toEqual([
      ...[undefined, 0.25, 0.75, undefined, undefined],
    ]);
    expect(roofOf(results[1], [results[1]])).toBeUndefined();
  });

  it("include a plain network of four convolutions", () => {
    const model = cifarCnn();
    const kinds = model.layers.map(({ kind }) => kind).join(" ");
    expect(kinds).toMatchInlineSnapshot(
      `"conv2d batchNorm relu conv2d batchNorm relu maxPool2d conv2d batchNorm relu conv2d batchNorm relu maxPool2d flatten dense"`,
    );
    expect(model.parameters().reduce((sum, { size }) => sum + size, 0)).toBe(106_922);
  });

  it("say which of them a backend cannot do", () => {
    const backend = reference();
    const refused = benchJobs.filter((job) => job.refusal?.(backend) !== undefined);
    expect(refused.map(({ name }) => name)).toEqual(["fma-peak"]);
    expect(benchJob("fma-peak")?.refusal?.(backend)).toBe('backend "reference" does not measure it');
    const half = benchJob("matmul-4096-float16");
    expect(half?.refusal?.(backend)).toBe('backend "reference" has no half precision here');
    expect(
      half?.refusal?.({ ...backend, info: { adapter: "a GPU", features: ["shader-f16"] } }),
    ).toBeUndefined();
  });

  it("run on any backend", async () => {
    const { name, value, unit } = await measureJob(benchJob("matmul-256")!, reference(), {
      rounds: 1,
      milliseconds: 1,
    });
    expect({ name, unit }).toEqual({ name: "matmul-256", unit: "GFLOP/s" });
    expect(value).toBeGreaterThan(0);
  });
});

describe("measuring", () => {
  function jobOf(values: number[], delay = 0): { job: BenchJob; calls: string[] } {
    const calls: string[] = [];
    const job: BenchJob = {
      name: "job",
      unit: "images/s",
      about: "a job",
      prepare: () =>
        Promise.resolve({
          run: async (milliseconds) => {
            calls.push(`run ${milliseconds}`);
            await new Promise((resolve) => setTimeout(resolve, delay));
            const value = values.shift();
            if (value === undefined) throw new Error("nothing left");
            return value;
          },
          dispose: () => Promise.resolve(void calls.push("dispose")),
        }),
    };
    return { job, calls };
  }

  it("warms up, and takes the median of the rounds", async () => {
    const { job, calls } = jobOf([1000, 3, 1, 2]);
    const result = await measureJob(job, reference(), { rounds: 3, milliseconds: 50 });
    expect(result).toEqual({ name: "job", value: 2, unit: "images/s" });
    expect(calls).toEqual(["run 50", "run 50", "run 50", "run 50", "dispose"]);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it("does not wait for all rounds where one takes very long", async () => {
    const { job, calls } = jobOf([1, 2, 3, 4, 5, 6], 60);
    expect(await measureJob(job, reference(), { rounds: 5, milliseconds: 1 })).toMatchObject({ value: 2 });
    expect(calls).toHaveLength(3);
  });

  it("disposes a job that fails", async () => {
    const { job, calls } = jobOf([]);
    await expect(measureJob(job, reference())).rejects.toThrow("nothing left");
    expect(calls.at(-1)).toBe("dispose");
  });

  it("waits for what is still under way", async () => {
    let done = 0;
    const pending: Promise<void>[] = [];
    const once = (): Promise<void> => {
      pending.push(new Promise((resolve) => setTimeout(resolve, 40)).then(() => void done++));
      return new Promise((resolve) => setTimeout(resolve, 5));
    };
    const perSecond = await timesPerSecond(10, once, async () => void (await Promise.all(pending)));
    expect(done).toBe(pending.length);
    expect(perSecond).toBeLessThanOrEqual((1000 * done) / 39);
  });

  it("counts runs by the clock", async () => {
    const once = async (): Promise<void> => {
      const end = performance.now() + 2;
      while (performance.now() < end) await tensor([1]).add(1).data();
    };
    const perSecond = await timesPerSecond(20, once);
    expect(perSecond).toBeGreaterThan(0);
    expect(perSecond).toBeLessThanOrEqual(500);
  });
});

describe("the clock of training steps", () => {
  it("holds the run between rounds, and ends it", async () => {
    const x = { data: new Float32Array(40), shape: [2] };
    const data = arrayDataset({ fields: { x, y: { data: new Int32Array(20), shape: [] } } });
    let steps = 0;
    const clock = new StepClock();
    const training = fit(sequential(input(2), dense({ units: 2 })), data, {
      ...{ optimizer: sgd(0.1), loss: "crossEntropy", batchSize: 4, epochs: 1e9, progress: false },
      ...{ backend: reference(), callbacks: [{ onStepEnd: () => void steps++ }, clock] },
    });
    await clock.ready;
    expect(steps).toBe(1);
    const start = performance.now();
    const perSecond = await clock.run(30);
    const seconds = (performance.now() - start) / 1000;
    // The steps of the round, by its own clock, which starts a little later than ours.
    expect(perSecond * seconds).toBeGreaterThanOrEqual(steps - 1);
    const counted = steps;
    await matmul(tensor([[1]]), tensor([[2]])).data();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(steps).toBe(counted);
    clock.stop();
    expect((await training).stopped).toBe("measured");
  });
});
