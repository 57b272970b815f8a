// Conversions between float32 and the 16 bits of bfloat16. Rounding is to nearest, ties to even (IEEE 754).

/** The values of bfloat16 numbers (the upper half of a float32), exactly. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (half) => half << 16).buffer);
}

/** Rounds to bfloat16. */
export function float32ToBfloat16(values: ArrayLike<number>): Uint16Array {
  return Uint16Array.from(new Uint32Array(Float32Array.from(values).buffer), (bits) => {
    if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) & 0x8000) | 0x7fc0;
    return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  });
}
