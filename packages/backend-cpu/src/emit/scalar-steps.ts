// Element steps on one element of any type; what vectors do not cover. Integers narrower than 32 bits live in i32.
import { dtypes, erfOfNumber, type DType } from "@convoke/core";
import type { Step } from "@convoke/core/planning";
import { cpuDType, type CpuDType } from "../element-types.js";
import type { Access as MemoryAccess, Instruction } from "./wasm-instructions.js";
import type { FunctionCode, Local, ValueType } from "./wasm-module.js";

/** Functions that the module imports: JavaScript's own, in double precision. */
export type ImportedFunctions = Readonly<Record<string, number>>;

/** Functions of one or two doubles that come from the host. */
export const hostFunctions: Readonly<Record<string, { arity: 1 | 2; compute: (...x: number[]) => number }>> =
  {
    exp: { arity: 1, compute: Math.exp },
    expm1: { arity: 1, compute: Math.expm1 },
    log: { arity: 1, compute: Math.log },
    log1p: { arity: 1, compute: Math.log1p },
    sin: { arity: 1, compute: Math.sin },
    cos: { arity: 1, compute: Math.cos },
    tanh: { arity: 1, compute: Math.tanh },
    erf: { arity: 1, compute: erfOfNumber },
    pow: { arity: 2, compute: Math.pow },
    mod: { arity: 2, compute: floorMod },
  };

/** The exact remainder, with the sign of the divisor: a − ⌊a / b⌋ · b would round. */
function floorMod(a: number, b: number): number {
  const remainder = a % b;
  return remainder !== 0 && remainder < 0 !== b < 0 ? remainder + b : remainder;
}

/** The type of a WebAssembly local that holds an element. */
export function scalarType(dtype: DType): ValueType {
  if (dtype === "float32") return "f32";
  if (dtype === "float64") return "f64";
  return dtype === "int64" ? "i64" : "i32";
}

const loads: Record<CpuDType, MemoryAccess> = {
  float32: "f32.load",
  float64: "f64.load",
  int64: "i64.load",
  int32: "i32.load",
  uint32: "i32.load",
  int8: "i32.load8_s",
  uint8: "i32.load8_u",
  bool: "i32.load8_u",
};

export function emitScalarLoad(code: FunctionCode, dtype: DType): void {
  code.memory(loads[cpuDType(dtype, { op: "load" })]);
}

export function emitScalarStore(code: FunctionCode, parts: { dtype: DType; value: Local }): void {
  const type = scalarType(parts.dtype);
  code
    .get(parts.value)
    .memory(
      dtypes[parts.dtype].bytes === 1 ? "i32.store8" : `${type as "f32" | "f64" | "i64" | "i32"}.store`,
    );
}

export interface ScalarContext {
  readonly code: FunctionCode;
  readonly values: readonly Local[];
  readonly types: readonly DType[];
  readonly functions: ImportedFunctions;
}

const floatInstructions: Record<string, string> = {
  add: "add",
  sub: "sub",
  mul: "mul",
  div: "div",
  maximum: "max",
  minimum: "min",
  neg: "neg",
  abs: "abs",
  sqrt: "sqrt",
  floor: "floor",
  ceil: "ceil",
  round: "nearest",
};

function isUnsigned(dtype: DType): boolean {
  return dtype === "uint32" || dtype === "uint8" || dtype === "bool";
}

/** Whether a step can run on single elements. */
export function isScalarStep(step: Step, types: readonly DType[]): boolean {
  const first = types[step.arguments[0] ?? -1] ?? step.dtype;
  if (
    [
      "constant",
      "where",
      "cast",
      "logicalAnd",
      "logicalOr",
      "logicalNot",
      "equal",
      "less",
      "lessEqual",
    ].includes(step.op)
  ) {
    return true;
  }
  if (first === "bool") return false;
  const isFloat = first === "float32" || first === "float64";
  if (
    ["add", "sub", "mul", "div", "mod", "maximum", "minimum", "neg", "abs", "sign", "pow"].includes(step.op)
  ) {
    return true;
  }
  return isFloat && (step.op in floatInstructions || step.op in hostFunctions);
}

/** Leaves the result of `step` on the stack. */
export function emitScalarStep(step: Step, context: ScalarContext): void {
  const { code, values, types, functions } = context;
  const [a, b, c] = step.arguments.map((index) => values[index]!);
  const dtype = types[step.arguments[0] ?? -1] ?? step.dtype;
  const type = scalarType(dtype);
  switch (step.op) {
    case "constant":
      emitScalarConstant(code, step);
      return;
    case "where":
      code.get(b!).get(c!).get(a!).do("select");
      return;
    case "logicalAnd":
      code.get(a!).get(b!).do("i32.and");
      return;
    case "logicalOr":
      code.get(a!).get(b!).do("i32.or");
      return;
    case "logicalNot":
      code.get(a!).do("i32.eqz");
      return;
    case "equal":
      code
        .get(a!)
        .get(b!)
        .do(`${type as "f32"}.eq`);
      return;
    case "less":
    case "lessEqual":
      code
        .get(a!)
        .get(b!)
        .do(comparison(dtype, step.op === "less" ? "lt" : "le"));
      return;
    case "cast":
      emitScalarCast(code, { from: dtype, to: step.dtype, value: a! });
      return;
    default:
      if (type === "f32" || type === "f64") emitFloat(step.op, { code, a: a!, b, type, functions });
      else emitInteger(step.op, { code, a: a!, b, dtype, type, functions });
      narrow(code, step.dtype);
  }
}

