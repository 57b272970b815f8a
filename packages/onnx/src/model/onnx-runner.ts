import type { DataFile } from "./external-data.js";
import type { TensorData } from "./tensor-data.js";

/** Tensors by the names that the model gives its inputs and outputs. */
export type NamedTensors = Readonly<Record<string, TensorData>>;

/**
 * Something that runs ONNX models, given by value to what needs one (verification, `convoke verify`).
 * `@convoke/backend-onnxruntime` makes them; any other engine can.
 */
export interface OnnxRunner {
  /** What reports call it, e.g. `onnxruntime-node`. */
  readonly name: string;
  /**
   * Loads a model. Rejects with the engine's own words when it cannot.
   *
   * @param model The bytes of an `.onnx` file.
   * @param data The files beside it that its weights lie in.
   */
  open(model: Uint8Array, data?: readonly DataFile[]): Promise<OnnxSession>;
  /**
   * Loads a model by the path of its file, with what lies beside it. Runners without a file system do not have it.
   * Rejects with the engine's own words when it cannot.
   */
  readonly openFile?: (file: string) => Promise<OnnxSession>;
}

/** A loaded model. Runs may use different sizes along the model's dynamic axes. */
export interface OnnxSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Runs the model. Gives all outputs, or those that are named. */
  run(inputs: NamedTensors, outputs?: readonly string[]): Promise<Record<string, TensorData>>;
  /** Frees what the engine holds. The session cannot run after that; a second call does nothing. */
  dispose(): Promise<void>;
}

/** Loads a model, runs it once and frees it. */
export async function runOnce(
  runner: OnnxRunner,
  model: Uint8Array,
  inputs: NamedTensors,
): Promise<Record<string, TensorData>> {
  const session = await runner.open(model);
  try {
    return await session.run(inputs);
  } finally {
    await session.dispose();
  }
}
