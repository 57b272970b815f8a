// The golden vectors on a backend: values, gradients and running statistics.
import {
  allocate,
  gradients,
  tensor,
  type Backend,
  type FloatDType,
  type Tensor,
  type TypedArray,
} from "@convoke/core";
import { expectAgreement } from "../compare-arrays.js";
import { compute, placeholder } from "../run-graph.js";
import type { PlannedTest } from "../suite.js";
import { goldenRuns, type GoldenInputs } from "./golden-runs.js";
import { goldenCases, type GoldenCase } from "./golden-vectors.js";

export function goldenTests(): PlannedTest[] {
  return goldenCases().map((golden, i) => ({
    path: ["golden vectors", golden.name, `case ${i}`],
    isEssential: true,
    run: ({ backend }) => runGolden(backend, golden, { dtype: "float32", tolerance: 1e-5 }),
  }));
}

/** Computes a case in `dtype`, and throws unless everything it gives is within `tolerance`. */
export async function runGolden(
  backend: Backend,
  golden: GoldenCase,
  { dtype, tolerance }: { dtype: FloatDType; tolerance: number },
): Promise<void> {
  const run = goldenRuns[golden.name];
  if (run === undefined) throw new Error(`There is no way to compute the golden case ${golden.name}.`);
  const names = Object.keys(golden.inputs);
  const inputs = names.map((name) => placeholder(golden.inputs[name]!.shape, dtype, name));
  const named = Object.fromEntries(names.map((name, i) => [name, inputs[i]!])) as GoldenInputs;
  const result = run(named, golden.attrs);
  const { output, after = {} } = "output" in result ? result : { output: result };
  const upstream = tensor(golden.grad_output.data, { shape: golden.grad_output.shape, dtype });
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
  const data: TypedArray[] = names.map((name) => {
    const array = allocate(dtype, golden.inputs[name]!.data.length);
    array.set(golden.inputs[name]!.data as never);
    return array;
  });
  const got = await compute(backend, { inputs, outputs: expected.map(([, value]) => value) }, data);
  for (const [i, [what, , values]] of expected.entries()) {
    expectAgreement(what, { got: got[i]!, expected: values, dtype }, { compare: "close", tolerance });
  }
}
