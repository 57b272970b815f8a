// ONNX Runtime's WebGPU provider in Node: the suite, and LeNet-5 from the seed of the CPU backend.
import { onnxruntime, type OnnxRuntimeBackend } from "@convoke/backend-onnxruntime";
import { conformanceTests, type Skip } from "@convoke/conformance";
import { BackendUnavailableError } from "@convoke/core";
import { useSwiftShader } from "@convoke-tooling/browser";
import { cpu } from "convoke";
import { describe, expect, it } from "vitest";
import { declaredSkips } from "../../packages/backend-onnxruntime/test/declared-skips.js";
import { differencesOf, lenet5Losses } from "./lenet5-losses.js";

await useSwiftShader();

const isFull = process.env["CONVOKE_FULL"] !== undefined;
const every = isFull ? 4 : 40;
const training = { steps: 100, batchSize: 16 };

/** What the provider does otherwise. */
const skips: readonly Skip[] = [
  ...declaredSkips,
  {
    op: "exp",
    case: "extreme values",
    reason: "WGSL leaves open what becomes of NaN, and ONNX Runtime's exp makes infinity of it",
    fails: "differs",
  },
  {
    op: "log1p",
    case: "tiny",
    reason: "WGSL leaves the logarithm of 0 open, and here ONNX Runtime's log makes −88 of it",
    fails: "differs",
  },
];

const create = (): Promise<OnnxRuntimeBackend> =>
  onnxruntime({ executionProviders: ["webgpu", "cpu"], threads: 1 });

const missing = await create().then(
  (backend) => backend.dispose().then(() => ""),
  (error: unknown) => {
    if (!(error instanceof BackendUnavailableError)) throw error;
    return `, not run: ${error.message}`;
  },
);

describe.skipIf(missing !== "")(`the WebGPU provider of onnxruntime-node${missing}`, () => {
  it(`passes the suite, one test in ${every} of the subset`, { timeout: 1_800_000 }, async () => {
    // The provider refuses tensors without elements, or starts shaders of no workgroups for them.
    const all = conformanceTests({ create, skip: skips }).filter(({ name }) => !/\bempty\b/.test(name));
    // What disposes the shared backend stays last.
    const tests = all.filter((_, i) => i % every === 0 || i >= all.length - 2);
    const failures: string[] = [];
    for (const { name, run } of tests) {
      await run().catch((error: unknown) => failures.push(`${name}: ${String(error)}`));
    }
    expect(failures).toEqual([]);
    expect(tests.length).toBeGreaterThan(30);
  });

  it.runIf(isFull)(
    "trains LeNet-5 to the losses of the CPU backend (not run without CONVOKE_FULL)",
    { timeout: 1_800_000 },
    async () => {
      const [backend, host] = [await create(), await cpu({ threads: 1 })];
      const got = await lenet5Losses(backend, training);
      const expected = await lenet5Losses(host, training);
      await backend.dispose();
      await host.dispose();
      expect(got.length).toBe(training.steps);
      const { early, late } = differencesOf(got, expected);
      expect(early).toBeLessThan(1e-4);
      expect(late).toBeLessThan(0.01);
    },
  );
});
