import { Tensor, graphOf, inputNode, type Backend, type DType } from "@convoke/core";
import { describe, expect, it, vi } from "vitest";
import { loadRuntime } from "#load-runtime";
import { onnxRunner, onnxruntime, type OnnxRuntimeOptions } from "./index.js";
import { sessionOptions } from "./session-options.js";

describe("the options of sessions", () => {
  it("are the processor, and ONNX Runtime's own, unless given", () => {
    expect(sessionOptions("node", {})).toEqual({ executionProviders: ["cpu"] });
    expect(sessionOptions("web", {})).toEqual({ executionProviders: ["wasm"] });
  });

  it("are passed on in ONNX Runtime's words", () => {
    expect(
      sessionOptions("node", {
        executionProviders: ["webgpu", "cpu"],
        graphOptimization: "extended",
        logLevel: "warning",
      }),
    ).toEqual({
      executionProviders: ["webgpu", "cpu"],
      graphOptimizationLevel: "extended",
      logSeverityLevel: 2,
    });
  });

  it("reach every session", async () => {
    const loaded = await loadRuntime();
    const create = vi.spyOn(loaded.runtime.InferenceSession, "create");
    try {
      const backend = await onnxruntime({ threads: 3, graphOptimization: "extended", logLevel: "error" });
      await compiled(backend, "float32");
      const given = { intraOpNumThreads: 3, executionProviders: ["cpu"], logSeverityLevel: 3 };
      expect(create.mock.lastCall![1]).toEqual({ ...given, graphOptimizationLevel: "extended" });
      // Doubles stay doubles.
      await compiled(backend, "float64");
      expect(create.mock.lastCall![1]).toEqual({ ...given, graphOptimizationLevel: "basic" });
      await backend.dispose();
    } finally {
      create.mockRestore();
    }
  });

  it.each<[OnnxRuntimeOptions]>([
    [{ executionProviders: ["cpu", "wasm"] }],
    [{ runtime: "web", executionProviders: ["cuda"] }],
    [{ graphOptimization: "most" as "all" }],
    [{ logLevel: "loud" as "error" }],
  ])("%j is refused", async (options) => {
    const refusal = await onnxruntime(options).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ name: "ConvokeError" });
    expect(String(refusal)).toMatch(/the package knows "/);
    await expect(onnxRunner(options)).rejects.toThrow(String((refusal as Error).message));
  });

  it("name an execution provider that cannot compute here", async () => {
    await expect(onnxruntime({ runtime: "web", executionProviders: ["wasm", "webgpu"] })).rejects
      .toThrowErrorMatchingInlineSnapshot(`
      [BackendUnavailableError: backend "onnxruntime-web, webgpu": ONNX Runtime says: no available backend found. ERR: [webgpu] backend not found.
        Leave executionProviders out to compute on the processor, or run where the device and its driver are.]
    `);
    await expect(onnxRunner({ runtime: "web", executionProviders: ["webnn"] })).rejects
      .toThrowErrorMatchingInlineSnapshot(`
      [BackendUnavailableError: backend "onnxruntime-web, webnn": ONNX Runtime says: no available backend found. ERR: [webnn] backend not found.
        Leave executionProviders out to compute on the processor, or run where the device and its driver are.]
    `);
  });
});

async function compiled(backend: Backend, dtype: DType): Promise<void> {
  const input = inputNode("x", [2], dtype);
  const output = new Tensor({ node: input, index: 0 }).exp().handle;
  const program = await backend.compile(graphOf({ inputs: [input], state: [], outputs: [output] }));
  program.dispose();
}
