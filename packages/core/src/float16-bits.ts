/**
 * The bits of half-precision numbers (IEEE 754 binary16): what files hold, and devices. Rounding is to nearest, ties to even.
 *
 * @packageDocumentation
 */

const scratch = new DataView(new ArrayBuffer(4));

function bitsOfFloat32(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

function float32OfBits(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

/**
 * The values of half-precision floats (1 sign, 5 exponent, 10 fraction bits), exactly.
 *
 * @example
 * ```ts
 * import { float16ToFloat32 } from "@convoke/core/float16";
 *
 * console.log(float16ToFloat32(Uint16Array.of(0x3c00, 0xc100))); // 1, -2.5
 * ```
 */
export function float16ToFloat32(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, float16Value);
}

function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The bits of float32 numbers, rounded to half precision; beyond ±65520 they are those of an infinity. */
export function float32ToFloat16(values: ArrayLike<number>): Uint16Array {
  return Uint16Array.from(values, float16Bits);
}

function float16Bits(value: number): number {
  const bits = bitsOfFloat32(value);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 lies half way between the largest half and the next power of two, and ties go up there.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // Below 2^-14 a half is a multiple of 2^-24; the float32 addition does the rounding.
  if (magnitude < 0x38800000) return sign | (bitsOfFloat32(float32OfBits(magnitude) + 0.5) - 0x3f000000);
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}
