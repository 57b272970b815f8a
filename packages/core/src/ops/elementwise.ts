// Element-wise arithmetic: one input or two, broadcast against each other.
import { broadcast, type Broadcast, type Fits, type Shape } from "@convoke/shape";
import { isFloat, type DType } from "../dtype.js";
import { apply } from "../graph/apply.js";
import type { Tensor } from "../tensor.js";
import { primitive, type GradientRule, type Primitive } from "./definition.js";
import type { Elementwise, SameDType } from "./operands.js";
import { floatDType, numericDType, sameDType, signedDType } from "./dtype-rules.js";
import { elementwiseKernel, type ElementFunction } from "./kernel-loops.js";
import { erf as erfNumber, roundHalfEven } from "./special-functions.js";
import type { TensorSpec } from "../graph/node.js";

type NoAttributes = {
  readonly [key: string]: never;
};

type UnaryGradient = (parts: { x: Tensor; y: Tensor; g: Tensor }) => Tensor;

function unary<N extends string>(
  name: N,
  fn: ElementFunction,
  gradient: UnaryGradient | "none",
  accepts: (operation: string, spec: TensorSpec) => DType,
): Primitive<N, NoAttributes> {
  const rule: GradientRule<NoAttributes> | "none" =
    gradient === "none"
      ? "none"
      : ({ inputs: [x], outputs: [y], gradients: [g] }) => [gradient({ x: x!, y: y!, g: g! })];
  return primitive({
    name,
    infer: (operation, [x]) => [{ shape: x!.shape, dtype: accepts(operation, x!) }],
    gradient: rule,
    reference: elementwiseKernel(fn),
  });
}

type BinaryGradient = (parts: { a: Tensor; b: Tensor; y: Tensor; g: Tensor }) => Tensor;

function binary<N extends string>(
  name: N,
  fn: ElementFunction,
  gradients: readonly [BinaryGradient | "none", BinaryGradient | "none"],
): Primitive<N, NoAttributes> {
  return primitive({
    name,
    infer: (operation, [a, b]) => {
      const dtype = sameDType(operation, [a!, b!]);
      numericDType(operation, a!);
      return [{ shape: broadcast(operation, a!.shape, b!.shape), dtype }];
    },
    gradient: ({ inputs: [a, b], outputs: [y], gradients: [g], needs }) =>
      gradients.map((gradient, i) => {
        if (gradient === "none" || needs[i] !== true) return undefined;
        return gradient({ a: a!, b: b!, y: y!, g: g! }).sumTo((i === 0 ? a : b)!.shape);
      }),
    reference: elementwiseKernel(fn),
  });
}

/** 1 where a wins, 1/2 where both are equal, 0 where b wins: the subgradient that PyTorch uses for max and min. */
function share(winner: Tensor<Shape, "bool">, a: Tensor, b: Tensor): Tensor {
  return winner.cast(a.dtype).add(a.equal(b).cast(a.dtype).mul(0.5));
}

function truncatedDivision(a: number, b: number): number {
  return a / b;
}

