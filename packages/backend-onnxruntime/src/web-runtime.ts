import { BackendUnavailableError } from "@convoke/core";
import { importRuntime } from "./runtime.js";
import type { LoadedRuntime, OnnxRuntime } from "./runtime.js";
import { sessionOptions, type RuntimeOptions } from "./session-options.js";

/** The web package, whose WebAssembly settings hold for the whole process or page. */
interface OnnxRuntimeForWeb extends OnnxRuntime {
  readonly env: { readonly wasm: { numThreads?: number } };
}

/** Loads the web package from the entry that suits the surroundings. */
export async function loadWebRuntime(
  load: () => Promise<OnnxRuntimeForWeb>,
  given: RuntimeOptions,
): Promise<LoadedRuntime> {
  const options = sessionOptions("web", given);
  const runtime = await importRuntime("onnxruntime-web", load);
  claimThreads(runtime.env.wasm, given.threads);
  return {
    name: "onnxruntime-web",
    runtime,
    options,
    writesInPlace: false,
  };
}

const claims = new WeakMap<object, number>();

/** The WebAssembly module starts once per process or page, so the first runner decides on its threads. */
function claimThreads(wasm: OnnxRuntimeForWeb["env"]["wasm"], threads: number | undefined): void {
  const claimed = claims.get(wasm);
  if (claimed === undefined) {
    // One thread unless asked: more need a cross-origin isolated page, and take longer to start.
    wasm.numThreads = threads ?? 1;
    claims.set(wasm, wasm.numThreads);
  } else if (threads !== undefined && threads !== claimed) {
    throw new BackendUnavailableError({
      backend: "onnxruntime-web",
      reason: `its first runner here took ${claimed} thread${claimed === 1 ? "" : "s"}, and this one asks for ${threads}.`,
      wayOut: "Give every runner of a process or page the same number of threads.",
    });
  }
}
