import type { OnnxRunner } from "@convoke/onnx";
import { loadRuntime } from "#load-runtime";
import { openSession, openSessionOfFile } from "./session.js";
import { requireProviders, type RuntimeOptions } from "./session-options.js";

/** How to run models. */
export type OnnxRunnerOptions = RuntimeOptions;

/**
 * A runner on ONNX Runtime: in Node on the package `onnxruntime-node`, or on `onnxruntime-web` where
 * `runtime: "web"` asks for it; in a browser on `onnxruntime-web`. The package is loaded now, so that one that is
 * missing is told at once.
 *
 * @throws BackendUnavailableError when the package is not installed or does not run here.
 *
 * @example
 * ```ts
 * import { onnxRunner } from "@convoke/backend-onnxruntime";
 * import { runOnce, tensorValue, writeModel } from "@convoke/onnx";
 *
 * const model = writeModel({
 *   irVersion: 8,
 *   opsets: { "": 17 },
 *   producer: { name: "example", version: "1" },
 *   metadata: {},
 *   functions: [],
 *   graph: {
 *     name: "absolute",
 *     nodes: [{ name: "abs", opType: "Abs", domain: "", inputs: ["x"], outputs: ["y"], attributes: {} }],
 *     initializers: [],
 *     inputs: [tensorValue("x", "float32", ["N"])],
 *     outputs: [tensorValue("y", "float32", ["N"])],
 *     valueInfo: [],
 *   },
 * });
 * const runner = await onnxRunner();
 * const { y } = await runOnce(runner, model, {
 *   x: { dtype: "float32", shape: [2], data: Float32Array.of(-1, 2) },
 * });
 * console.log(y?.data); // 1, 2
 * ```
 */
export async function onnxRunner(given: OnnxRunnerOptions = {}): Promise<OnnxRunner> {
  const loaded = await loadRuntime(given);
  await requireProviders(loaded);
  const { name, options } = loaded;
  return {
    name,
    open: (model, data) => openSession(name, loaded.runtime, { model, data, options }),
    // The web package would fetch it.
    ...(name === "onnxruntime-node" && {
      openFile: (file: string) => openSessionOfFile(name, loaded.runtime, { file, options }),
    }),
  };
}
