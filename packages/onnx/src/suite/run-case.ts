// Runs the cases of the ONNX backend test suite: a model, and recorded inputs and outputs.
import { ConvokeError, isDType, realize, tensor, UnsupportedOpError, type Tensor } from "@convoke/core";
import { formatShape, ShapeError } from "@convoke/shape";
import { constantOf } from "../import/known-values.js";
import { importOnnx } from "../import/import-onnx.js";
import { hostArray } from "../import/node-call.js";
import { OnnxUnsupportedError } from "../import/unsupported-error.js";
import { readTensor, type ExternalData } from "../model/tensor-codec.js";
import type { NamedTensor, TensorData } from "../model/tensor-data.js";

/** The files of one case: `model.onnx`, and of each `test_data_set_*` the `input_*.pb` and `output_*.pb` in order. */
export interface CaseFiles {
  readonly model: Uint8Array;
  readonly dataSets: readonly {
    readonly inputs: readonly Uint8Array[];
    readonly outputs: readonly Uint8Array[];
  }[];
  readonly externalData?: ExternalData;
}

/**
 * How far results may lie from the recorded ones: |a − b| ≤ atol + rtol·|b| for each element.
 *
 * In a net, rounding grows with the largest values on the way and not with each element of the result, which no two engines
 * round alike: models of more than 20 nodes also pass by the measure that this project quotes differences in.
 */
export interface CaseTolerance {
  /** 1e-3 by default, as in ONNX's own runner. */
  readonly rtol?: number;
  /** 1e-7 by default, as in ONNX's own runner. */
  readonly atol?: number;
  /** For models of more than 20 nodes: max|a − b| / max(1, max|b|), 1e-5 by default; 0 switches it off. */
  readonly netTolerance?: number;
}

/** Models of more nodes are nets, not single operators or their function bodies. */
const NET_NODES = 20;

/** How a case went. */
export interface CaseResult {
  readonly result: "pass" | "fail" | "unsupported";
  /** The largest difference, what differs, or what is missing. */
  readonly detail: string;
  /** The operator that is missing. */
  readonly operator?: string;
}

/**
 * Imports a model, runs it on the default backend and compares. Never throws for what the files hold.
 *
 * @example
 * ```ts
 * import { runCase, tensorValue, writeModel, writeTensor } from "@convoke/onnx";
 *
 * const model = writeModel({
 *   irVersion: 8,
 *   opsets: { "": 17 },
 *   producer: { name: "example", version: "1" },
 *   metadata: {},
 *   functions: [],
 *   graph: {
 *     name: "negative",
 *     nodes: [{ name: "neg", opType: "Neg", domain: "", inputs: ["x"], outputs: ["y"], attributes: {} }],
 *     initializers: [],
 *     inputs: [tensorValue("x", "float32", [2])],
 *     outputs: [tensorValue("y", "float32", [2])],
 *     valueInfo: [],
 *   },
 * });
 * const pb = (...data: number[]) => writeTensor({ dtype: "float32", shape: [2], data: Float32Array.from(data) });
 * const { result } = await runCase({ model, dataSets: [{ inputs: [pb(1, 2)], outputs: [pb(-1, -2)] }] });
 * console.log(result); // pass
 * ```
 */
export async function runCase(files: CaseFiles, tolerance: CaseTolerance = {}): Promise<CaseResult> {
  try {
    return await run(files, tolerance);
  } catch (error) {
    if (error instanceof OnnxUnsupportedError)
      return { result: "unsupported", operator: error.operator, detail: firstLine(error) };
    if (error instanceof UnsupportedOpError)
      return { result: "unsupported", operator: error.op, detail: firstLine(error) };
    if (error instanceof ConvokeError || error instanceof ShapeError || error instanceof RangeError)
      return { result: "fail", detail: firstLine(error) };
    if (error instanceof Error) return { result: "fail", detail: `defect: ${firstLine(error)}` };
    throw error;
  }
}

function firstLine(error: Error): string {
  return error.message.split("\n")[0] ?? "";
}

async function run(files: CaseFiles, tolerance: CaseTolerance): Promise<CaseResult> {
  const { rtol = 1e-3, atol = 1e-7, netTolerance = 1e-5 } = tolerance;
  const { externalData } = files;
  const model = importOnnx<Tensor[], Tensor | Record<string, Tensor>>(
    files.model,
    externalData === undefined ? {} : { externalData },
  );
  for (const { name, type } of [...model.inputs, ...model.outputs]) {
    if (type.kind === "tensor" ? !isDType(type.dtype) : type.kind !== "unknown") {
      const what = type.kind === "tensor" ? `${type.dtype} tensor` : type.kind;
      return { result: "unsupported", operator: what, detail: `"${name}" is a ${what}` };
    }
  }
  let largest = 0;
  for (const [i, { inputs, outputs }] of files.dataSets.entries()) {
    const given = inputs.map((bytes, k) => inputOf(readTensor(bytes), model.inputs[k]?.name ?? ""));
    const result = given.length === 0 ? model.forward([tensor(0)].slice(1)) : model.forward(given);
    const computed = model.outputs.map(({ name }) =>
      "handle" in result ? (result as Tensor) : result[name]!,
    );
    await realize(...computed);
    for (const [k, bytes] of outputs.entries()) {
      const expected = readTensor(bytes);
      const name = model.outputs[k]?.name ?? `output ${k}`;
      const actual = computed[k];
      const where = files.dataSets.length > 1 ? `data set ${i}, "${name}"` : `"${name}"`;
      if (actual === undefined) return { result: "fail", detail: `${where} is not an output of the model` };
      if (actual.dtype !== expected.dtype || formatShape(actual.shape) !== formatShape(expected.shape)) {
        return {
          result: "fail",
          detail: `${where} is ${actual.dtype} ${formatShape(actual.shape)}, recorded is ${expected.dtype} ${formatShape(expected.shape)}`,
        };
      }
      const { difference, scaled, isClose } = compared(await actual.data(), expected, { rtol, atol });
      const isNet = model.valueNames.length > NET_NODES;
      if (!isClose && !(isNet && scaled <= netTolerance))
        return { result: "fail", detail: `${where} differs by ${difference}` };
      largest = Math.max(largest, difference);
    }
  }
  return { result: "pass", detail: `largest difference ${largest.toExponential(1)}` };
}

function inputOf(given: NamedTensor, name: string): Tensor {
  const host = hostArray(given);
  if (host !== undefined) return constantOf(host);
  throw new OnnxUnsupportedError({
    operation: `input "${name}"`,
    operator: `${given.dtype} tensor`,
    reason: "an element type that is not one of ours",
  });
}

function compared(
  actual: ArrayLike<number | bigint>,
  expected: TensorData,
  { rtol, atol }: { rtol: number; atol: number },
): { difference: number; scaled: number; isClose: boolean } {
  const { data } = hostArray(expected) ?? expected;
  let difference = 0;
  let scale = 1;
  let isClose = true;
  for (let i = 0; i < data.length; i++) {
    const [a, b] = [Number(actual[i]), Number(data[i])];
    if (Number.isFinite(b)) scale = Math.max(scale, Math.abs(b));
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    const distance = Math.abs(a - b);
    if (!(distance <= atol + rtol * Math.abs(b))) isClose = false;
    difference = Math.max(difference, Number.isNaN(distance) ? Infinity : distance);
  }
  return { difference, scaled: difference / scale, isClose };
}
