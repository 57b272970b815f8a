// A page that trains through onnxruntime-web, for the tests to call.
import { onnxruntime, type OnnxRuntimeOptions } from "@convoke/backend-onnxruntime";
import { BackendUnavailableError } from "@convoke/core";
import { lenet5Losses } from "./lenet5-losses.js";

export interface Training {
  readonly packageName: string;
  readonly losses: readonly number[];
}

/** What training gives, or why this page cannot compute so. */
async function train(
  options: OnnxRuntimeOptions & { readonly steps: number; readonly batchSize: number },
): Promise<Training | { readonly missing: string }> {
  try {
    const backend = await onnxruntime(options);
    const losses = await lenet5Losses(backend, options);
    const { packageName } = backend;
    await backend.dispose();
    return { packageName, losses };
  } catch (error) {
    if (error instanceof BackendUnavailableError) return { missing: error.message };
    throw error;
  }
}

Object.assign(globalThis, { convokePage: { train } });