function comparison(dtype: DType, relation: "lt" | "le" | "gt"): Instruction {
  const type = scalarType(dtype);
  if (type === "f32" || type === "f64") return `${type}.${relation}`;
  return type === "i32" && isUnsigned(dtype) ? `i32.${relation}_u` : `${type as "i32" | "i64"}.${relation}_s`;
}

/** Brings an i32 back into the range of a narrower type. */
function narrow(code: FunctionCode, dtype: DType): void {
  if (dtype === "int8") code.do("i32.extend8_s");
  else if (dtype === "uint8") code.i32(255).do("i32.and");
}

function emitScalarConstant(code: FunctionCode, { dtype, value = 0 }: Step): void {
  if (dtype === "float32") code.f32(Number(value));
  else if (dtype === "float64") code.f64(Number(value));
  else if (dtype === "int64") code.i64(BigInt(value));
  else code.i32(Number(value) | 0);
}

interface FloatParts {
  readonly code: FunctionCode;
  readonly a: Local;
  readonly b: Local | undefined;
  readonly type: "f32" | "f64";
  readonly functions: ImportedFunctions;
}

function emitFloat(op: string, { code, a, b, type, functions }: FloatParts): void {
  const instruction = floatInstructions[op];
  if (instruction !== undefined) {
    code.get(a);
    if (b !== undefined) code.get(b);
    code.do(`${type}.${instruction}` as Instruction);
    return;
  }
  const zero = (): FunctionCode => (type === "f32" ? code.f32(0) : code.f64(0));
  if (op === "sign") {
    // (x > 0) − (x < 0), and NaN for NaN: x + … would lose −0, which is 0 here as well.
    const result = code.local(type);
    code.get(a);
    zero().do(`${type}.gt`);
    code.get(a);
    zero().do(`${type}.lt`, "i32.sub", `${type}.convert_i32_s`).set(result);
    code.get(result).get(a).get(a).get(a).do(`${type}.eq`, "select");
    return;
  }
  // Everything else is computed in double precision by the host.
  for (const operand of b === undefined ? [a] : [a, b]) {
    code.get(operand);
    if (type === "f32") code.do("f64.promote_f32");
  }
  code.call(functions[op]!);
  if (type === "f32") code.do("f32.demote_f64");
}

interface IntegerParts {
  readonly code: FunctionCode;
  readonly a: Local;
  readonly b: Local | undefined;
  readonly dtype: DType;
  readonly type: ValueType;
  readonly functions: ImportedFunctions;
}

function emitInteger(op: string, { code, a, b, dtype, type, functions }: IntegerParts): void {
  const t = type as "i32" | "i64";
  const zero = (): FunctionCode => (t === "i64" ? code.i64(0n) : code.i32(0));
  switch (op) {
    case "add":
    case "sub":
    case "mul":
      code.get(a).get(b!).do(`${t}.${op}`);
      return;
    case "neg":
      zero().get(a).do(`${t}.sub`);
      return;
    case "maximum":
    case "minimum":
      code
        .get(a)
        .get(b!)
        .get(a)
        .get(b!)
        .do(comparison(dtype, op === "maximum" ? "gt" : "lt"), "select");
      return;
    case "abs":
      zero().get(a).do(`${t}.sub`);
      code.get(a).get(a);
      zero().do(comparison(dtype, "lt"), "select");
      return;
    case "sign": {
      code.get(a);
      zero().do(comparison(dtype, "gt"));
      code.get(a);
      zero().do(comparison(dtype, "lt"), "i32.sub");
      if (t === "i64") code.do("i64.extend_i32_s");
      return;
    }
    case "pow":
      if (t === "i64") emitBigPower(code, a, b!);
      else emitPower(code, { a, b: b!, dtype, functions });
      return;
    default:
      emitIntegerDivision(op, { code, a, b: b!, dtype, t });
  }
}

/** aᵇ of integers of up to 32 bits: in double precision, then cut and wrapped. */
function emitPower(
  code: FunctionCode,
  parts: { a: Local; b: Local; dtype: DType; functions: ImportedFunctions },
): void {
  const { a, b, dtype, functions } = parts;
  const widen: Instruction = isUnsigned(dtype) ? "f64.convert_i32_u" : "f64.convert_i32_s";
  const power = code.local("f64");
  code.get(a).do(widen).get(b).do(widen).call(functions["pow"]!).tee(power);
  emitFloatToInteger(code, { value: power, source: "f64", to: dtype });
}

