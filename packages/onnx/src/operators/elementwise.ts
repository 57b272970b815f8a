// Element-wise arithmetic.
import { dtypes, erf, expm1, hardTanh, isFloat, log1p, type DType, type Tensor } from "@convoke/core";
import { stepwise, type Converter, type NodeCall, type OperatorTable } from "../import/node-call.js";
import { operands } from "./broadcasting.js";

function unary(fn: (x: Tensor) => Tensor): Converter {
  return (call) => fn(call.x);
}

function binary(fn: (a: Tensor, b: Tensor) => Tensor): Converter {
  return (call) => fn(...operands(call));
}

function folded(fn: (a: Tensor, b: Tensor) => Tensor): Converter {
  return (call) => {
    const [first, ...rest] = call.inputs;
    return rest.reduce(fn, first ?? call.input(0));
  };
}

/** Coefficients of the rational approximation of (atan x − x)/x³ in x²: Cephes, atan.c (S. L. Moshier, 1984–2000). */
const ATAN_P = [
  -0.8750608600031904, -16.157537187333652, -75.00855792314705, -122.88666844901361, -64.85021904942025,
];
const ATAN_Q = [
  1, 24.858464901423062, 165.02700983169885, 432.88106049129027, 485.3903996359137, 194.5506571482614,
];

function polynomial(x: Tensor, coefficients: readonly number[]): Tensor {
  const [first, ...rest] = coefficients;
  let value: Tensor = x.literal(first!);
  for (const coefficient of rest) value = value.mul(x).add(coefficient);
  return value;
}

/** atan in the three ranges that Cephes reduces it from: to double precision, from arithmetic alone. */
function atan(x: Tensor): Tensor {
  const size = x.abs();
  const isLarge = size.greater(2.414213562373095);
  const isMiddle = size.greater(0.66);
  const middle = size.sub(1).div(size.add(1));
  const reduced = isLarge.where(size.literal(-1).div(size), isMiddle.where(middle, size));
  const square = reduced.mul(reduced);
  const series = square.mul(polynomial(square, ATAN_P)).div(polynomial(square, ATAN_Q));
  const start = isLarge.where(x.literal(Math.PI / 2), isMiddle.where(x.literal(Math.PI / 4), 0));
  return start.add(reduced.mul(series).add(reduced)).mul(x.sign());
}

function asin(x: Tensor): Tensor {
  return atan(x.div(x.neg().add(1).mul(x.add(1)).sqrt()));
}

function acos(x: Tensor): Tensor {
  return atan(x.neg().add(1).div(x.add(1)).sqrt()).mul(2);
}

/** sign(x)·ln(|x| + √(x² + 1)), without loss for small x. */
function asinh(x: Tensor): Tensor {
  const size = x.abs();
  const square = size.mul(size);
  return log1p(size.add(square.div(square.add(1).sqrt().add(1)))).mul(x.sign());
}

function acosh(x: Tensor): Tensor {
  const above = x.sub(1);
  return log1p(above.add(above.mul(above.add(2)).sqrt()));
}

/** The remainder with the sign of the dividend, as C's fmod has it. */
function truncatedRemainder(a: Tensor, b: Tensor): Tensor {
  if (dtypes[a.dtype].kind === "unsigned") return a.mod(b);
  const rest = a.abs().mod(b.abs());
  return a.less(0).where(rest.neg(), rest);
}

/** The result has the type of the base. Integers to a floating-point power are computed in float64. */
function pow(a: Tensor, b: Tensor): Tensor {
  if (a.dtype === b.dtype) return a.pow(b);
  if (isFloat(a.dtype) || !isFloat(b.dtype)) return a.pow(b.cast(a.dtype));
  return a.cast("float64").pow(b.cast("float64")).cast(a.dtype);
}

