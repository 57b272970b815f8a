// Element steps as WGSL expressions.
import { isFloat, type DType } from "@convoke/core";
import type { Reduction, Step } from "@convoke/core/planning";
import { isOnDevice } from "../device/host-format.js";
import { constant, float16Function, rounded, shaderType } from "./element-types.js";

/** Notes that a shader needs a function of the library. */
export type Use = (name: string) => void;

const floatFunctions: Readonly<Record<string, string>> = {
  sign: "signOf",
  exp: "exponential",
  expm1: "expMinus1",
  log: "logarithm",
  log1p: "logPlus1",
  sin: "sineOf",
  cos: "cosineOf",
  tanh: "hyperbolicTangent",
  erf: "errorFunction",
  mod: "floorMod",
  pow: "power",
  maximum: "maximum",
  minimum: "minimum",
};

const builtIn: Readonly<Record<string, string>> = {
  abs: "abs",
  floor: "floor",
  ceil: "ceil",
  round: "round",
  sqrt: "sqrt",
};

const operators: Readonly<Record<string, string>> = { add: "+", sub: "-", mul: "*" };
const relations: Readonly<Record<string, string>> = { equal: "==", less: "<", lessEqual: "<=" };
const integerOps = ["add", "sub", "mul", "div", "mod", "pow", "maximum", "minimum", "neg", "abs", "sign"];
const anyTypeOps = ["where", "cast", "equal", "less", "lessEqual", "logicalAnd", "logicalOr", "logicalNot"];

/** Whether a step, given the types of its arguments, can be written in WGSL. */
export function isShaderStep(step: Step, types: readonly DType[]): boolean {
  if (!isOnDevice(step.dtype) || !types.every(isOnDevice)) return false;
  if (anyTypeOps.includes(step.op)) return true;
  const type = shaderType(types[0] ?? step.dtype);
  if (type === "bool") return false;
  if (integerOps.includes(step.op)) return true;
  return type === "f32" && (step.op in floatFunctions || step.op in builtIn);
}

/** Steps whose results their arguments are, but for the sign, or whole numbers. */
const exactOps = ["constant", "where", "neg", "abs", "sign", "floor", "ceil", "round", "maximum", "minimum"];

/** Brings a whole number back into the range of a narrower type. */
export function narrowed(dtype: DType, value: string): string {
  if (dtype === "int8") return `((${value} << 24u) >> 24u)`;
  if (dtype === "uint8") return `(${value} & 255u)`;
  return value;
}

/** The expression of a step, a number of its type; `values` are the names of its arguments, `types` their element types. */
export function stepExpression(step: Step, parts: StepParts): string {
  const ofFloat16 = step.dtype === "float16" ? float16Function(step.op) : undefined;
  if (ofFloat16 !== undefined) return `${ofFloat16}(${parts.values.join(", ")})`;
  const expression = exactExpression(step, parts);
  return exactOps.includes(step.op) ? expression : rounded(step.dtype, expression);
}

interface StepParts {
  readonly values: readonly string[];
  readonly types: readonly DType[];
  readonly use: Use;
}

function exactExpression(step: Step, { values, types, use }: StepParts): string {
  const [a, b, c] = values as [string, string, string];
  const first = types[0] ?? step.dtype;
  switch (step.op) {
    case "constant":
      return constant(step.dtype, step.value ?? 0, use);
    case "where":
      return `select(${c}, ${b}, ${a})`;
    case "logicalAnd":
      return `${a} && ${b}`;
    case "logicalOr":
      return `${a} || ${b}`;
    case "logicalNot":
      return `!${a}`;
    case "cast":
      return castExpression(a, { from: first, to: step.dtype, use });
    default:
  }
  const type = shaderType(first);
  const relation = relations[step.op];
  if (relation !== undefined) {
    if (type !== "bool" || relation === "==") return `${a} ${relation} ${b}`;
    return relation === "<" ? `!${a} && ${b}` : `!${a} || ${b}`;
  }
  if (type === "f32") return floatExpression(step.op, { a, b, use });
  return narrowed(
    step.dtype,
    integerExpression(step.op, { a, b, type: type === "u32" ? "u32" : "i32", use }),
  );
}

export function isFloatZero({ op, dtype, value = 0 }: Step): boolean {
  return op === "constant" && isFloat(dtype) && Number(value) === 0;
}

/**
 * The same as the quotient. Of division WGSL promises something only for divisors from 2⁻¹²⁶ on (section 15.7.4.1): Mesa's
 * lavapipe (25.0.7), where it sees that the divisor is 0, leaves out what is stored of it.
 */
export function quotientByZero(a: string, { value = 0 }: Step, use: Use): string {
  return `${a} * ${constant("float32", Object.is(Number(value), -0) ? -Infinity : Infinity, use)}`;
}