/** aᵇ modulo 2⁶⁴ by squaring; a negative exponent leaves 1 of 1, and 0 of all else. */
function emitBigPower(code: FunctionCode, a: Local, b: Local): void {
  const [result, factor, left] = [code.local("i64"), code.local("i64"), code.local("i64")];
  code.i64(1n).set(result);
  code.get(a).set(factor);
  code.get(b).set(left);
  code.while(
    () => code.get(left).i64(0n).do("i64.gt_s"),
    () => {
      code.get(left).do("i32.wrap_i64").i32(1).do("i32.and");
      code.if(() => code.get(result).get(factor).do("i64.mul").set(result));
      code.get(factor).get(factor).do("i64.mul").set(factor);
      code.get(left).i64(2n).do("i64.div_s").set(left);
    },
  );
  code.get(a).i64(1n).do("i64.eq", "i64.extend_i32_u").get(result);
  code.get(b).i64(0n).do("i64.lt_s", "select");
}

/** Division towards zero, and the remainder with the sign of the divisor; both 0 for divisor 0, without a trap. */
function emitIntegerDivision(
  op: string,
  { code, a, b, dtype, t }: { code: FunctionCode; a: Local; b: Local; dtype: DType; t: "i32" | "i64" },
): void {
  const result = code.local(t);
  const zero = (): FunctionCode => (t === "i64" ? code.i64(0n) : code.i32(0));
  const unsigned = t === "i32" && isUnsigned(dtype);
  zero().set(result);
  code.get(b).do(`${t}.eqz`, "i32.eqz");
  code.if(() => {
    // The one overflow, −2³¹ / −1, would trap: dividing by −1 is a negation.
    const minusOne = (): FunctionCode => (t === "i64" ? code.i64(-1n) : code.i32(-1));
    if (op === "div") {
      if (unsigned) {
        code.get(a).get(b).do("i32.div_u").set(result);
        return;
      }
      zero().get(a).do(`${t}.sub`).set(result);
      code.get(b);
      minusOne().do(`${t}.ne`);
      code.if(() => code.get(a).get(b).do(`${t}.div_s`).set(result));
      return;
    }
    if (unsigned) {
      code.get(a).get(b).do("i32.rem_u").set(result);
      return;
    }
    code.get(a).get(b).do(`${t}.rem_s`).set(result);
    code.get(result);
    zero().do(`${t}.ne`);
    code.get(result);
    zero().do(`${t}.lt_s`);
    code.get(b);
    zero().do(`${t}.lt_s`, "i32.xor", "i32.and");
    code.if(() => code.get(result).get(b).do(`${t}.add`).set(result));
  });
  code.get(result);
}

function emitScalarCast(
  code: FunctionCode,
  { from, to, value }: { from: DType; to: DType; value: Local },
): void {
  code.get(value);
  if (from === to) return;
  const [source, target] = [scalarType(from), scalarType(to)];
  if (to === "bool") {
    if (source === "f32") code.f32(0).do("f32.ne");
    else if (source === "f64") code.f64(0).do("f64.ne");
    else if (source === "i64") code.do("i64.eqz", "i32.eqz");
    else code.do("i32.eqz", "i32.eqz");
    return;
  }
  const isWide = from === "uint32";
  if (target === "f32" || target === "f64") {
    if (source === "f32") code.do("f64.promote_f32");
    else if (source === "f64") code.do("f32.demote_f64");
    else if (source === "i64") code.do(`${target}.convert_i64_s`);
    else code.do(isWide ? `${target}.convert_i32_u` : `${target}.convert_i32_s`);
    return;
  }
  if (source === "f32" || source === "f64") emitFloatToInteger(code, { value, source, to });
  else if (source === "i64" && target === "i32") code.do("i32.wrap_i64");
  else if (source === "i32" && target === "i64") code.do(isWide ? "i64.extend_i32_u" : "i64.extend_i32_s");
  narrow(code, to);
}

/** Cut towards zero; out of range wraps, NaN and infinities give 0. On the stack: the float. */
function emitFloatToInteger(
  code: FunctionCode,
  parts: { value: Local; source: "f32" | "f64"; to: DType },
): void {
  const { value, source, to } = parts;
  const wide = code.local("i64");
  code.do(`i64.trunc_sat_${source}_s`).set(wide);
  // From 2⁶³ on a float is a multiple of 2³², so what is left of it in 32 bits is 0; int64 saturates there.
  code.get(wide).i64(0n).get(value).do(`${source}.abs`);
  if (source === "f32") code.f32(2 ** 63).do("f32.lt", "select");
  else code.f64(2 ** 63).do("f64.lt", "select");
  if (to !== "int64") code.do("i32.wrap_i64");
}
