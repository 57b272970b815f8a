// The project's measure of a difference, and the comparison of results by it.
import { isFloat, type DType, type TypedArray } from "@convoke/core";
import { ConformanceFailure, expectThat } from "./failure.js";
import type { Comparison } from "./op-case.js";

export interface Agreement {
  readonly compare: Comparison;
  readonly tolerance: number;
}

/**
 * max|a − b| / max(1, max|b|), the measure of every difference in this project. NaN equals NaN and infinities equal
 * themselves; a number against either is infinitely far off, and so are arrays of different lengths.
 *
 * @example
 * ```ts
 * import { difference } from "@convoke/conformance";
 *
 * console.log(difference(Float32Array.of(1, 4.5), Float32Array.of(1, 4))); // 0.125
 * ```
 */
export function difference(a: TypedArray, b: TypedArray): number {
  return measure(a, b, () => 1) / largestMagnitude(b);
}

/** The largest |a − b| / max(1, |b|) of all elements. */
export function eachDifference(a: TypedArray, b: TypedArray): number {
  return measure(a, b, (value) => Math.max(1, Math.abs(value)));
}

function measure(a: TypedArray, b: TypedArray, scaleOf: (value: number) => number): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    const [p, q] = [Number(a[i]), Number(b[i])];
    if (p === q || (p !== p && q !== q)) continue;
    if (!Number.isFinite(p) || !Number.isFinite(q)) return Infinity;
    largest = Math.max(largest, Math.abs(p - q) / scaleOf(q));
  }
  return largest;
}

function largestMagnitude(data: TypedArray): number {
  let largest = 1;
  for (const element of data) {
    const magnitude = Math.abs(Number(element));
    if (magnitude > largest && magnitude < Infinity) largest = magnitude;
  }
  return largest;
}

/** Throws unless `got` agrees with `expected`: numbers of other than floating-point types always exactly. */
export function expectAgreement(
  what: string,
  { got, expected, dtype }: { got: TypedArray; expected: TypedArray; dtype: DType },
  { compare, tolerance }: Agreement,
): void {
  expectThat(
    got.length === expected.length,
    `${what} has ${got.length} elements instead of ${expected.length}.`,
  );
  if (!isFloat(dtype) || compare === "exact" || compare === "bits") {
    const isSame = (i: number): boolean =>
      Object.is(got[i], expected[i]) || (compare !== "bits" && got[i] === expected[i]);
    const at = got.findIndex((_: unknown, i: number) => !isSame(i));
    if (at >= 0)
      throw new ConformanceFailure(
        `${what}: element ${at} is ${show(got[at])}, it must be ${show(expected[at])}.`,
      );
    return;
  }
  const distance = compare === "each" ? eachDifference(got, expected) : difference(got, expected);
  if (distance <= tolerance) return;
  const at = farthest(got, expected);
  throw new ConformanceFailure(
    `${what} differs by ${distance.toExponential(2)}, at most ${tolerance.toExponential(0)} is allowed; ` +
      `element ${at} is ${show(got[at])}, the reference gives ${show(expected[at])}.`,
  );
}

function farthest(a: TypedArray, b: TypedArray): number {
  let [at, largest] = [0, -1];
  for (let i = 0; i < a.length; i++) {
    const [p, q] = [Number(a[i]), Number(b[i])];
    const distance = p === q || (p !== p && q !== q) ? 0 : Math.abs(p - q);
    if (distance > largest || distance !== distance)
      [at, largest] = [i, distance === distance ? distance : Infinity];
  }
  return at;
}

function show(value: number | bigint | undefined): string {
  return Object.is(value, -0) ? "-0" : String(value);
}
