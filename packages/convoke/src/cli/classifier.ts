// An .onnx file as a classifier: its input format, its class names, and runs through ONNX Runtime.
import { onnxRunner } from "@convoke/backend-onnxruntime";
import {
  externalDataLocations,
  modelInputs,
  OnnxFormatError,
  readModel,
  type ExternalData,
  type OnnxModel,
  type OnnxSession,
  type TensorData,
} from "@convoke/onnx";
import { stat } from "node:fs/promises";
import { readModelFiles } from "../node/model-files.js";
import { inputFormat, preparedInput } from "./input-format.js";
import { readMetadata, type FileMetadata } from "./model-metadata.js";
import { UsageError } from "./usage-error.js";

/** Protobuf itself ends there. */
const maxFileBytes = 2 ** 31 - 1;

export interface Classifier {
  readonly file: string;
  /** Of one sample: [channels, height, width], whatever the file's own order. A size that nothing tells is 0. */
  readonly inputShape: readonly number[];
  readonly metadata: FileMetadata;
  readonly runtime: string;
  /**
   * The scores of pictures, row by row, as the model gives them. Pixels come as [count, channels, height, width] in
   * [0, 1]; what the file wants them to be is done here.
   */
  scores(
    pixels: Float32Array,
    count: number,
  ): Promise<{ readonly data: Float32Array; readonly classes: number }>;
  dispose(): Promise<void>;
}

/**
 * Reads an .onnx file.
 *
 * @throws UsageError when it is not there, OnnxFormatError when it is no ONNX model.
 */
export async function readModelFile(file: string): Promise<{ bytes: Uint8Array; model: OnnxModel }> {
  let bytes: Uint8Array;
  let externalData: ExternalData;
  try {
    const { size } = await stat(file);
    if (size > maxFileBytes) {
      throw new UsageError({
        operation: `model "${file}"`,
        problem: `it has ${size} bytes, an ONNX file has less than 2 GB; larger weights lie in a file beside it.`,
        wayOut: "Check that it is the right file.",
      });
    }
    ({ bytes, externalData } = await readModelFiles(file));
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    const problem =
      code === "ENOENT"
        ? "there is no such file."
        : code === "EISDIR"
          ? "it is a folder."
          : `it cannot be read (${code}).`;
    throw new UsageError(
      {
        operation: `model "${file}"`,
        problem,
        wayOut: "Name an .onnx file, for instance one that `convoke train` wrote.",
      },
      { cause },
    );
  }
  return { bytes, model: parsedModel(file, bytes, externalData) };
}

function parsedModel(file: string, bytes: Uint8Array, externalData: ExternalData): OnnxModel {
  try {
    return readModel(bytes, { externalData });
  } catch (cause) {
    if (!(cause instanceof OnnxFormatError)) throw cause;
    const [what = ""] = cause.message.split("\n");
    throw new UsageError(
      { operation: `model "${file}"`, problem: `it is no ONNX model: ${what}`, wayOut: cause.wayOut },
      { cause },
    );
  }
}

/** Opens an .onnx file with one input of pictures, [N, …], and an output of class scores, float32 [N, classes]. */
export async function openClassifier(file: string, options: { threads?: number } = {}): Promise<Classifier> {
  const { bytes, model } = await readModelFile(file);
  const inputs = modelInputs(model.graph);
  const [input] = inputs;
  // Beside the scores a file may give the class: the first output of numbers is that of the scores.
  const output = model.graph.outputs.find(({ type }) => type.kind !== "tensor" || type.dtype === "float32");
  if (inputs.length !== 1 || input === undefined || output === undefined) {
    throw new UsageError({
      operation: `model "${file}"`,
      problem: `it takes ${inputs.length} inputs (${inputs.map(({ name }) => name).join(", ")}) and gives ${model.graph.outputs.map(({ name }) => name).join(", ")}; a classifier takes one of pictures and gives scores of float32.`,
      wayOut: "Run `convoke inspect` on the file to see what it takes.",
    });
  }
  const metadata = readMetadata(file, model.metadata);
  const format = inputFormat(file, input, metadata);
  const runner = await onnxRunner(options.threads === undefined ? {} : { threads: options.threads });
  const hasFilesBeside = externalDataLocations(bytes).length > 0;
  const session = await openSession(file, () =>
    hasFilesBeside && runner.openFile !== undefined ? runner.openFile(file) : runner.open(bytes),
  );
  return {
    file,
    inputShape: format.sample,
    metadata,
    runtime: runner.name,
    async scores(pixels, count) {
      // A file with a fixed batch gets pieces of that size; the last one is filled up with zeros.
      const piece = format.batch ?? count;
      const sampleSize = pixels.length / count;
      const pieces: Float32Array[] = [];
      let classes = 0;
      for (let start = 0; start < count; start += piece) {
        const data = new Float32Array(piece * sampleSize);
        data.set(pixels.subarray(start * sampleSize, (start + piece) * sampleSize));
        const feed = preparedInput(data, piece, format);
        const results = await session.run({ [format.name]: feed }, [output.name]);
        const scores = scoresOf(file, results[output.name], piece);
        classes = scores.classes;
        pieces.push(scores.data.subarray(0, (count - start) * classes));
      }
      return { data: joined(pieces), classes };
    },
    dispose: () => session.dispose(),
  };
}

async function openSession(file: string, open: () => Promise<OnnxSession>): Promise<OnnxSession> {
  try {
    return await open();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(
      {
        operation: `model "${file}"`,
        problem: `ONNX Runtime refuses it: ${reason}`,
        wayOut: "Check how the file was made.",
      },
      { cause },
    );
  }
}

function scoresOf(
  file: string,
  result: TensorData | undefined,
  count: number,
): { data: Float32Array; classes: number } {
  if (result?.dtype === "float32" && result.shape.length >= 2 && result.shape[0] === count) {
    return { data: result.data, classes: result.data.length / count };
  }
  throw new UsageError({
    operation: `model "${file}"`,
    problem: `it gives ${result === undefined ? "nothing" : `${result.dtype} [${result.shape.join(", ")}]`}, a classifier gives float32 [N, classes].`,
    wayOut: "Run `convoke inspect` on the file to see what it gives.",
  });
}

function joined(pieces: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

/** Probabilities of one row: the scores themselves where they are probabilities already, else their softmax. */
export function probabilities(scores: Float32Array): Float64Array {
  const row = Float64Array.from(scores);
  const sum = row.reduce((total, value) => total + value, 0);
  if (Math.abs(sum - 1) < 1e-3 && row.every((value) => value >= 0)) return row;
  const highest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = row.map((value) => Math.exp(value - highest));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / total);
}

/** The class with the highest score; the first of equal ones. */
export function bestClass(scores: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i;
  return best;
}