function clip(call: NodeCall): Tensor {
  const { x } = call;
  if (call.opset < 11) {
    const min = call.float("min", -Infinity);
    return bounded(x, min === -Infinity ? undefined : min, call.float("max"));
  }
  const [low, high] = [call.optional(1), call.optional(2)];
  const [min, max] = [call.fixedNumbers(1)?.[0], call.fixedNumbers(2)?.[0]];
  const isKnown = (low === undefined || min !== undefined) && (high === undefined || max !== undefined);
  if (isKnown && isFloat(x.dtype)) return bounded(x, min, max);
  const raised = low === undefined ? x : x.maximum(low.reshape([]));
  return high === undefined ? raised : raised.minimum(high.reshape([]));
}

function bounded(x: Tensor, min: number | undefined, max: number | undefined): Tensor {
  if (min !== undefined && max !== undefined && min <= max) return hardTanh(x, { min, max });
  const raised = min === undefined ? x : x.maximum(min);
  return max === undefined ? raised : raised.minimum(max);
}

function bitShift(call: NodeCall): Tensor {
  const [a, b] = operands(call);
  const direction = call.choice("direction", ["LEFT", "RIGHT"], "LEFT");
  if (dtypes[a.dtype].kind !== "unsigned")
    call.fail(`integers of type ${a.dtype}`, "only unsigned ones shift");
  const bits = dtypes[a.dtype].bytes * 8;
  const factor = a.literal(2).cast("float64").pow(b.cast("float64"));
  const shifted = a.cast("float64");
  const isOut = b.greaterEqual(bits);
  const value = direction === "LEFT" ? shifted.mul(factor).mod(2 ** bits) : shifted.div(factor).floor();
  return isOut.where(value.literal(0), value).cast(a.dtype);
}

function ofFloat(fn: (x: Tensor) => Tensor): Converter {
  return (call) => {
    const dtype: DType = call.x.dtype;
    return isFloat(dtype) ? fn(call.x) : call.fail(`elements of type ${dtype}`, "the operator takes floats");
  };
}

function inSteps(fn: (x: Tensor) => Tensor): Converter {
  return stepwise(ofFloat(fn));
}

export const elementwiseOperators: OperatorTable = {
  Abs: unary((x) => x.abs()),
  Neg: unary((x) => x.neg()),
  Sign: unary((x) => x.sign()),
  Floor: ofFloat((x) => x.floor()),
  Ceil: ofFloat((x) => x.ceil()),
  Round: ofFloat((x) => x.round()),
  Exp: ofFloat((x) => x.exp()),
  Log: ofFloat((x) => x.log()),
  Sqrt: ofFloat((x) => x.sqrt()),
  Reciprocal: ofFloat((x) => x.literal(1).div(x)),
  Sin: ofFloat((x) => x.sin()),
  Cos: ofFloat((x) => x.cos()),
  Tan: inSteps((x) => x.sin().div(x.cos())),
  Asin: inSteps(asin),
  Acos: inSteps(acos),
  Atan: inSteps(atan),
  Sinh: inSteps((x) => expm1(x).sub(expm1(x.neg())).mul(0.5)),
  Cosh: inSteps((x) => x.exp().add(x.neg().exp()).mul(0.5)),
  Tanh: ofFloat((x) => x.tanh()),
  Asinh: inSteps(asinh),
  Acosh: inSteps(acosh),
  Atanh: inSteps((x) => log1p(x).sub(log1p(x.neg())).mul(0.5)),
  Erf: ofFloat((x) => erf(x)),
  Add: binary((a, b) => a.add(b)),
  Sub: binary((a, b) => a.sub(b)),
  Mul: binary((a, b) => a.mul(b)),
  Div: binary((a, b) => a.div(b)),
  Mod: (call) => {
    const [a, b] = operands(call);
    return call.flag("fmod", false) ? truncatedRemainder(a, b) : a.mod(b);
  },
  Pow: binary(pow),
  Max: folded((a, b) => a.maximum(b)),
  Min: folded((a, b) => a.minimum(b)),
  Sum: folded((a, b) => a.add(b)),
  Mean: stepwise((call) => {
    const [first, ...rest] = call.inputs;
    const sum = rest.reduce((total, x) => total.add(x), first ?? call.x);
    return sum.div(rest.length + 1);
  }),
  Clip: clip,
  BitShift: bitShift,
};
