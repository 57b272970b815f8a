// The golden vectors on a backend, in float32: values, gradients and running statistics.
import { gradients, tensor, type Tensor, type TypedArray } from "@convoke/core";
import { expectAgreement } from "../compare-arrays.js";
import { compute, placeholder } from "../run-graph.js";
import type { PlannedTest } from "../suite.js";
import { goldenRuns, type GoldenInputs } from "./golden-runs.js";
import { goldenCases, type GoldenCase } from "./golden-vectors.js";

export function goldenTests(): PlannedTest[] {
  return goldenCases().map((golden, i) => ({
    path: ["golden vectors", golden.name, `case ${i}`],
    isEssential: true,
    run: ({ backend }) => runGolden(backend, golden),
  }));
}

async function runGolden(
  backend: Parameters<PlannedTest["run"]>[0]["backend"],
  golden: GoldenCase,
): Promise<void> {
  const run = goldenRuns[golden.name];
  if (run === undefined) throw new Error(`There is no way to compute the golden case ${golden.name}.`);
  const names = Object.keys(golden.inputs);
  const inputs = names.map((name) => placeholder(golden.inputs[name]!.shape, "float32", name));
  const named = Object.fromEntries(names.map((name, i) => [name, inputs[i]!])) as GoldenInputs;
  const result = run(named, golden.attrs);
  const { output, after = {} } = "output" in result ? result : { output: result };
  const upstream = tensor(Float32Array.from(golden.grad_output.data), { shape: golden.grad_output.shape });
  const targets = Object.keys(golden.grads);
  const backward = gradients(
    output.mul(upstream).sum(),
    targets.map((name) => named[name as keyof GoldenInputs]),
  );
  const expected: [what: string, value: Tensor, data: Float64Array][] = [
    ["the output", output, golden.output.data],
    ...targets.map((name, i): [string, Tensor, Float64Array] => [
      `the gradient by ${name}`,
      backward[i]!,
      golden.grads[name]!.data,
    ]),
    ...Object.entries(golden.after ?? {})
      .filter(([name]) => after[name] !== undefined)
      .map(([name, { data }]): [string, Tensor, Float64Array] => [name, after[name]!, data]),
  ];
  const data: TypedArray[] = names.map((name) => Float32Array.from(golden.inputs[name]!.data));
  const got = await compute(backend, { inputs, outputs: expected.map(([, value]) => value) }, data);
  for (const [i, [what, , values]] of expected.entries()) {
    const agreement = { compare: "close", tolerance: 1e-5 } as const;
    expectAgreement(what, { got: got[i]!, expected: values, dtype: "float32" }, agreement);
  }
}
