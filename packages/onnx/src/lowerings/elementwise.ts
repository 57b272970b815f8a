// Element-wise arithmetic.
import { isFloat } from "@convoke/core";
import { attribute } from "../model/attributes.js";
import {
  arithmetic,
  direct,
  stepwise,
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

/** Operands of a division of integers, with divisors that no engine stumbles over, and what stands for the others. */
interface Division {
  readonly a: string;
  readonly zero: string;
  /** b, or 1 where it is 0 or −1: processors stop at a division by 0, and at that of the smallest integer by −1. */
  readonly divisor: string;
  readonly isMinusOne: string;
}

/** A division of integers, with 0 where the divisor is 0: there ONNX leaves the result open. */
function guarded(context: LoweringContext, divided: (division: Division) => string): string {
  return widened(context, ([a, b], dtype) => {
    const zero = context.scalar(0, dtype);
    const isZero = context.emit("Equal", [b!, zero]);
    const isMinusOne = context.emit("Equal", [b!, context.scalar(-1, dtype)]);
    const isSpecial = context.emit("Or", [isZero, isMinusOne]);
    const divisor = context.emit("Where", [isSpecial, context.scalar(1, dtype), b!]);
    return context.emit("Where", [isZero, zero, divided({ a: a!, zero, divisor, isMinusOne })]);
  });
}

const div: LowerFunction = (context) => {
  if (isFloat(context.x.dtype)) return direct("Div")(context);
  return guarded(context, ({ a, zero, divisor, isMinusOne }) => {
    const quotient = context.emit("Div", [a, divisor]);
    return context.emit("Where", [isMinusOne, context.emit("Sub", [zero, a]), quotient]);
  });
};

/** The one of two that is further in one direction; of 64-bit integers by comparing, since engines lose digits of them. */
function further(opType: string, comparison: string): LowerFunction {
  return (context) =>
    widened(context, (values, dtype) =>
      dtype === "int64"
        ? context.emit("Where", [context.emit(comparison, values), ...values])
        : context.emit(opType, values),
    );
}

/** −1, 0 or 1; of 64-bit integers by comparisons, since engines lose the sign of large ones. */
const sign: LowerFunction = (context) => {
  const { name, dtype } = context.x;
  if (dtype !== "int64") return direct("Sign")(context);
  const zero = context.scalar(0, dtype);
  const asNumber = (opType: string): string =>
    context.cast(context.emit(opType, [name, zero]), "bool", dtype);
  return context.emit("Sub", [asNumber("Greater"), asNumber("Less")]);
};

/** The remainder with the sign of the divisor; for floats ONNX has only C's fmod, with the sign of the dividend. */
const mod: LowerFunction = (context) => {
  const [a, b] = context.inputs;
  const { dtype } = a!;
  // Dividing by −1 leaves nothing, as dividing by 1 does.
  if (!isFloat(dtype)) {
    return guarded(context, ({ a, divisor }) => context.emit("Mod", [a, divisor]));
  }
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
  sign,
  floor: direct("Floor"),
  ceil: direct("Ceil"),
  round: direct("Round"),
  exp: direct("Exp"),
  expm1: stepwise(expm1),
  log: direct("Log"),
  log1p: stepwise(log1p),
  sqrt: direct("Sqrt"),
  sin: direct("Sin"),
  cos: direct("Cos"),
  tanh: direct("Tanh"),
  erf: direct("Erf"),
  add: arithmetic("Add"),
  sub: arithmetic("Sub"),
  mul: arithmetic("Mul"),
  div,
  mod,
  pow,
  maximum: further("Max", "Greater"),
  minimum: further("Min", "Less"),
} satisfies Partial<LoweringTable>;
