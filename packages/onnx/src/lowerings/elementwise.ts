// Element-wise arithmetic.
import { isFloat } from "@convoke/core";
import { attribute } from "../model/attributes.js";
import {
  arithmetic,
  direct,
  through,
  widened,
  type LowerFunction,
  type LoweringTable,
  type LoweringContext,
} from "./lowering.js";

/** eˣ − 1 = tanh(x/2)·(eˣ + 1): ONNX has no expm1, and this form keeps all digits of a small x. */
const expm1: LowerFunction = (context) => {
  const { name, dtype } = context.x;
  const half = context.emit("Mul", [name, context.scalar(0.5, dtype)]);
  const sum = context.emit("Add", [context.emit("Exp", [name]), context.scalar(1, dtype)]);
  return context.emit("Mul", [context.emit("Tanh", [half]), sum]);
};

/**
 * ln(1 + x): for small x as ln(u)·x/(u − 1) with u = 1 + x rounded, in which the errors of u cancel (W. Kahan; Goldberg,
 * "What Every Computer Scientist Should Know About Floating-Point Arithmetic", theorem 4).
 */
const log1p: LowerFunction = (context) => {
  const { name, dtype } = context.x;
  const one = context.scalar(1, dtype);
  const u = context.emit("Add", [one, name]);
  const log = context.emit("Log", [u]);
  const ratio = context.emit("Div", [name, context.emit("Sub", [u, one])]);
  const corrected = context.emit("Where", [
    context.emit("Equal", [u, one]),
    name,
    context.emit("Mul", [log, ratio]),
  ]);
  const isSmall = context.emit("Less", [context.emit("Abs", [name]), context.scalar(0.5, dtype)]);
  return context.emit("Where", [isSmall, corrected, log]);
};

/** `opType` on integers, with 0 where the divisor is 0: there ONNX leaves the result open. */
function guarded(context: LoweringContext, opType: string): string {
  return widened(context, ([a, b], dtype) => {
    const zero = context.scalar(0, dtype);
    const isZero = context.emit("Equal", [b!, zero]);
    const quotient = context.emit(opType, [
      a!,
      context.emit("Where", [isZero, context.scalar(1, dtype), b!]),
    ]);
    return context.emit("Where", [isZero, zero, quotient]);
  });
}

/** The remainder with the sign of the divisor; for floats ONNX has only C's fmod, with the sign of the dividend. */
const mod: LowerFunction = (context) => {
  const [a, b] = context.inputs;
  const { dtype } = a!;
  if (!isFloat(dtype)) return guarded(context, "Mod");
  const zero = context.scalar(0, dtype);
  const rest = context.emit("Mod", [a!.name, b!.name], { fmod: attribute.int(1) });
  const signsDiffer = context.emit("Xor", [
    context.emit("Less", [rest, zero]),
    context.emit("Less", [b!.name, zero]),
  ]);
  const isExact = context.emit("Equal", [rest, zero]);
  const correct = context.emit("And", [signsDiffer, context.emit("Not", [isExact])]);
  return context.emit("Where", [correct, context.emit("Add", [rest, b!.name]), rest]);
};

const pow: LowerFunction = (context) =>
  isFloat(context.x.dtype)
    ? (direct("Pow")(context) as string)
    : through(context, "int64", (values) => context.emit("Pow", values));

export const elementwiseLowerings = {
  neg: direct("Neg"),
  abs: direct("Abs"),
  sign: direct("Sign"),
  floor: direct("Floor"),
  ceil: direct("Ceil"),
  round: direct("Round"),
  exp: direct("Exp"),
  expm1,
  log: direct("Log"),
  log1p,
  sqrt: direct("Sqrt"),
  sin: direct("Sin"),
  cos: direct("Cos"),
  tanh: direct("Tanh"),
  erf: direct("Erf"),
  add: arithmetic("Add"),
  sub: arithmetic("Sub"),
  mul: arithmetic("Mul"),
  div: (context) => (isFloat(context.x.dtype) ? direct("Div")(context) : guarded(context, "Div")),
  mod,
  pow,
  maximum: arithmetic("Max"),
  minimum: arithmetic("Min"),
} satisfies Partial<LoweringTable>;
