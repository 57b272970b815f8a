// Random numbers as pure functions of a key: the same key gives the same bits on every backend.
import {
  assertShape,
  formatShape,
  ShapeError,
  type Fits,
  type Literal,
  type Ok,
  type Shape,
} from "@convoke/shape";
import type { FloatDType } from "../dtype.js";
import { DTypeError } from "../errors.js";
import { apply } from "../graph/apply.js";
import type { TensorSpec } from "../graph/node.js";
import { describeOperation } from "../graph/scope.js";
import { centralCoefficients, centralLimit, tailCoefficients } from "../random/inverse-erf.js";
import { derivedKey, fillBits, fnv1a, wholeWord, type Derivation, type Words } from "../random/threefry.js";
import type { Tensor } from "../tensor.js";
import { composite, primitive, type HostArray } from "./definition.js";

/** A random key: two uint32 words. */
export type Key = Tensor<Shape, "uint32">;

export interface RandomBitsAttributes {
  readonly shape: Shape;
}

export interface RandomAttributes extends RandomBitsAttributes {
  readonly dtype: FloatDType;
}

export interface FoldInAttributes {
  readonly purpose: Derivation;
}

function requireKey(operation: string, spec: TensorSpec): void {
  if (spec.dtype !== "uint32") {
    throw new DTypeError({
      operation,
      problem: `got a key of type ${spec.dtype}, but keys are uint32.`,
      wayOut: "Make the key with randomKey(seed), foldIn or splitKey.",
    });
  }
  if (spec.shape.length !== 1 || spec.shape[0] !== 2) {
    throw new ShapeError({
      operation,
      got: `the key has shape ${formatShape(spec.shape)}`,
      rule: ", a key is two words: [2].",
      wayOut: "Make the key with randomKey(seed), foldIn or splitKey.",
    });
  }
}

function requireWord(operation: string, spec: TensorSpec): void {
  if (spec.dtype === "uint32" && spec.shape.length === 0) return;
  throw new ShapeError({
    operation,
    got: `got a number of type ${spec.dtype} and shape ${formatShape(spec.shape)}`,
    rule: ", one number is folded in at a time: a uint32 scalar.",
    wayOut: 'Reshape it to [] and cast it with .cast("uint32").',
  });
}

function wordsOf(key: HostArray): Words {
  return [Number(key.data[0]), Number(key.data[1])];
}

/** The polynomial of `coefficients`, highest power first. */
function polynomial(x: Tensor, coefficients: readonly number[]): Tensor {
  return coefficients.slice(1).reduce<Tensor>((sum, c) => sum.mul(x).add(c), x.literal(coefficients[0]!));
}

const keyOnly = (operation: string, [key]: readonly TensorSpec[]): void => requireKey(operation, key!);

const randomBitsOp = primitive<"randomBits", RandomBitsAttributes>({
  name: "randomBits",
  infer: (operation, [key], { shape }) => {
    requireKey(operation, key!);
    assertShape(operation, shape);
    return [{ shape, dtype: "uint32" }];
  },
  gradient: "none",
  reference: ([key], [y]) => fillBits(wordsOf(key!), y!.data as Uint32Array),
});

/** The upper 24 bits of each word, as numbers: a float32 holds them exactly, a float16 does not. */
function upperBits(key: Tensor, { shape, dtype }: RandomAttributes): Tensor {
  return apply(randomBitsOp, [key], { shape })
    .div(256)
    .cast(dtype === "float16" ? "float32" : dtype);
}

export const randomOps = {
  /** Threefry-2x32, 20 rounds: element i is word i mod 2 of the block with the 64-bit counter ⌊i/2⌋. */
  randomBits: randomBitsOp,
  /** A new key from a key and a uint32 scalar: the block with the counter (n, 2³¹ + number of the purpose). */
  foldIn: primitive<"foldIn", FoldInAttributes>({
    name: "foldIn",
    infer: (operation, [key, n]) => {
      requireKey(operation, key!);
      requireWord(operation, n!);
      return [{ shape: [2], dtype: "uint32" }];
    },
    gradient: "none",
    reference: ([key, n], [y], { purpose }) => {
      (y!.data as Uint32Array).set(derivedKey(wordsOf(key!), Number(n!.data[0]), purpose));
    },
  }),
  /** Multiples of 2⁻²⁴ in [0, 1), equal on every backend and in all types; in float16 rounded, which may give 1. */
  randomUniform: composite<"randomUniform", RandomAttributes>({
    name: "randomUniform",
    check: keyOnly,
    body: ([key], attributes) =>
      upperBits(key!, attributes)
        .mul(2 ** -24)
        .cast(attributes.dtype),
    gradient: "none",
  }),
  /**
   * √2 · erf⁻¹(u), u the odd multiples of 2⁻²⁴ between −1 and 1. Unlike Box–Muller it needs no cosine, whose precision
   * differs widely between devices; 1 − u² is taken as (1 − |u|)(1 + |u|), which is exact to the last place in the tails,
   * also where a device takes the sums that make u, and these, in another order: it cannot across the magnitude.
   */
  randomNormal: composite<"randomNormal", RandomAttributes>({
    name: "randomNormal",
    check: keyOnly,
    body: ([key], attributes) => {
      const u = upperBits(key!, attributes)
        .sub(2 ** 23)
        .add(0.5)
        .mul(2 ** -23);
      const size = u.abs();
      const w = size.neg().add(1).mul(size.add(1)).log().neg();
      const central = polynomial(w.sub(2.5), centralCoefficients);
      const tail = polynomial(w.sqrt().sub(3), tailCoefficients);
      return w.less(centralLimit).where(central, tail).mul(u).mul(Math.SQRT2).cast(attributes.dtype);
    },
    gradient: "none",
  }),
};

