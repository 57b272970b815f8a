import { importRuntime, type LoadedRuntime } from "../runtime.js";
import { sessionOptions, type RuntimeOptions } from "../session-options.js";
import { loadWebRuntime } from "../web-runtime.js";

/** The native package unless the other is asked for. */
export async function loadRuntime(given: RuntimeOptions = {}): Promise<LoadedRuntime> {
  const { runtime: name = "node", threads } = given;
  if (name === "web") return loadWebRuntime(() => import("onnxruntime-web"), given);
  const options = sessionOptions(name, given);
  const runtime = await importRuntime("onnxruntime-node", () => import("onnxruntime-node"));
  const threading = threads === undefined ? {} : { intraOpNumThreads: threads };
  return {
    name: "onnxruntime-node",
    runtime,
    options: { ...options, ...threading },
    writesInPlace: true,
  };
}
