// Compares gradients with finite differences, in float64 on the reference backend: first and second derivatives.
import { gradients, tensor, type Tensor } from "@convoke/core";
import { shapeSize, type Shape } from "@convoke/shape";
import { expect } from "vitest";
import { seededTensor } from "./seeded-numbers.js";

type Float64Tensor = Tensor<Shape, "float64">;

/** The project's measure of a difference: max|a − b| / max(1, max|b|). NaN and length mismatches are infinite. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let [largest, scale] = [0, 1];
  for (let i = 0; i < b.length; i++) {
    const [p, q] = [a[i]!, b[i]!];
    if (p === q || (Number.isNaN(p) && Number.isNaN(q))) continue;
    const distance = Math.abs(p - q);
    largest = Number.isNaN(distance) ? Infinity : Math.max(largest, distance);
    scale = Math.max(scale, Math.abs(q));
  }
  return largest / scale;
}

export interface Tolerances {
  readonly first: number;
  readonly second: number;
}

const STEP = 1e-4;

/**
 * Checks the gradient of a random function of `fn`, and the gradient of a random projection of that gradient, by
 * differences of fourth order. `fn` gives one tensor or several; it must be smooth within 2e-4 of the inputs.
 */
export async function checkGradients(
  fn: (...inputs: Tensor[]) => Tensor | readonly Tensor[],
  inputs: readonly Float64Tensor[],
  { first, second }: Tolerances = { first: 1e-6, second: 1e-5 },
): Promise<void> {
  const project = (x: readonly Tensor[]): Tensor => {
    const result = fn(...x);
    const outputs = "shape" in result ? [result] : result;
    // With the squares in, the gradient that arrives at fn depends on the inputs: the second derivative then passes
    // through the gradient rule by that gradient too, and not only by the inputs.
    const parts = outputs.map((output, i) => {
      const weights = seededTensor(output.shape, 101 + i);
      return output.mul(weights).add(output.mul(output).mul(0.4)).sum();
    });
    return parts.reduce((sum, part) => sum.add(part));
  };
  const projectGradient = (x: readonly Tensor[]): Tensor => {
    const parts = gradients(project(x), x).map((g, i) => g.mul(seededTensor(g.shape, 201 + i)).sum());
    return parts.reduce((sum, part) => sum.add(part));
  };
  await compare(project, inputs, { tolerance: first, what: "first derivative" });
  await compare(projectGradient, inputs, { tolerance: second, what: "second derivative" });
}

async function compare(
  scalar: (x: readonly Tensor[]) => Tensor,
  inputs: readonly Float64Tensor[],
  { tolerance, what }: { tolerance: number; what: string },
): Promise<void> {
  const analytic = gradients(scalar(inputs), inputs);
  for (const [i, input] of inputs.entries()) {
    const numeric = await numericGradient((x) => scalar(inputs.with(i, x)), input);
    const got = (await analytic[i]!.data()) as Float64Array;
    expect(difference(got, numeric), `${what} by input ${i}`).toBeLessThanOrEqual(tolerance);
  }
}

/** (8(f(x + h) − f(x − h)) − (f(x + 2h) − f(x − 2h))) / 12h for each element: the error is of order h⁴. */
async function numericGradient(
  scalar: (x: Float64Tensor) => Tensor,
  input: Float64Tensor,
): Promise<Float64Array> {
  const base = await input.data();
  const result = new Float64Array(shapeSize(input.shape));
  for (let i = 0; i < result.length; i++) {
    const at = async (step: number): Promise<number> => {
      const moved = base.slice();
      moved[i]! += step;
      return Number((await scalar(tensor(moved, { shape: input.shape })).data())[0]);
    };
    const near = (await at(STEP)) - (await at(-STEP));
    const far = (await at(2 * STEP)) - (await at(-2 * STEP));
    result[i] = (8 * near - far) / (12 * STEP);
  }
  return result;
}
