// Seeded numbers for tests: the same in every run.
import { shapeSize, type Shape } from "@convoke/shape";
import { tensor, type Tensor } from "@convoke/core";

/** Numbers in [0, 1) from a seed: the mulberry32 generator (Tommy Ettinger, public domain). */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A float64 tensor of numbers in [−1, 1). */
export function seededTensor(shape: Shape, seed = 1): Tensor<Shape, "float64"> {
  const next = seededNumbers(seed);
  return tensor(
    Float64Array.from({ length: shapeSize(shape) }, () => 2 * next() - 1),
    { shape },
  );
}

/** A float64 tensor of distinct numbers at least 0.01 apart, shuffled: no ties, and none within a small step. */
export function distinctTensor(shape: Shape, seed = 1): Tensor<Shape, "float64"> {
  const next = seededNumbers(seed);
  const size = shapeSize(shape);
  const order = Array.from({ length: size }, (_, i) => ({ i, key: next() })).sort((a, b) => a.key - b.key);
  return tensor(
    Float64Array.from(order, ({ i }) => 0.013 * (i - size / 2) + 0.005),
    { shape },
  );
}
