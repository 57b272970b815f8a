// Every op of core, written as ONNX and run by ONNX Runtime, against our own forward pass.
import * as core from "@convoke/core";
import { Module, randomKey, randomNormal, Tensor } from "@convoke/core";
import { exportOnnx, importOnnx, readModel, type OnnxRunner } from "@convoke/onnx";
import { beforeAll, describe, expect, it } from "vitest";
import { activation } from "../test/export-cases/activation.js";
import { convolution } from "../test/export-cases/convolution.js";
import { elementwise } from "../test/export-cases/elementwise.js";
import { indexing } from "../test/export-cases/indexing.js";
import { matmul } from "../test/export-cases/matmul.js";
import { movement } from "../test/export-cases/movement.js";
import { normalization } from "../test/export-cases/normalization.js";
import { pooling } from "../test/export-cases/pooling.js";
import { reduce } from "../test/export-cases/reduce.js";
import { resize } from "../test/export-cases/resize.js";
import type { ExportCase } from "../test/export-cases/export-case.js";
import { onnxRunner } from "./index.js";

const families = [
  elementwise,
  reduce,
  movement,
  matmul,
  convolution,
  pooling,
  indexing,
  activation,
  normalization,
  resize,
];
const cases: readonly (readonly [string, ExportCase])[] = families.flatMap((family) =>
  Object.entries(family),
);

let runner: OnnxRunner;
beforeAll(async () => {
  runner = await onnxRunner({ threads: 1 });
});

/** A function of tensors as a module. */
class Fn extends Module<Tensor[], unknown> {
  readonly #fn: (...inputs: Tensor[]) => unknown;

  constructor(fn: (...inputs: Tensor[]) => unknown) {
    super();
    this.#fn = fn;
  }

  protected compute(inputs: Tensor[]): unknown {
    return this.#fn(...inputs);
  }
}

function exampleOf(spec: readonly number[] | Tensor, i: number, batch: number): Tensor {
  if (spec instanceof Tensor) return spec;
  return randomNormal(randomKey(100 + i), [batch, ...spec.slice(1)]);
}

async function roundTrip(
  { inputs, fn, writes, reformulated = false, options }: ExportCase,
  opset: number,
): Promise<void> {
  const batch = typeof options?.batch === "number" ? options.batch : 2;
  const example = inputs.map((spec, i) => exampleOf(spec, i, batch));
  const isOpen = options?.batch === undefined && inputs.every((spec) => !(spec instanceof Tensor));
  const others = isOpen ? [inputs.map((spec, i) => exampleOf(spec, i, 64))] : [];
  const { model, bytes, maxAbsDiff } = await exportOnnx(new Fn(fn), {
    input: example,
    opset,
    verify: runner,
    verifyInputs: others,
    ...options,
  });
  expect(maxAbsDiff).toBeLessThanOrEqual(1e-5);
  expect(readModel(bytes).graph.nodes.length).toBe(model.graph.nodes.length);
  if (opset === 26 && writes !== undefined)
    expect(model.graph.nodes.map((node) => node.opType)).toEqual(writes);
  const imported = importOnnx<Tensor[], Tensor | Record<string, Tensor>>(bytes);
  for (const sample of [example, ...others]) {
    const [expected, actual] = [tensorsOf(fn(...sample)), tensorsOf(imported.forward(sample))];
    expect(actual.map(({ dtype, shape }) => [dtype, shape])).toEqual(
      expected.map(({ dtype, shape }) => [dtype, shape]),
    );
    for (const [i, tensor] of expected.entries())
      expect(await difference(actual[i]!, tensor), `output ${i}, imported`).toBeLessThanOrEqual(
        reformulated ? 1e-6 : 0,
      );
  }
}

function tensorsOf(outputs: unknown): Tensor[] {
  return outputs instanceof Tensor ? [outputs] : (Object.values(outputs as object) as Tensor[]);
}

/** max|a − b| / max(1, max|b|), with infinities and NaN in the same places. */
async function difference(actual: Tensor, expected: Tensor): Promise<number> {
  const [a, b] = [await actual.data(), await expected.data()].map((data) => Array.from(data, Number));
  const scale = b!.reduce(
    (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
    1,
  );
  return b!.reduce((most, value, i) => {
    if (Object.is(a![i]! + 0, value + 0)) return most;
    const distance = Math.abs(a![i]! - value) / scale;
    return Math.max(most, Number.isNaN(distance) ? Infinity : distance);
  }, 0);
}

describe.each([17, 26])("opset %i through onnxruntime-node", (opset) => {
  it.each(cases)("%s", (_, entry) => roundTrip(entry, opset));
});

/** Drawn by the host, as ONNX cannot: `exportOnnx` refuses them, programs get their numbers as inputs. */
const drawn = ["randomBits", "foldIn", "randomUniform", "randomNormal"];

it("leaves no op out", () => {
  const found = new Set<string>();
  for (const [, { inputs, fn }] of cases) {
    const { graph } = core.traceFunction(
      "ops",
      fn,
      core.flattenTree(inputs.map((spec, i) => exampleOf(spec, i, 5))),
    );
    for (const node of graph.nodes) found.add(node.op.name);
  }
  expect(Object.keys(core.opTable).filter((name) => !found.has(name))).toEqual(drawn);
});
