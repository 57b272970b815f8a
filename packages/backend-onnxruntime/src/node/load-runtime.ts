import { importRuntime } from "../runtime.js";
import type { LoadedRuntime, OnnxRuntimeName } from "../runtime.js";
import { loadWebRuntime } from "../web-runtime.js";

/** The native package unless the other is asked for. */
export async function loadRuntime(name: OnnxRuntimeName = "node", threads?: number): Promise<LoadedRuntime> {
  if (name === "web") return loadWebRuntime(() => import("onnxruntime-web"), threads);
  const runtime = await importRuntime("onnxruntime-node", () => import("onnxruntime-node"));
  const threading = threads === undefined ? {} : { intraOpNumThreads: threads };
  return {
    name: "onnxruntime-node",
    runtime,
    options: { executionProviders: ["cpu"], ...threading },
    writesInPlace: true,
  };
}
