// What memory() says, and a limit of 64 MB.
import { compile, gradients, realize, tensor, Variable, type Tensor } from "@convoke/core";
import { describe, expect, it } from "vitest";
import { paddedSize } from "./memory/heap.js";
import { RESERVED } from "./memory/machine-memory.js";
import { cpu, type CpuMemory } from "./index.js";

const MEGABYTE = 2 ** 20;

describe("memory()", () => {
  it("counts what live tensors and programs take, and the most at any one time", async () => {
    const backend = await cpu({ threads: 1, maxMemory: 64 * MEGABYTE });
    const empty: CpuMemory = {
      ...{ bytes: 0, buffers: 0, programs: 0, peak: 0, reserved: 65536 },
      ...{ limit: 64 * MEGABYTE - RESERVED, highWater: 16 * MEGABYTE - RESERVED / 4 },
    };
    expect(backend.memory()).toEqual(empty);

    const x = backend.upload(new Float32Array(MEGABYTE), { shape: [MEGABYTE], dtype: "float32" });
    const y = backend.upload(Float32Array.of(1), { shape: [], dtype: "float32" });
    const bytes = paddedSize(4 * MEGABYTE) + paddedSize(4);
    const uploaded = backend.memory();
    expect(uploaded).toMatchObject({ bytes, buffers: 2, peak: bytes, programs: 0 });
    expect(uploaded.reserved).toBeGreaterThanOrEqual(bytes);
    expect(uploaded.reserved).toBeLessThan(bytes + 2 * 65536);

    // One that needs 4 MB of arena for the product, and gives 4 bytes.
    const step = compile(
      (x: Tensor) =>
        x
          .reshape([1024, 1024])
          .matmul(x.reshape([1024, 1024]))
          .sum(),
      {
        backend,
      },
    );
    await (await step(tensor(new Float32Array(MEGABYTE)))).item();
    const { programs, limit, peak, ...after } = backend.memory();
    expect(after).toMatchObject({ bytes, buffers: 2 });
    expect(programs).toBeGreaterThan(0);
    expect(programs).toBeLessThan(10_000);
    expect(limit).toBe(empty.limit - programs);
    // The upload of the step, the product, and the packed operands of one thread at most.
    expect(peak).toBeGreaterThan(bytes + 8 * MEGABYTE);
    expect(peak).toBeLessThan(bytes + 18 * MEGABYTE);

    backend.free(x);
    backend.free(y);
    step.dispose();
    await realize(tensor(1).add(1));
    expect(backend.memory()).toMatchObject({ bytes: 0, buffers: 0 });
    await backend.dispose();
  });
});

describe("a limit of 64 MB", () => {
  it("is named where a tensor, an arena or new state do not fit; smaller work goes on", async () => {
    const backend = await cpu({ threads: 2, maxMemory: 64 * MEGABYTE });
    const small = compile((x: Tensor) => x.mul(2).sum(), { backend });
    const works = async (): Promise<void> => {
      expect(await (await small(tensor([1, 2, 3]))).item()).toBe(12);
    };
    await works();
    const before = backend.memory();

    expect(() =>
      backend.upload(new Float32Array(17 * MEGABYTE), { shape: [17 * MEGABYTE], dtype: "float32" }),
    ).toThrowErrorMatchingInlineSnapshot(`
      [OutOfMemoryError: backend "cpu": a tensor [17825792] needs 68.0 MB; 0.0 MB of at most 64.0 MB are in live tensors.
        Use smaller batches, drop handles that are no longer needed, or raise maxMemory in cpu({ maxMemory }).]
    `);
    await works();

    const side = 2200;
    // 18 MB in, and two products of as much.
    const square = compile((x: Tensor) => x.matmul(x).matmul(x.add(1)).sum(), { backend });
    await expect(
      square(tensor(new Float32Array(side * side), { shape: [side, side] })),
    ).rejects.toMatchObject({ name: "OutOfMemoryError" });
    await works();

    const state = new Variable(tensor(new Float32Array(9 * MEGABYTE)), { name: "state" });
    const replace = compile(
      () => {
        state.assign(state.value.add(1));
        return state.value.max();
      },
      { backend },
    );
    await expect(replace()).rejects.toMatchObject({ name: "OutOfMemoryError" });
    await works();

    expect(backend.memory().programs).toBeGreaterThanOrEqual(before.programs);
    await backend.dispose();
  });

  it("is enough where dropped handles are what fills it", async () => {
    const backend = await cpu({ threads: 1, maxMemory: 64 * MEGABYTE });
    const next = compile((x: Tensor) => x.add(1), { backend });
    let last = 0;
    // 60 results of 8 MB each, all dropped: together eight times the limit.
    for (let i = 0; i < 60; i++) {
      const result = await next(tensor(new Float32Array(2 * MEGABYTE).fill(i)));
      last = Number((await result.data())[0]);
    }
    expect(last).toBe(60);
    await backend.dispose();
  });

  it("trains a net", async () => {
    const backend = await cpu({ threads: 2, maxMemory: 64 * MEGABYTE });
    const w = new Variable(tensor(new Float32Array(784 * 100).fill(0.01), { shape: [784, 100] }));
    const step = compile(
      (x: Tensor) => {
        const loss = x.matmul(w.value).sub(1).square().mean();
        const [g] = gradients(loss, [w]);
        w.assign(w.value.sub(g!.mul(0.1)));
        return loss;
      },
      { backend },
    );
    const x = tensor(
      Float32Array.from({ length: 256 * 784 }, (_, i) => (i % 7) / 7),
      { shape: [256, 784] },
    );
    const first = await (await step(x)).item();
    for (let i = 0; i < 20; i++) await step(x);
    expect(Number(await (await step(x)).item())).toBeLessThan(Number(first) / 2);
    await backend.dispose();
  });
});
