import {
  compile,
  gradients,
  tensor,
  useBackend,
  Variable,
  conv2d,
  relu,
  maxPool2d,
  reference,
  softmax,
  type Tensor,
} from "@convoke/core";
import { describe, expect, it } from "vitest";
import { readFile } from "node:fs/promises";
import { cpu } from "./index.js";
import { workerCode, workerModule } from "../scripts/build-worker.mjs";

const waves = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin((i + 1) * 12.9898 * seed));

/** Trains a small net for some steps, and gives the bytes of its parameters. */
async function train(threads: number): Promise<Uint8Array> {
  const backend = await cpu({ threads, maxMemory: 2 ** 28 });
  await useBackend(backend);
  const kernels = new Variable(tensor(waves(6 * 25, 1), { shape: [6, 1, 5, 5] }), { name: "kernels" });
  const bias = new Variable(tensor(new Float32Array(6)), { name: "bias" });
  const step = compile((x: Tensor, rate: Tensor) => {
    const hidden = maxPool2d(relu(conv2d(x, kernels.value, { padding: 2, bias: bias.value })), { size: 2 });
    const loss = hidden.sub(1).square().mean();
    const [k, b] = gradients(loss, [kernels, bias]);
    kernels.assign(kernels.value.sub(k!.mul(rate)));
    bias.assign(bias.value.sub(b!.mul(rate)));
    return loss;
  });
  const x = tensor(waves(16 * 28 * 28, 2), { shape: [16, 1, 28, 28] });
  for (let i = 0; i < 5; i++) await step(x, tensor(0.1));
  const bytes = [await kernels.data(), await bias.data()].map((data) => new Uint8Array(data.slice().buffer));
  await backend.dispose();
  await useBackend(reference());
  return Uint8Array.from(bytes.flatMap((part) => [...part]));
}

