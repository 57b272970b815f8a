// An .onnx file as a classifier: its input format, its class names, and runs through ONNX Runtime.
import { onnxRunner } from "@convoke/backend-onnxruntime";
import {
  modelInputs,
  OnnxFormatError,
  readModel,
  type OnnxModel,
  type OnnxSession,
  type TensorData,
} from "@convoke/onnx";
import { readFile, stat } from "node:fs/promises";
import { readMetadata, type FileMetadata } from "./model-metadata.js";
import { UsageError } from "./usage-error.js";

/** Protobuf itself ends there. */
const maxFileBytes = 2 ** 31 - 1;

export interface Classifier {
  readonly file: string;
  /** Of one sample: [channels, height, width]. A size that the file leaves open is 0. */
  readonly inputShape: readonly number[];
  readonly metadata: FileMetadata;
  readonly runtime: string;
  /** The scores of a batch of this shape, row by row, as the model gives them. */
  scores(
    batch: Float32Array,
    shape: readonly number[],
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
  try {
    const { size } = await stat(file);
    if (size > maxFileBytes) {
      throw new UsageError({
        operation: `model "${file}"`,
        problem: `it has ${size} bytes, an ONNX file has less than 2 GB.`,
        wayOut: "Check that it is the right file.",
      });
    }
    bytes = new Uint8Array(await readFile(file));
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
  return { bytes, model: parsedModel(file, bytes) };
}

function parsedModel(file: string, bytes: Uint8Array): OnnxModel {
  try {
    return readModel(bytes);
  } catch (cause) {
    if (!(cause instanceof OnnxFormatError)) throw cause;
    const [what = ""] = cause.message.split("\n");
    throw new UsageError(
      { operation: `model "${file}"`, problem: `it is no ONNX model: ${what}`, wayOut: cause.wayOut },
      { cause },
    );
  }
}

/** Opens an .onnx file with one float32 input [N, …] and one output of class scores [N, classes]. */
export async function openClassifier(file: string, options: { threads?: number } = {}): Promise<Classifier> {
  const { bytes, model } = await readModelFile(file);
  const inputs = modelInputs(model.graph);
  const [input] = inputs;
  const output = model.graph.outputs[0];
  if (
    inputs.length !== 1 ||
    input?.type.kind !== "tensor" ||
    input.type.dtype !== "float32" ||
    output === undefined
  ) {
    throw new UsageError({
      operation: `model "${file}"`,
      problem: `it takes ${inputs.length} inputs (${inputs.map(({ name }) => name).join(", ")}), a classifier takes one of float32.`,
      wayOut: "Run `convoke inspect` on the file to see what it takes.",
    });
  }
  const runner = await onnxRunner(options.threads === undefined ? {} : { threads: options.threads });
  const session = await openSession(file, () => runner.open(bytes));
  const inputShape = (input.type.shape ?? []).slice(1).map((dim) => (typeof dim === "number" ? dim : 0));
  const fixedBatch = input.type.shape?.[0];
  return {
    file,
    inputShape,
    metadata: readMetadata(file, model.metadata),
    runtime: runner.name,
    async scores(batch, [count = 0, ...sampleShape]) {
      // A file with a fixed batch gets pieces of that size; the last one is filled up with zeros.
      const piece = typeof fixedBatch === "number" && fixedBatch > 0 ? fixedBatch : count;
      const sampleSize = batch.length / count;
      const pieces: Float32Array[] = [];
      let classes = 0;
      for (let start = 0; start < count; start += piece) {
        const data = new Float32Array(piece * sampleSize);
        data.set(batch.subarray(start * sampleSize, (start + piece) * sampleSize));
        const feed: TensorData = { dtype: "float32", shape: [piece, ...sampleShape], data };
        const results = await session.run({ [input.name]: feed }, [output.name]);
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
