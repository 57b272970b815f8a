// Derivatives of the reference backend against finite differences, in double precision.
import type { Backend, Tensor, TypedArray } from "@convoke/core";
import { difference } from "./compare-arrays.js";
import { expectThat } from "./failure.js";
import { hostProgram } from "./run-graph.js";

const STEP = 1e-4;
/** Elements of an input that are moved; of larger inputs a spread of that many. */
const MOVED = 16;

interface Differentiated {
  readonly scalar: Tensor;
  readonly inputs: readonly Tensor[];
  readonly data: readonly TypedArray[];
  /** Of the scalar by each floating-point input, in their order. */
  readonly gradients: readonly TypedArray[];
}

/** (8(f(x + h) − f(x − h)) − (f(x + 2h) − f(x − 2h))) / 12h for some elements of each input: the error is of order h⁴. */
export async function expectFiniteDifferences(
  backend: Backend,
  { scalar, inputs, data, gradients }: Differentiated,
  tolerance: number,
): Promise<void> {
  const program = await hostProgram(backend, { inputs, outputs: [scalar] });
  try {
    const positions = data.flatMap((array, i) => (array instanceof Float64Array ? [i] : []));
    for (const [k, input] of positions.entries()) {
      const base = data[input] as Float64Array;
      const at = async (element: number, step: number): Promise<number> => {
        const moved = base.slice();
        moved[element]! += step;
        return Number((await program.run(data.with(input, moved)))[0]![0]);
      };
      const elements = spread(base.length);
      const numeric = new Float64Array(elements.length);
      for (const [j, element] of elements.entries()) {
        const near = (await at(element, STEP)) - (await at(element, -STEP));
        const far = (await at(element, 2 * STEP)) - (await at(element, -2 * STEP));
        numeric[j] = (8 * near - far) / (12 * STEP);
      }
      const analytic = Float64Array.from(elements, (element) => Number(gradients[k]![element]));
      const distance = difference(analytic, numeric);
      expectThat(
        distance <= tolerance,
        `The gradient by input ${input} differs from finite differences by ${distance.toExponential(2)}, ` +
          `at most ${tolerance.toExponential(0)} is allowed.`,
      );
    }
  } finally {
    program.dispose();
  }
}

/** All of a few elements, else a spread over them. */
function spread(count: number): number[] {
  const moved = Math.min(count, MOVED);
  return Array.from({ length: moved }, (_, i) => Math.floor((i * count) / moved));
}