/** Uniform random 32-bit words: a pure function of the key (Threefry-2x32, 20 rounds). */
export function randomBits(key: Key, shape: Shape): Tensor<Shape, "uint32"> {
  return apply(randomOps.randomBits, [key], { shape: [...shape] }) as Tensor<Shape, "uint32">;
}

export interface RandomOptions<D extends FloatDType = FloatDType> {
  readonly dtype?: D | undefined;
}

export interface UniformOptions<D extends FloatDType = FloatDType> extends RandomOptions<D> {
  /** The smallest value, 0 by default. */
  readonly min?: number | undefined;
  /** The upper end, itself excluded but for rounding; 1 by default. */
  readonly max?: number | undefined;
}

/**
 * Uniform random numbers in [min, max): a pure function of the key, equal on every backend.
 *
 * @example
 * ```ts
 * import { randomKey, randomUniform } from "@convoke/core";
 * const noise = randomUniform(randomKey(1), [2, 3], { min: -1, max: 1 });
 * console.log(noise.shape); // [2, 3]
 * ```
 */
export function randomUniform<D extends FloatDType = "float32", const S extends Shape = Shape>(
  key: Key,
  shape: Fits<Literal<S, "randomUniform">> & S,
  { min = 0, max = 1, dtype }: UniformOptions<D> = {},
): Tensor<Ok<Literal<S, "randomUniform">>, NoInfer<D>> {
  const attributes: RandomAttributes = { shape: [...shape], dtype: dtype ?? "float32" };
  const unit = apply(randomOps.randomUniform, [key], attributes);
  return (min === 0 && max === 1 ? unit : unit.mul(max - min).add(min)) as Tensor<
    Ok<Literal<S, "randomUniform">>,
    D
  >;
}

/**
 * Standard normal random numbers, up to ±5.4: a pure function of the key, within 4 units in the last place on every
 * backend.
 */
export function randomNormal<D extends FloatDType = "float32", const S extends Shape = Shape>(
  key: Key,
  shape: Fits<Literal<S, "randomNormal">> & S,
  { dtype }: RandomOptions<D> = {},
): Tensor<Ok<Literal<S, "randomNormal">>, NoInfer<D>> {
  const attributes: RandomAttributes = { shape: [...shape], dtype: dtype ?? "float32" };
  return apply(randomOps.randomNormal, [key], attributes) as Tensor<
    Ok<Literal<S, "randomNormal">>,
    NoInfer<D>
  >;
}

/** True with probability `p`, each element by itself. */
export function bernoulli(
  key: Key,
  shape: Shape,
  p: number | Tensor<Shape, "float32">,
): Tensor<Shape, "bool"> {
  return randomUniform(key, shape).less(p);
}

/**
 * The key of number `n` (0 to 2³² − 1) under `key`, for instance of a step: independent of all others.
 *
 * @example
 * ```ts
 * import { foldIn, randomKey, randomNormal } from "@convoke/core";
 * const key = randomKey(1);
 * for (let step = 0; step < 3; step++) randomNormal(foldIn(key, step), [4]);
 * ```
 */
export function foldIn(key: Key, n: number | Tensor): Tensor<[2], "uint32"> {
  const word =
    typeof n === "number" ? key.literal(wholeWord(describeOperation("foldIn"), n)) : n.cast("uint32");
  return derive(key, word, "number");
}

/** The key of a path such as `layer3.0.conv1` under `key`. */
export function foldInPath(key: Key, path: string): Tensor<[2], "uint32"> {
  return derive(key, key.literal(fnv1a(path)), "path");
}

/** `count` keys that are independent of each other and of `foldIn`. */
export function splitKey(key: Key, count = 2): Tensor<[2], "uint32">[] {
  return Array.from({ length: count }, (_, i) => derive(key, key.literal(i), "split"));
}

function derive(key: Key, n: Tensor, purpose: Derivation): Tensor<[2], "uint32"> {
  return apply(randomOps.foldIn, [key, n], { purpose }) as Tensor<[2], "uint32">;
}
