import { BackendUnavailableError } from "@convoke/core";
import type { LoadedRuntime, OnnxRuntimeName } from "../runtime.js";
import { loadWebRuntime } from "../web-runtime.js";

/** The web package; bundlers find its `.wasm` file by themselves. */
export async function loadRuntime(name: OnnxRuntimeName = "web", threads?: number): Promise<LoadedRuntime> {
  if (name === "node") {
    throw new BackendUnavailableError({
      backend: "onnxruntime-node",
      reason: "it is a native module, and this is not Node.",
      wayOut: 'Leave out `runtime`, or set it to "web".',
    });
  }
  return loadWebRuntime(() => import("onnxruntime-web/wasm"), threads);
}
