// Half-precision numbers (IEEE 754 binary16) among doubles and in float32 arrays. Rounding is to nearest, ties to even.

/** Adding and subtracting it rounds a double below 2⁵¹ to a whole number. */
const ROUNDER = 1.5 * 2 ** 52;

/** The nearest half-precision number of a double; beyond ±65520 an infinity. */
export function roundToFloat16(value: number): number {
  const magnitude = Math.abs(value);
  if (!(magnitude < 65520)) return value * Infinity;
  // Should the logarithm miss a power of two by a hair, that power is a multiple of the other quantum, too.
  const quantum = 2 ** (Math.max(Math.floor(Math.log2(magnitude)), -14) - 10);
  // Of zeros the sign stays.
  return (value / quantum + ROUNDER - ROUNDER) * quantum || value * 0;
}

/** Rounds every element to half precision, in place. */
export function roundAllToFloat16(data: Float32Array): void {
  for (let i = 0; i < data.length; i++) data[i] = roundToFloat16(data[i]!);
}
