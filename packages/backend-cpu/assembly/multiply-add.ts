// The one place where the two builds differ.

/** a·b + c: rounded once in the relaxed build, twice in the plain one. */
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** c − a·b: the same as `multiplyAdd(−a, b, c)`. */
export function multiplySubtract(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, c);
  return f32x4.sub(c, f32x4.mul(a, b));
}

/** The sum of the lanes, in a fixed order. */
export function sumLanes(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) +
    f32x4.extract_lane(v, 1) +
    (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

/** Adds nine vectors of sums to those that stand one behind the other. */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function addNineSums(
  at: usize,
  s0: v128,
  s1: v128,
  s2: v128,
  s3: v128,
  s4: v128,
  s5: v128,
  s6: v128,
  s7: v128,
  s8: v128,
): void {
  v128.store(at, f32x4.add(v128.load(at), s0));
  v128.store(at, f32x4.add(v128.load(at, 16), s1), 16);
  v128.store(at, f32x4.add(v128.load(at, 32), s2), 32);
  v128.store(at, f32x4.add(v128.load(at, 48), s3), 48);
  v128.store(at, f32x4.add(v128.load(at, 64), s4), 64);
  v128.store(at, f32x4.add(v128.load(at, 80), s5), 80);
  v128.store(at, f32x4.add(v128.load(at, 96), s6), 96);
  v128.store(at, f32x4.add(v128.load(at, 112), s7), 112);
  v128.store(at, f32x4.add(v128.load(at, 128), s8), 128);
}
