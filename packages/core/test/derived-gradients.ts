// Compares the gradient that a composite declares with the one that follows from its body, in float64.
import { applyAll, gradients, type Composite, type Tensor } from "@convoke/core";
import { expect } from "vitest";
import { difference } from "./finite-differences.js";
import { seededTensor } from "./seeded-numbers.js";

/** Both gradients of a random projection of all outputs agree to 1e-12, by every input. */
export async function expectGradientOfBody<A extends object>(
  op: Composite<string, A>,
  inputs: readonly Tensor[],
  attributes: A,
): Promise<void> {
  expect(op.gradient, `${op.name} declares a gradient`).toBeTypeOf("function");
  const { gradient: _, ...derived } = op;
  const [declared, expected] = [op, derived].map((each) => {
    const parts = applyAll<A>(each, inputs, attributes).map((y, i) =>
      y.mul(seededTensor(y.shape, 301 + i)).sum(),
    );
    return gradients(
      parts.reduce((sum, part) => sum.add(part)),
      inputs,
    );
  });
  for (const i of inputs.keys()) {
    const [got, wanted] = [await declared![i]!.data(), await expected![i]!.data()];
    expect(difference(got as Float64Array, wanted as Float64Array), `${op.name}, input ${i}`).toBeLessThan(
      1e-12,
    );
  }
}