describe("cpu", () => {
  it("refuses half precision by name, also where a program only passes it through", async () => {
    const backend = await cpu({ threads: 0, maxMemory: 2 ** 24 });
    const half = tensor([1, 2], { dtype: "float16" });
    const refusals: unknown[] = [];
    const runs: (() => unknown)[] = [
      () => compile((x: Tensor) => x.mul(2), { backend })(half),
      () => compile(() => half, { backend })(),
      () => compile((x: Tensor) => softmax(x.cast("float16")).cast("float32"), { backend })(tensor([1, 2])),
      () => backend.upload(new Float32Array(1), { shape: [1], dtype: "float16" }),
    ];
    for (const run of runs) {
      await Promise.resolve()
        .then(run)
        .catch((error: unknown) => refusals.push(String(error)));
    }
    expect(refusals.join("\n")).toMatchInlineSnapshot(`
      "UnsupportedOpError: mul: the backend "cpu" does not support it: it has no numbers of half precision.
        Cast it to float32 before, train in float32 (an ONNX model imports with { float16: "float32" }), or run it on WebGPU.
      UnsupportedOpError: constant: the backend "cpu" does not support it: it has no numbers of half precision.
        Cast it to float32 before, train in float32 (an ONNX model imports with { float16: "float32" }), or run it on WebGPU.
      UnsupportedOpError: cast: the backend "cpu" does not support it: it has no numbers of half precision.
        Cast it to float32 before, train in float32 (an ONNX model imports with { float16: "float32" }), or run it on WebGPU.
      UnsupportedOpError: tensor: the backend "cpu" does not support it: it has no numbers of half precision.
        Cast it to float32 before, train in float32 (an ONNX model imports with { float16: "float32" }), or run it on WebGPU."
    `);
    expect(backend.memory().buffers).toBe(0);
    await backend.dispose();
  });

  it("gives the same bytes with any number of threads", async () => {
    const alone = await train(0);
    for (const threads of [1, 2, 3]) expect(await train(threads)).toEqual(alone);
  });

  it("leaves the calling thread free while a program runs", async () => {
    const backend = await cpu({ threads: 1, maxMemory: 2 ** 29 });
    const big = compile((x: Tensor) => x.matmul(x).matmul(x).sum(), { backend });
    const x = tensor(waves(1024 * 1024, 3), { shape: [1024, 1024] });
    await big(x);
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    await big(x);
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(3);
    await backend.dispose();
  });

  it("says what is too much for its memory, and goes on", async () => {
    const backend = await cpu({ threads: 1, maxMemory: 2 ** 22 });
    const grow = compile((x: Tensor) => x.reshape([1024, 1]).mul(x.reshape([1, 1024])), { backend });
    const double = compile((x: Tensor) => x.mul(2), { backend });
    const x = tensor(waves(1024, 4));
    await expect(grow(x)).rejects.toThrow(/OutOfMemory|needs|asked for/);
    expect((await (await double(x)).data())[0]).toBeCloseTo(2 * Math.sin(4 * 12.9898), 5);
    await backend.dispose();
  });

  it("names an index out of range, and the state stays", async () => {
    const backend = await cpu({ threads: 2, maxMemory: 2 ** 26 });
    const counter = new Variable(tensor(0));
    const look = compile(
      (x: Tensor, i: Tensor<readonly number[], "int32">) => {
        counter.assign(counter.value.add(1));
        return x.gather(i);
      },
      { backend },
    );
    const x = tensor([10, 20, 30]);
    expect(await (await look(x, tensor(Int32Array.of(2, -3)))).array()).toEqual([30, 10]);
    await expect(look(x, tensor(Int32Array.of(3)))).rejects.toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: gather: an index is out of range of the axis that it looks up.
        Indices run from 0 to the size of the axis − 1; negative ones count from the end.]
    `);
    expect(await counter.value.item()).toBe(1);
    await backend.dispose();
  });

  it.each([0, 2])(
    "measures the limit of the machine on %i threads, and frees what that took",
    async (threads) => {
      const backend = await cpu({ threads, maxMemory: 2 ** 20 });
      const [peak] = await Promise.all([backend.measurePeak(), backend.measurePeak()]);
      // Faster than one multiplication of one lane per nanosecond, and than no processor that there is.
      expect(peak).toBeGreaterThan(0.1);
      expect(peak).toBeLessThan(1e5);
      for (let i = 0; i < 3; i++) await backend.measurePeak();
      expect(backend.memory()).toMatchObject({ bytes: 0, buffers: 0 });
      await backend.dispose();
      await expect(backend.measurePeak()).rejects.toThrow("it was disposed");
    },
  );

  it("refuses options that make no sense", async () => {
    await expect(cpu({ threads: 1.5 })).rejects.toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: cpu: threads is 1.5, but it must be a whole number from 0 to 256.
        Leave threads out for the default.]
    `);
    await expect(cpu({ maxMemory: 10 })).rejects.toThrow(
      "maxMemory is 10, but it must be a whole number from",
    );
  });

  it("keeps its memory flat over many steps", async () => {
    const backend = await cpu({ threads: 1, maxMemory: 2 ** 26 });
    await useBackend(backend);
    const w = new Variable(tensor(new Float32Array(1000)), { name: "w" });
    const step = compile((x: Tensor) => {
      w.assign(w.value.mul(0.9).add(x));
      return w.value.sum();
    });
    await step(tensor(new Float32Array(1000)));
    const before = backend.memory();
    for (let i = 0; i < 500; i++) await step(tensor(new Float32Array(1000)));
    expect(backend.memory()).toEqual(before);
    await backend.dispose();
    await useBackend(reference());
  });
});

describe("the workers' code", () => {
  it.each(["node", "browser"])("for %s is the current one", async (platform) => {
    const committed = await readFile(new URL(`generated/worker-${platform}.ts`, import.meta.url), "utf8");
    expect(committed, "run `npm run worker` in packages/backend-cpu").toBe(
      workerModule(await workerCode(platform)),
    );
  });
});