function floatExpression(op: string, { a, b, use }: { a: string; b: string; use: Use }): string {
  const operator = op === "div" ? "/" : operators[op];
  if (operator !== undefined) return `${a} ${operator} ${b}`;
  if (op === "neg") return `-${a}`;
  const own = floatFunctions[op];
  if (own !== undefined) {
    use(own);
    return b === undefined ? `${own}(${a})` : `${own}(${a}, ${b})`;
  }
  const name = builtIn[op];
  if (name === undefined) throw new Error(`webgpu: there is no float step "${op}"`);
  return `${name}(${a})`;
}

interface IntegerParts {
  readonly a: string;
  readonly b: string;
  readonly type: "i32" | "u32";
  readonly use: Use;
}

/** Division by 0 gives 0, also its remainder; a remainder has the sign of the divisor. */
function integerExpression(op: string, { a, b, type, use }: IntegerParts): string {
  const operator = operators[op];
  if (operator !== undefined) return `(${a} ${operator} ${b})`;
  const zero = type === "u32" ? "0u" : "0";
  switch (op) {
    case "div":
      return `select(${zero}, ${a} / ${b}, ${b} != ${zero})`;
    case "mod": {
      const remainder = `select(${zero}, ${a} % ${b}, ${b} != ${zero})`;
      if (type === "u32") return remainder;
      return `(${remainder} + select(0, ${b}, ${b} != 0 && ${a} % ${b} != 0 && ((${a} % ${b} < 0) != (${b} < 0))))`;
    }
    case "maximum":
      return `max(${a}, ${b})`;
    case "minimum":
      return `min(${a}, ${b})`;
    case "neg":
      return type === "u32" ? `(0u - ${a})` : `(0 - ${a})`;
    case "abs":
      return `abs(${a})`;
    case "sign":
      return type === "u32" ? `min(${a}, 1u)` : `sign(${a})`;
    case "pow":
      use("powerOfIntegers");
      // Exponents of 2³¹ and more overflow in any case.
      return type === "i32"
        ? `powerOfIntegers(${a}, ${b})`
        : `u32(powerOfIntegers(i32(${a}), i32(${b} & 0x7fffffffu)))`;
    default:
      throw new Error(`webgpu: there is no integer step "${op}"`);
  }
}

function castExpression(a: string, { from, to, use }: { from: DType; to: DType; use: Use }): string {
  if (from === to) return a;
  const [source, target] = [shaderType(from), shaderType(to)];
  if (target === "bool") {
    if (source === "bool") return a;
    // NaN is true, and devices compare it as unequal to nothing: `!=` would make it false.
    return `!(${a} == ${source}(0))`;
  }
  if (source === "bool") return `select(${target}(0), ${target}(1), ${a})`;
  if (source === "f32" && target !== "f32") {
    use("wrapToInteger");
    const whole = `wrapToInteger(${a})`;
    return narrowed(to, target === "u32" ? `u32(${whole})` : whole);
  }
  return narrowed(to, source === target ? a : `${target}(${a})`);
}

/** What a reduction starts from. */
export function identityOf(op: Reduction["op"], dtype: DType, use: Use): string {
  const type = shaderType(dtype);
  if (op === "sum") return `${type}(0)`;
  if (op === "prod") return `${type}(1)`;
  const sign = op === "max" ? -1 : 1;
  if (type === "f32") return constant("float32", sign * Infinity, use);
  if (type === "u32") return op === "max" ? "0u" : "0xffffffffu";
  return op === "max" ? "i32(-2147483648)" : "2147483647";
}

/** Two partial results of a reduction as one. */
export function combined(
  op: Reduction["op"],
  dtype: DType,
  [a, b]: readonly [string, string],
  use: Use,
): string {
  if (op === "sum") return `${a} + ${b}`;
  if (op === "prod") return `${a} * ${b}`;
  const name = op === "max" ? "max" : "min";
  if (shaderType(dtype) !== "f32") return `${name}(${a}, ${b})`;
  const careful = op === "max" ? "maximum" : "minimum";
  use(careful);
  return `${careful}(${a}, ${b})`;
}

const subgroupFunctions = {
  sum: "subgroupAdd",
  prod: "subgroupMul",
  max: "subgroupMax",
  min: "subgroupMin",
} as const;

/** The partial results of all invocations of a subgroup as one, which each of them gets. */
export function acrossSubgroup(op: Reduction["op"], dtype: DType, value: string, use: Use): string {
  if (shaderType(dtype) !== "f32" || op === "sum" || op === "prod")
    return `${subgroupFunctions[op]}(${value})`;
  const careful = op === "max" ? "subgroupMaximum" : "subgroupMinimum";
  use(careful);
  return `${careful}(${value})`;
}
