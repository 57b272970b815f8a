// Numbers below 2⁻¹²⁶, which a device may take for 0.
import type { TypedArray } from "@convoke/core";

/** The smallest float32 with all its digits. */
const SMALLEST_NORMAL = 2 ** -126;

function isSubnormal(value: number): boolean {
  return value !== 0 && Math.abs(value) < SMALLEST_NORMAL;
}

export function hasSubnormals(data: TypedArray): boolean {
  return data instanceof Float32Array && data.some(isSubnormal);
}

/** A copy with zeros of the same signs in their place. */
export function withoutSubnormals(data: TypedArray): TypedArray {
  if (!(data instanceof Float32Array)) return data;
  return data.map((value) => (isSubnormal(value) ? 0 * value : value));
}

/** Of each element the one of two right answers that `got` is nearer to; the first where it is neither. */
export function nearerOf(got: TypedArray, kept: TypedArray, flushed: TypedArray): TypedArray {
  const wanted = kept.slice();
  for (let i = 0; i < wanted.length; i++) {
    if (distance(got[i], flushed[i]) < distance(got[i], kept[i])) wanted[i] = flushed[i]!;
  }
  return wanted;
}

function distance(a: number | bigint | undefined, b: number | bigint | undefined): number {
  if (Object.is(a, b)) return 0;
  const difference = Math.abs(Number(a) - Number(b));
  // Zeros of different signs are not the same, and NaN is far from every number.
  return difference > 0 ? difference : difference === 0 ? Number.MIN_VALUE : Infinity;
}