export const elementwiseOps = {
  neg: unary("neg", { number: (x) => -x, bigint: (x) => -x }, ({ g }) => g.neg(), signedDType),
  abs: unary(
    "abs",
    { number: Math.abs, bigint: (x) => (x < 0n ? -x : x) },
    ({ x, g }) => g.mul(x.sign()),
    numericDType,
  ),
  sign: unary(
    "sign",
    { number: Math.sign, bigint: (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n) },
    "none",
    numericDType,
  ),
  floor: unary("floor", { number: Math.floor }, "none", floatDType),
  ceil: unary("ceil", { number: Math.ceil }, "none", floatDType),
  round: unary("round", { number: roundHalfEven }, "none", floatDType),
  exp: unary("exp", { number: Math.exp }, ({ y, g }) => g.mul(y), floatDType),
  expm1: unary("expm1", { number: Math.expm1 }, ({ y, g }) => g.mul(y.add(1)), floatDType),
  log: unary("log", { number: Math.log }, ({ x, g }) => g.div(x), floatDType),
  log1p: unary("log1p", { number: Math.log1p }, ({ x, g }) => g.div(x.add(1)), floatDType),
  sqrt: unary("sqrt", { number: Math.sqrt }, ({ y, g }) => g.div(y.mul(2)), floatDType),
  sin: unary("sin", { number: Math.sin }, ({ x, g }) => g.mul(x.cos()), floatDType),
  cos: unary("cos", { number: Math.cos }, ({ x, g }) => g.mul(x.sin()).neg(), floatDType),
  tanh: unary("tanh", { number: Math.tanh }, ({ y, g }) => g.mul(y.mul(y).neg().add(1)), floatDType),
  // d erf(x)/dx = 2/√π · exp(−x²)
  erf: unary(
    "erf",
    { number: erfNumber },
    ({ x, g }) =>
      g.mul(
        x
          .mul(x)
          .neg()
          .exp()
          .mul(2 / Math.sqrt(Math.PI)),
      ),
    floatDType,
  ),

  add: binary("add", { number: (a, b) => a + b, bigint: (a, b) => a + b }, [({ g }) => g, ({ g }) => g]),
  sub: binary("sub", { number: (a, b) => a - b, bigint: (a, b) => a - b }, [
    ({ g }) => g,
    ({ g }) => g.neg(),
  ]),
  mul: integerAware(
    binary("mul", { number: (a, b) => a * b, bigint: (a, b) => a * b }, [
      ({ b, g }) => g.mul(b),
      ({ a, g }) => g.mul(a),
    ]),
    // A product of two 32-bit integers does not fit into a double.
    Math.imul,
  ),
  /** Integers divide towards zero; integer division by zero gives zero. */
  div: integerAware(
    binary("div", { number: truncatedDivision, bigint: (a, b) => (b === 0n ? 0n : a / b) }, [
      ({ b, g }) => g.div(b),
      ({ b, y, g }) => g.mul(y).div(b).neg(),
    ]),
    (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
  ),
  /** The remainder has the sign of the divisor, as in Python; its gradient passes through a, and −⌊a/b⌋ through b. */
  mod: integerAware(
    binary("mod", { number: floorMod, bigint: (a, b) => (b === 0n ? 0n : ((a % b) + b) % b) }, [
      ({ g }) => g,
      ({ a, b, g }) => g.mul(a.div(b).floor()).neg(),
    ]),
    (a, b) => (b === 0 ? 0 : floorMod(a, b)),
  ),
  // d aᵇ/da = b·aᵇ⁻¹; d aᵇ/db = aᵇ·ln a, and 0 where a = 0 (the limit for b > 0).
  pow: binary(
    "pow",
    { number: (a, b) => a ** b, bigint: (a, b) => (b < 0n ? (a === 1n ? 1n : 0n) : a ** b) },
    [
      ({ a, b, g }) => g.mul(b.equal(0).where(a.literal(0), b.mul(a.pow(b.sub(1))))),
      ({ a, y, g }) => {
        const isZero = a.equal(0);
        return g.mul(isZero.where(a.literal(0), y.mul(isZero.where(a.literal(1), a).log())));
      },
    ],
  ),
  maximum: binary("maximum", { number: Math.max, bigint: (a, b) => (a > b ? a : b) }, [
    ({ a, b, g }) => g.mul(share(b.less(a), a, b)),
    ({ a, b, g }) => g.mul(share(a.less(b), a, b)),
  ]),
  minimum: binary("minimum", { number: Math.min, bigint: (a, b) => (a < b ? a : b) }, [
    ({ a, b, g }) => g.mul(share(a.less(b), a, b)),
    ({ a, b, g }) => g.mul(share(b.less(a), a, b)),
  ]),
};

function floorMod(a: number, b: number): number {
  const remainder = a % b;
  return remainder !== 0 && remainder < 0 !== b < 0 ? remainder + b : remainder;
}

/** Gives a binary op its own arithmetic on 32-bit and smaller integers. */
function integerAware<N extends string>(
  op: Primitive<N, NoAttributes>,
  integer: (a: number, b: number) => number,
): Primitive<N, NoAttributes> {
  const integers = elementwiseKernel({ number: integer });
  return {
    ...op,
    reference: (inputs, outputs, attributes) => {
      const dtype = outputs[0]!.dtype;
      (isFloat(dtype) || dtype === "int64" ? op.reference : integers)(inputs, outputs, attributes);
    },
  };
}

const none: NoAttributes = {};

type Unary = <S extends Shape, D extends DType>(x: Tensor<S, D>) => Tensor<S, D>;

function unaryFunction(op: Primitive<string, NoAttributes>): Unary {
  return <S extends Shape, D extends DType>(x: Tensor<S, D>) => apply(op, [x], none) as Tensor<S, D>;
}

type Binary<Op extends string> = <
  S extends Shape,
  D extends DType,
  T extends Shape = [],
  E extends DType = D,
>(
  a: Tensor<S, D>,
  b: (Fits<SameDType<D, E, Broadcast<S, T, Op>, Op>> & Tensor<T, E>) | number | bigint,
) => Tensor<Elementwise<S, T, Op>, D>;

function binaryFunction<Op extends string>(op: Primitive<Op, NoAttributes>): Binary<Op> {
  return <S extends Shape, D extends DType, T extends Shape, E extends DType>(
    a: Tensor<S, D>,
    b: (Fits<SameDType<D, E, Broadcast<S, T, Op>, Op>> & Tensor<T, E>) | number | bigint,
  ) => apply(op, [a, a.operand(b)], none) as Tensor<Elementwise<S, T, Op>, D>;
}

/** −x. */
export const neg = unaryFunction(elementwiseOps.neg);
/** |x|; its gradient at 0 is 0. */
export const abs = unaryFunction(elementwiseOps.abs);
/** −1, 0 or 1; no gradient. */
export const sign = unaryFunction(elementwiseOps.sign);
/** The largest integer ≤ x; no gradient. */
export const floor = unaryFunction(elementwiseOps.floor);
/** The smallest integer ≥ x; no gradient. */
export const ceil = unaryFunction(elementwiseOps.ceil);
/** The nearest integer, halves to the even one (IEEE 754, ONNX `Round`); no gradient. */
export const round = unaryFunction(elementwiseOps.round);
/** eˣ. */
export const exp = unaryFunction(elementwiseOps.exp);
/** eˣ − 1, exact for small x. */
export const expm1 = unaryFunction(elementwiseOps.expm1);
/** The natural logarithm. */
export const log = unaryFunction(elementwiseOps.log);
/** ln(1 + x), exact for small x. */
export const log1p = unaryFunction(elementwiseOps.log1p);
/** √x. */
export const sqrt = unaryFunction(elementwiseOps.sqrt);
/** sin x, x in radians. */
export const sin = unaryFunction(elementwiseOps.sin);
/** cos x, x in radians. */
export const cos = unaryFunction(elementwiseOps.cos);
/** The hyperbolic tangent. */
export const tanh = unaryFunction(elementwiseOps.tanh);
/** The error function, 2/√π ∫₀ˣ exp(−t²) dt. */
export const erf = unaryFunction(elementwiseOps.erf);

/** a + b, broadcast. */
export const add = binaryFunction(elementwiseOps.add);
/** a − b, broadcast. */
export const sub = binaryFunction(elementwiseOps.sub);
/** a · b, broadcast. */
export const mul = binaryFunction(elementwiseOps.mul);
/** a / b, broadcast; integers divide towards zero. */
export const div = binaryFunction(elementwiseOps.div);
/** The remainder of a / b with the sign of b, broadcast. */
export const mod = binaryFunction(elementwiseOps.mod);
/** aᵇ, broadcast. */
export const pow = binaryFunction(elementwiseOps.pow);
/** The larger of a and b; where they are equal each gets half of the gradient. NaN wins. */
export const maximum = binaryFunction(elementwiseOps.maximum);
/** The smaller of a and b; where they are equal each gets half of the gradient. NaN wins. */
export const minimum = binaryFunction(elementwiseOps.minimum);

/** x². */
export function square<S extends Shape, D extends DType>(x: Tensor<S, D>): Tensor<S, D> {
  return apply(elementwiseOps.mul, [x, x], none) as Tensor<S, D>;
}
