// Compares a written model, run by an ONNX engine, with our own forward pass; finds the first node that differs.
import {
  describeOperation,
  hostFoldIn,
  hostKey,
  hostNormal,
  hostUniform,
  isFloat,
  tensor,
  Tensor,
  type GraphNode,
  type TensorSpec,
  type TypedArray,
} from "@convoke/core";
import type { OnnxModel } from "../model/onnx-model.js";
import { tensorValue } from "../model/onnx-model.js";
import type { NamedTensors, OnnxRunner, OnnxSession } from "../model/onnx-runner.js";
import type { TensorData } from "../model/tensor-data.js";
import type { ModelFiles } from "../model/write-model.js";
import { OnnxVerificationError } from "./export-error.js";
import { hostArray } from "../import/node-call.js";
import { hostTensor } from "./host-tensor.js";
import { computedNodes, namedTensors, runForward, type ForwardPass } from "./trace-model.js";

export interface Verification {
  readonly pass: ForwardPass;
  readonly model: OnnxModel;
  /** The files of a model, written as those that are verified. */
  readonly write: (model: OnnxModel) => ModelFiles;
  readonly files: ModelFiles;
  readonly runner: OnnxRunner;
  /** What the file calls the values of each node. */
  readonly computed: readonly { readonly node: GraphNode; readonly names: readonly string[] }[];
  readonly outputNames: readonly string[];
  readonly batches: readonly number[];
  /** Further inputs to compare on. */
  readonly examples: readonly unknown[];
  readonly tolerance: number;
  readonly seed: number;
}

/**
 * The largest difference over all batch sizes, max|a − b| / max(1, max|b|).
 *
 * @throws OnnxVerificationError above the tolerance.
 */
export async function verifyExport(verification: Verification): Promise<number> {
  const { pass, batches, examples } = verification;
  const cases = [...batches.map((batch, i) => seededInput(pass, batch, verification.seed + i)), ...examples];
  const session = await openFiles(verification, verification.files);
  let largest = 0;
  try {
    for (const input of cases) {
      const results = await session.run(await feedsOf(pass, input));
      const outputs = runForward(pass, input);
      for (const [i, [, expected]] of outputs.entries()) {
        const name = verification.outputNames[i]!;
        const difference = distance(results[name], expected, await expected.data());
        if (difference > verification.tolerance) await explain(verification, { input, name, difference });
        largest = Math.max(largest, difference);
      }
    }
  } finally {
    await session.dispose();
  }
  return largest;
}

function openFiles({ runner }: Verification, { bytes, data }: ModelFiles): Promise<OnnxSession> {
  return data === undefined ? runner.open(bytes) : runner.open(bytes, [data]);
}

/** Normal floats; integers are 0 or 1, which are indices into almost anything. */
function seededInput({ inputs, pictures }: ForwardPass, batch: number, seed: number): unknown {
  const draw = pictures === undefined ? seededData : seededPixels;
  const tensors = inputs.specs.map((spec, i) => {
    const shape = [batch, ...spec.shape.slice(1)];
    return tensor(draw(spec, shape, hostFoldIn(hostKey(seed), i)), { shape, dtype: spec.dtype });
  });
  return inputs.flattened.unflatten(tensors);
}

function seededData(
  spec: TensorSpec,
  shape: readonly number[],
  key: ReturnType<typeof hostKey>,
): Float64Array {
  const count = shape.reduce((product, n) => product * n, 1);
  return isFloat(spec.dtype) ? hostNormal(key, count) : hostUniform(key, count).map(Math.round);
}

function seededPixels(
  _: TensorSpec,
  shape: readonly number[],
  key: ReturnType<typeof hostKey>,
): Float64Array {
  const count = shape.reduce((product, n) => product * n, 1);
  return hostUniform(key, count).map((value) => Math.floor(256 * value));
}

async function feedsOf({ inputs }: ForwardPass, input: unknown): Promise<NamedTensors> {
  const tensors = namedTensors(input, "input");
  const feeds: Record<string, TensorData> = {};
  for (const [i, [, value]] of tensors.entries()) {
    feeds[inputs.names[i]!] = hostTensor({
      dtype: value.dtype,
      shape: value.shape,
      data: await value.data(),
    });
  }
  return feeds;
}

/** max|a − b| / max(1, max|b|); infinite where type or shape differ, or NaN stands on one side only. */
function distance(actual: TensorData | undefined, spec: TensorSpec, expected: TypedArray): number {
  const fits = actual?.dtype === spec.dtype && actual.shape.join() === spec.shape.join();
  if (!fits) return Infinity;
  const given = hostArray(actual)?.data ?? actual.data;
  let largest = 0;
  let scale = 1;
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [Number(given[i]), Number(expected[i])];
    if (Number.isFinite(b)) scale = Math.max(scale, Math.abs(b));
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    const difference = Math.abs(a - b);
    largest = Number.isNaN(difference) ? Infinity : Math.max(largest, difference);
  }
  return largest / scale;
}

interface Failure {
  readonly input: unknown;
  readonly name: string;
  readonly difference: number;
}

async function explain(verification: Verification, failure: Failure): Promise<never> {
  const { runner, model, tolerance } = verification;
  const first = await firstDifference(verification, failure.input);
  const where = first === undefined ? "" : `, first at ${first}`;
  throw new OnnxVerificationError({
    operation: `exportOnnx ${model.graph.name}`,
    problem: `output "${failure.name}" of ${runner.name} differs from our own by ${failure.difference.toExponential(2)} (max|a − b| / max(1, max|b|))${where}; at most ${tolerance} is allowed.`,
    wayOut:
      "Raise the tolerance if the net amplifies rounding; else report the node: its lowering or the engine is wrong.",
    node: first ?? "",
    difference: failure.difference,
  });
}

/** Runs the model once more with every value on the way as an output, and compares in order. */
async function firstDifference(verification: Verification, input: unknown): Promise<string | undefined> {
  const { pass, model, computed, tolerance } = verification;
  const outputs = runForward(pass, input).map(([, output]) => output);
  const ours = computedNodes(pass, outputs);
  // Where values were computed before, the two graphs do not correspond.
  if (ours.length !== computed.length) return undefined;
  const session = await openFiles(verification, verification.write(withAllValues(model, computed)));
  const results = await session.run(await feedsOf(pass, input)).finally(() => session.dispose());
  for (const [i, { node, names }] of computed.entries()) {
    for (const [index, name] of names.entries()) {
      const actual = results[name];
      if (actual === undefined) continue;
      const expected = new Tensor({ node: ours[i]!, index });
      const data = await expected.data();
      if (distance(actual, expected, data) > tolerance)
        return `${describeOperation(node.op.name, node.scope)} ("${name}")`;
    }
  }
  return undefined;
}

function withAllValues(model: OnnxModel, computed: Verification["computed"]): OnnxModel {
  const known = new Set(model.graph.outputs.map(({ name }) => name));
  const more = computed.flatMap(({ node, names }) =>
    names.flatMap((name, i) => {
      if (name === "" || known.has(name)) return [];
      known.add(name);
      return [tensorValue(name, node.outputs[i]!.dtype, null)];
    }),
  );
  const outputs = [...model.graph.outputs, ...more];
  return { ...model, graph: { ...model.graph, outputs, valueInfo: [] } };
}
