import { BackendUnavailableError } from "@convoke/core";
import type { LoadedRuntime } from "../runtime.js";
import type { RuntimeOptions } from "../session-options.js";
import { loadWebRuntime } from "../web-runtime.js";

/** The web package; bundlers find its `.wasm` file by themselves. The one that computes on other devices, too, is larger. */
export async function loadRuntime(given: RuntimeOptions = {}): Promise<LoadedRuntime> {
  const { runtime: name = "web", executionProviders = ["wasm"] } = given;
  if (name === "node") {
    throw new BackendUnavailableError({
      backend: "onnxruntime-node",
      reason: "it is a native module, and this is not Node.",
      wayOut: 'Leave out `runtime`, or set it to "web".',
    });
  }
  const isWasmOnly = executionProviders.every((provider) => provider === "wasm");
  return loadWebRuntime(
    () => (isWasmOnly ? import("onnxruntime-web/wasm") : import("onnxruntime-web/webgpu")),
    given,
  );
}
