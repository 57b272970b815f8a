import { BackendError } from "@convoke/core";
import { joinDataFile } from "@convoke/onnx";
import type { DataFile, NamedTensors, OnnxSession, TensorData } from "@convoke/onnx";
import type { OnnxRuntime, RuntimeSession, SessionOptions } from "./runtime.js";
import { fromRuntimeTensor, toRuntimeTensor } from "./tensor-conversion.js";

// Errors only: a file may legally give its weights as inputs too, and each would be a warning.
const LOG_ERRORS = 3;

/** Loads a model; `name` is what errors call the runner. */
export async function openSession(
  name: string,
  runtime: OnnxRuntime,
  {
    model,
    data = [],
    options,
  }: { model: Uint8Array; data?: readonly DataFile[] | undefined; options: SessionOptions },
): Promise<OnnxSession> {
  const externalData = data.map((file) => ({ path: file.file, data: joinDataFile(file) }));
  const session = await runtime.InferenceSession.create(model, {
    logSeverityLevel: LOG_ERRORS,
    ...options,
    ...(externalData.length > 0 && { externalData }),
  });
  return sessionOn(name, runtime, session);
}

/** Loads a model by its path; the engine finds the files beside it. */
export async function openSessionOfFile(
  name: string,
  runtime: OnnxRuntime,
  { file, options }: { file: string; options: SessionOptions },
): Promise<OnnxSession> {
  const session = await runtime.InferenceSession.create(file, { logSeverityLevel: LOG_ERRORS, ...options });
  return sessionOn(name, runtime, session);
}

function sessionOn(name: string, runtime: OnnxRuntime, session: RuntimeSession): OnnxSession {
  const running = new Set<Promise<unknown>>();
  let released: Promise<void> | undefined;

  async function run(
    inputs: NamedTensors,
    outputs = session.outputNames,
  ): Promise<Record<string, TensorData>> {
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([key, tensor]) => [key, toRuntimeTensor(runtime, key, tensor)]),
    );
    const results = await session.run(feeds, outputs);
    return Object.fromEntries(
      Object.entries(results).map(([key, tensor]) => [key, fromRuntimeTensor(key, tensor)]),
    );
  }

  async function release(): Promise<void> {
    await Promise.allSettled(running);
    await session.release();
  }

  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run(inputs, outputs) {
      if (released !== undefined) {
        const error = new BackendError({
          operation: `${name} run`,
          problem: "the session is disposed, and only an open session can run.",
          wayOut: "Run before dispose(), or open the model again.",
        });
        return Promise.reject(error);
      }
      const result = run(inputs, outputs).finally(() => running.delete(result));
      running.add(result);
      return result;
    },
    dispose() {
      released ??= release();
      return released;
    },
  };
}
