// Inputs of cases: described by a rule and a seed, so that the suite ships no data and gives every backend the same.
import {
  allocate,
  dtypes,
  hostFoldInPath,
  hostKey,
  hostUniform,
  isFloat,
  type DType,
  type TypedArray,
} from "@convoke/core";
import { float16ToFloat32, float32ToFloat16 } from "@convoke/core/float16";
import { shapeSize, type Shape } from "@convoke/shape";

/** How the elements of an input are made. Floating-point numbers are exact in float32, in float64 too. */
export type Fill =
  /** Uniform in [min, max]; whole numbers up to 9 (from 1 on where min is positive) in integer types; random truth values. */
  | { readonly kind: "uniform"; readonly min: number; readonly max: number }
  /** Uniform whole numbers from min to max, in every type. */
  | { readonly kind: "whole"; readonly min: number; readonly max: number }
  /** Distinct numbers in random order, at least 0.01 apart: no ties. Distinct small integers as long as there are any. */
  | { readonly kind: "distinct" }
  /** The given numbers, again and again. */
  | { readonly kind: "values"; readonly values: readonly (number | bigint)[] }
  /** Where the element type ends: infinities, NaN, denormals, the largest and smallest numbers, −0. */
  | { readonly kind: "extremes" };

export interface Input {
  readonly shape: Shape;
  readonly fill: Fill;
  /** Left out, it is the element type of the case. */
  readonly dtype?: DType;
}

/** Uniform numbers in [min, max]. */
export function real(shape: Shape, min = -1, max = 1): Input {
  return { shape, fill: { kind: "uniform", min, max } };
}

/** Distinct numbers: nothing ties, and small steps change no order. */
export function distinct(shape: Shape): Input {
  return { shape, fill: { kind: "distinct" } };
}

/** Exactly these numbers, repeated until the shape is full. */
export function values(shape: Shape, list: readonly (number | bigint)[]): Input {
  return { shape, fill: { kind: "values", values: list } };
}

/** The numbers at the ends of the element type. */
export function extremes(shape: Shape): Input {
  return { shape, fill: { kind: "extremes" } };
}

/** Whole numbers of a type of their own: indices, keys, truth values. */
export function whole(dtype: DType, shape: Shape, [min, max]: readonly [number, number]): Input {
  return { shape, fill: { kind: "whole", min, max }, dtype };
}

/** Exactly these indices. */
export function indices(shape: Shape, list: readonly number[]): Input {
  return { shape, fill: { kind: "values", values: list }, dtype: "int32" };
}

/** The ends of a type: two large numbers, the largest, the smallest normal one, and two below it. */
function floatExtremes(ends: readonly [number, number, number, number, number, number]): readonly number[] {
  return [0, -0, 1, -1.5, NaN, Infinity, -Infinity, ...ends, 0.5];
}

const single = floatExtremes([1e38, -1e38, 3.4028234663852886e38, 1.1754943508222875e-38, 1e-40, -1e-40]);

const endsOf: Readonly<Record<DType, readonly (number | bigint)[]>> = {
  float16: floatExtremes([40000, -40000, 65504, 2 ** -14, 2 ** -20, -(2 ** -20)]),
  float32: single,
  float64: single,
  int64: [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, -(2n ** 53n) - 1n, 3037000500n, 7n],
  int32: [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 65537, -46341, 2 ** 24 + 1, 7],
  uint32: [0, 1, 2 ** 32 - 1, 2 ** 31, 65537, 2 ** 24 + 1, 7],
  int8: [0, 1, -1, 127, -128, 100, -100, 16, 7],
  uint8: [0, 1, 255, 128, 200, 16, 7],
  bool: [0, 1],
};

/** How many numbers `extremes` goes through before it repeats them, in the type that has most. */
export const EXTREME_COUNT = single.length;

/** The elements of an input in an element type. The same `seed` gives the same elements everywhere. */
export function elementsOf(input: Input, dtype: DType, seed: string): TypedArray {
  const count = shapeSize(input.shape);
  const random = hostUniform(hostFoldInPath(hostKey(1), seed), count);
  const data = allocate(dtype, count);
  const list = numbersOf(input.fill, dtype, random);
  for (let i = 0; i < count; i++) {
    const value = list(i);
    data[i] = (
      dtype === "int64" ? BigInt(value) : isFloat(dtype) ? Math.fround(Number(value)) : value
    ) as never;
  }
  return dtype === "float16" ? float16ToFloat32(float32ToFloat16(data as Float32Array)) : data;
}

function numbersOf(fill: Fill, dtype: DType, random: Float64Array): (i: number) => number | bigint {
  switch (fill.kind) {
    case "values": {
      const { values } = fill;
      // A bool is 0 or 1.
      if (dtype === "bool") return (i) => Number(Number(values[i % values.length]) !== 0);
      return (i) => values[i % values.length]!;
    }
    case "extremes": {
      const list = endsOf[dtype];
      return (i) => list[i % list.length]!;
    }
    case "whole":
      return wholeNumbers(fill.min, fill.max, random);
    case "uniform":
      if (isFloat(dtype)) return (i) => fill.min + random[i]! * (fill.max - fill.min);
      if (dtype === "bool") return wholeNumbers(0, 1, random);
      return wholeNumbers(fill.min > 0 ? 1 : dtypes[dtype].kind === "signed" ? -9 : 0, 9, random);
    case "distinct": {
      const order = Array.from(random.keys()).sort((i, j) => random[i]! - random[j]!);
      const half = Math.floor(order.length / 2);
      if (isFloat(dtype)) return (i) => 0.013 * (order[i]! - half) + 0.005;
      if (dtype === "bool") return (i) => order[i]! % 2;
      return (i) => order[i]! - (dtypes[dtype].kind === "signed" ? half : 0);
    }
  }
}

function wholeNumbers(min: number, max: number, random: Float64Array): (i: number) => number {
  return (i) => min + Math.floor(random[i]! * (max - min + 1));
}
