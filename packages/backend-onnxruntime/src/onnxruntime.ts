// Makes the backend: loads the package, and checks the options.
import { ConvokeError, type Backend } from "@convoke/core";
import { loadRuntime } from "#load-runtime";
import { blockOf } from "./blocked/probe.js";
import { SessionBackend } from "./onnxruntime-backend.js";
import { isOnProcessor, requireProviders, type RuntimeOptions } from "./session-options.js";

export interface OnnxRuntimeOptions extends RuntimeOptions {
  /** Bytes of live tensors above which a run throws OutOfMemoryError; 4 GiB by default. */
  readonly maxMemory?: number;
}

/** ONNX Runtime as a backend. Its type does not mention either package: each is needed only where it is used. */
export interface OnnxRuntimeBackend extends Backend {
  readonly name: "onnxruntime";
  /** The package that computes: `onnxruntime-node` or `onnxruntime-web`. */
  readonly packageName: string;
}

const GIBIBYTE = 2 ** 30;

/** The newest operators whose kernels ONNX Runtime has complete; axes of reductions are inputs from 18 on. */
const OPSET = 22;

/**
 * ONNX Runtime as a backend: each program, a training step included, becomes one ONNX model and one session. State stays
 * in tensors that ONNX Runtime reads and writes in place. Random numbers are computed on the host.
 *
 * @throws BackendUnavailableError when the package is not installed or does not run here, or when it lacks the device of an
 *   execution provider.
 * @example
 * ```ts
 * import { onnxruntime } from "@convoke/backend-onnxruntime";
 * import { tensor, useBackend } from "@convoke/core";
 *
 * await useBackend(await onnxruntime({ threads: 2 }));
 * console.log(await tensor([[1, 2], [3, 4]]).matmul(tensor([[1], [1]])).data()); // Float32Array [3, 7]
 * ```
 */
export async function onnxruntime(options: OnnxRuntimeOptions = {}): Promise<OnnxRuntimeBackend> {
  const { threads } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 256)) {
    throw new ConvokeError({
      operation: "onnxruntime",
      problem: `threads is ${threads}, but it must be a whole number from 1 to 256.`,
      wayOut: "Leave threads out for the default.",
    });
  }
  const loaded = await loadRuntime(options);
  await requireProviders(loaded);
  // Only the native kernels for processors have it.
  const hasBlocks = loaded.name === "onnxruntime-node" && isOnProcessor(loaded);
  const block = hasBlocks ? await blockOf(loaded) : undefined;
  const runtime = { ...loaded, block };
  return new SessionBackend({ runtime, opset: OPSET, maxMemory: options.maxMemory ?? 4 * GIBIBYTE });
}
