// The recorded outputs of ops (PyTorch 1.13), and what tests of layers compare with them.
import { readFileSync } from "node:fs";
import { tensor, type Tensor } from "@convoke/core";
import { expect } from "vitest";

export interface Values {
  readonly shape: number[];
  readonly data: number[];
}

export interface Case {
  readonly name: string;
  readonly attrs: Record<string, unknown>;
  readonly inputs: Record<string, Values>;
  readonly output: Values;
}

const cases = JSON.parse(
  readFileSync(new URL("../../../tooling/vectors/ops.json", import.meta.url), "utf8"),
) as Case[];
/** The cases of one op. */
export const casesOf = (name: string) => cases.filter((entry) => entry.name === name);
/** A tensor of float32. */
export const of = ({ shape, data }: Values) => tensor(Float32Array.from(data), { shape });
/** The values of a tensor. */
export const numbers = async (x: Tensor) => Array.from((await x.data()) as Float32Array);

/** By DESIGN's measure: max|a − b| / max(1, max|b|). */
export async function expectClose(
  x: Tensor | { data(): Promise<unknown> },
  wanted: readonly number[],
): Promise<void> {
  const actual = (await x.data()) as Float32Array;
  expect(actual.length).toBe(wanted.length);
  const scale = Math.max(1, ...wanted.map(Math.abs));
  expect(Math.max(...wanted.map((value, i) => Math.abs(value - actual[i]!))) / scale).toBeLessThanOrEqual(
    1e-5,
  );
}
