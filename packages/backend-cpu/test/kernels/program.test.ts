import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { generatedKernels } from "../../scripts/build-kernels.mjs";
import { encodeOperands, gemmMemory } from "../../src/operand-layouts.js";

const binary = (await generatedKernels()).get("simd")!;

const control = 1 << 16;
const program = control + 1024;
const data = 1 << 17;

function start(memory: WebAssembly.Memory, worker: number, workers: number): Promise<unknown> {
  const thread = new Worker(new URL("program-thread.mjs", import.meta.url), {
    workerData: {
      ...{ module: new WebAssembly.Module(binary), memory, program, control },
      ...{ worker, workers, kernels: ["gemmPack", "gemm"] },
    },
  });
  return new Promise((resolve, reject) => thread.once("message", resolve).once("error", reject));
}

/** A chain of products x ← M·x, each of which reads what all workers wrote before: wrong at once without a barrier. */
function writeChain(
  memory: WebAssembly.Memory,
  { steps, size, shares = 1 }: { steps: number; size: number; shares?: number },
): number {
  const bytes = size * size * 4;
  const [m, x, y, packed, scratch] = [
    data,
    data + bytes,
    data + 2 * bytes,
    data + 3 * bytes,
    data + 5 * bytes,
  ];
  const shape = { batch: 1, rows: size, columns: size, depth: size, aBatch: 0, bBatch: 0 };
  const floats = new Float32Array(memory.buffer);
  // A permutation: the product is exact.
  for (let i = 0; i < size; i++) {
    floats[m / 4 + i * size + ((i + 1) % size)] = 1;
    for (let j = 0; j < size; j++) floats[x / 4 + i * size + j] = i * size + j;
  }
  const words: number[] = [2 * steps];
  for (let step = 0; step < steps; step++) {
    const operands = {
      ...shape,
      ...{ a: m, b: step % 2 ? y : x, c: step % 2 ? x : y, bias: 0, packed, scratch, flags: 0 },
      ...{ scratchBytes: gemmMemory(shape).scratch, aRow: size, aDepth: 1, bDepth: size, bColumn: 1 },
      ...{ cRow: size, cColumn: 1, cBatch: 0 },
    };
    const encoded = encodeOperands<"gemm", number>("gemm", operands);
    words.push(0, encoded.length, 1, ...encoded, 1, encoded.length, shares, ...encoded);
  }
  new Int32Array(memory.buffer).set(words, program / 4);
  return steps % 2 ? y : x;
}

describe("runProgram", () => {
  it.each([
    [1, 1],
    [2, 1],
    [3, 1],
    [1, 4],
    [2, 4],
    [3, 7],
  ])("keeps %i workers in step, of %i shares each", async (workers, shares) => {
    const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536, shared: true });
    const [size, steps] = [40, 101];
    const result = writeChain(memory, { steps, size, shares });
    const ends = await Promise.all(Array.from({ length: workers }, (_, i) => start(memory, i, workers)));
    expect(ends.sort()).toEqual([...Array<number>(workers - 1).fill(1), 2]);
    const found = new Float32Array(memory.buffer, result, size * size);
    found.forEach((value, i) => expect(value).toBe((i + steps * size) % (size * size)));
  });

  it("stops a worker that waits for one that never comes", async () => {
    const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536, shared: true });
    writeChain(memory, { steps: 1, size: 8 });
    const words = new Int32Array(memory.buffer, control, 4);
    const end = start(memory, 0, 2);
    while (Atomics.load(words, 3) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    Atomics.store(words, 2, 1);
    Atomics.notify(words, 1);
    expect(await end).toBe(0);
  });
});
