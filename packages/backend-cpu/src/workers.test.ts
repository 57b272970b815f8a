// Workers that die, end in the middle of a run, cannot start, or have a memory of their own.
import { compile, realize, reference, tensor, useBackend, Variable, type Tensor } from "@convoke/core";
import * as platform from "#platform";
import { describe, expect, it } from "vitest";
import { cpuOn, type CpuOptions, type CpuPlatform } from "./create.js";
import { engineFeatures } from "./runtime/engine-features.js";
import type { PlatformWorker } from "./runtime/worker-crew.js";

const here: CpuPlatform = { ...platform, engineFeatures };
const unshared: CpuPlatform = {
  ...here,
  engineFeatures: () => ({ ...engineFeatures(), sharedMemory: false }),
};

/** The backend, and the workers that it starts, in order. */
async function withWorkers(base: CpuPlatform, options: CpuOptions) {
  const workers: PlatformWorker[] = [];
  const deaths: ((reason: string) => void)[] = [];
  const spawnWorker = (): PlatformWorker => {
    const worker = base.spawnWorker();
    workers.push(worker);
    return { ...worker, onDeath: (listener) => (deaths.push(listener), worker.onDeath(listener)) };
  };
  const backend = await cpuOn({ ...base, spawnWorker }, { maxMemory: 2 ** 28, ...options });
  /** Ends a worker as if it had died. */
  const kill = async (index: number): Promise<void> => {
    await workers[index]!.terminate();
    deaths[index]!("it was killed");
  };
  return { backend, workers, kill };
}

/** A step that takes some 0.2 s on one thread, counts itself, and has a result. */
function longStep(backend: Awaited<ReturnType<typeof cpuOn>>) {
  const count = new Variable(tensor(0), { name: "count" });
  const x = tensor(new Float32Array(1024 * 1024).fill(0.001), { shape: [1024, 1024] });
  const run = compile(
    (x: Tensor) => {
      count.assign(count.value.add(1));
      let y = x;
      for (let i = 0; i < 4; i++) y = y.matmul(x);
      return y.mean();
    },
    { backend },
  );
  return { count, run: () => run(x) };
}

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

describe.each([1, 3])("a crew of %i", (threads) => {
  it.each(threads === 1 ? [0] : [0, 2])(
    "names the loss of worker %i in the middle of a run, keeps the state, and works again",
    async (index) => {
      const { backend, kill, workers } = await withWorkers(here, { threads });
      const { count, run } = longStep(backend);
      const value = await (await run()).item();
      const pending = run();
      const failure = expect(pending).rejects.toThrowErrorMatchingInlineSnapshot(`
        [BackendError: backend "cpu": a worker stopped: it was killed.
          State keeps its values from before the run, and the next run starts new workers; try it again.]
      `);
      await soon();
      await kill(index);
      await failure;
      expect(await count.value.item()).toBe(1);
      expect(await (await run()).item()).toBe(value);
      expect(await count.value.item()).toBe(2);
      expect(workers).toHaveLength(2 * threads);
      await backend.dispose();
    },
  );
});

describe("a crew", () => {
  it("starts again when a worker was lost between two runs", async () => {
    const { backend, kill, workers } = await withWorkers(here, { threads: 2 });
    const { count, run } = longStep(backend);
    await run();
    await kill(1);
    await run();
    expect(await count.value.item()).toBe(2);
    expect(workers).toHaveLength(4);
    await backend.dispose();
  });

  it("names a worker that cannot start", async () => {
    const spawnWorker = (): PlatformWorker => {
      throw new Error("no more threads");
    };
    for (const base of [here, unshared]) {
      await expect(cpuOn({ ...base, spawnWorker }, { threads: 2 })).rejects.toMatchObject({
        name: "BackendUnavailableError",
        message: expect.stringContaining("no worker can start: no more threads") as string,
      });
    }
  });

  it("that is ended during its start leaves no worker behind", async () => {
    const { backend, kill, workers } = await withWorkers(here, { threads: 2 });
    const { run } = longStep(backend);
    await kill(0);
    const failure = expect(run()).rejects.toThrow("it was disposed");
    await backend.dispose();
    await failure;
    // What is ended sends nothing back: these would keep the process alive.
    for (const worker of workers) await worker.terminate();
  });
});

describe.each<[string, CpuPlatform]>([
  ["shared memory", here],
  ["a worker's own memory", unshared],
])("with %s", (_, base) => {
  it("a run that dispose() interrupts fails by name, and so does all that comes later", async () => {
    const { backend } = await withWorkers(base, { threads: 2 });
    const { run } = longStep(backend);
    await run();
    const failure = expect(run()).rejects.toThrowErrorMatchingInlineSnapshot(`
      [BackendError: backend "cpu": it was disposed while a program ran.
        Await the run before dispose(); for more work, create a new backend with await cpu().]
    `);
    await soon();
    await backend.dispose();
    await failure;
    await expect(run()).rejects.toThrow('backend "cpu": it was disposed.');
  });
});

describe("a worker's own memory", () => {
  it("leaves the calling thread free, and has results of one element at hand", async () => {
    const { backend, workers } = await withWorkers(unshared, { threads: 4 });
    expect(backend.threads).toBe(1);
    const { run, count } = longStep(backend);
    const value = await (await run()).item();
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    const before = backend.memory();
    for (let i = 0; i < 3; i++) await run();
    expect(backend.memory()).toEqual(before);
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(3);
    expect(await count.value.item()).toBe(4);
    const alone = await cpuOn(here, { threads: 0, maxMemory: 2 ** 28 });
    expect(await (await longStep(alone).run()).item()).toBe(value);
    expect(workers).toHaveLength(1);
    await backend.dispose();
    await alone.dispose();
  });

  it("is lost with its worker, and says so from then on", async () => {
    const { backend, kill } = await withWorkers(unshared, { threads: 1 });
    await useBackend(backend);
    const { run } = longStep(backend);
    await run();
    const failure = expect(run()).rejects.toThrowErrorMatchingInlineSnapshot(`
      [BackendError: backend "cpu": the worker that held its memory stopped: it was killed. All its tensors are lost.
        Create a new backend with await cpu(), and load the last checkpoint.]
    `);
    await soon();
    await kill(0);
    await failure;
    await expect(realize(tensor([1, 2]).add(1))).rejects.toThrow("All its tensors are lost");
    await useBackend(reference());
  });
});
