// Element steps on four lanes of 32 bits: float32, int32, uint32, and bool as a mask of ones.
import type { DType } from "@convoke/core";
import type { Instruction } from "./wasm-instructions.js";
import type { FunctionCode, Local } from "./wasm-module.js";
import { valueTypes, type ElementLoop, type Step } from "@convoke/core/planning";

/** Functions of the module that compute float32 functions on four lanes. */
export type LaneFunctions = Readonly<Record<string, number>>;

export interface VectorContext {
  readonly code: FunctionCode;
  readonly values: readonly Local[];
  readonly types: readonly DType[];
  readonly functions: LaneFunctions;
}

const floatBinary: Record<string, Instruction> = {
  add: "f32x4.add",
  sub: "f32x4.sub",
  mul: "f32x4.mul",
  div: "f32x4.div",
  maximum: "f32x4.max",
  minimum: "f32x4.min",
  equal: "f32x4.eq",
  less: "f32x4.lt",
  lessEqual: "f32x4.le",
};

const signedBinary: Record<string, Instruction> = {
  add: "i32x4.add",
  sub: "i32x4.sub",
  mul: "i32x4.mul",
  maximum: "i32x4.max_s",
  minimum: "i32x4.min_s",
  equal: "i32x4.eq",
  less: "i32x4.lt_s",
  lessEqual: "i32x4.le_s",
};

const unsignedBinary: Record<string, Instruction> = {
  ...signedBinary,
  maximum: "i32x4.max_u",
  minimum: "i32x4.min_u",
  less: "i32x4.lt_u",
  lessEqual: "i32x4.le_u",
};

const floatUnary: Record<string, Instruction> = {
  neg: "f32x4.neg",
  abs: "f32x4.abs",
  sqrt: "f32x4.sqrt",
  floor: "f32x4.floor",
  ceil: "f32x4.ceil",
  round: "f32x4.nearest",
};

/** float32 functions that the module brings along, see lane-functions.ts. */
export const laneFunctionNames = ["exp", "log", "expm1", "log1p", "tanh", "sin", "cos", "erf"] as const;

const vectorTypes: ReadonlySet<DType> = new Set<DType>(["float32", "int32", "uint32", "bool"]);

function binaryTable(dtype: DType): Record<string, Instruction> {
  if (dtype === "float32") return floatBinary;
  return dtype === "uint32" ? unsignedBinary : signedBinary;
}

/** Whether a step can run on four lanes, given the types of its arguments. */
export function isVectorStep(step: Step, types: readonly DType[]): boolean {
  const operands = step.arguments.map((index) => types[index]!);
  if (!vectorTypes.has(step.dtype) || operands.some((dtype) => !vectorTypes.has(dtype))) return false;
  const [first] = operands;
  switch (step.op) {
    case "constant":
    case "where":
    case "logicalAnd":
    case "logicalOr":
    case "logicalNot":
      return true;
    case "cast":
      // Out of range a float wraps when it becomes an integer: the scalar path does that.
      return first !== "float32" || step.dtype === "float32" || step.dtype === "bool";
    case "sign":
      return first === "float32";
    case "neg":
    case "abs":
      return first === "float32" || first === "int32";
    default:
      if (first === "float32" && (step.op in floatUnary || isLaneFunction(step.op))) return true;
      return step.op in binaryTable(first!) && !(first === "bool" && step.op !== "equal");
  }
}

/** The instruction that takes four more lanes into a reduction, if there is one for the type. */
export function vectorCombination(op: "sum" | "prod" | "max" | "min", dtype: DType): Instruction | undefined {
  if (dtype !== "float32" && dtype !== "int32" && dtype !== "uint32") return undefined;
  return binaryTable(dtype)[{ sum: "add", prod: "mul", max: "maximum", min: "minimum" }[op]];
}

/** Whether all of a loop runs on four lanes at a time. */
export function isVectorLoop(loop: Pick<ElementLoop, "inputs" | "steps">): boolean {
  const types = valueTypes(loop);
  return (
    loop.inputs.every(({ dtype }) => vectorTypes.has(dtype)) &&
    loop.steps.every((step) => isVectorStep(step, types))
  );
}

function isLaneFunction(op: string): boolean {
  return laneFunctionNames.some((name) => name === op);
}

/** Leaves the result of `step` on the stack. */
export function emitVectorStep(step: Step, context: VectorContext): void {
  const { code, values, types, functions } = context;
  const [a, b, c] = step.arguments.map((index) => values[index]!);
  const first = types[step.arguments[0]!];
  switch (step.op) {
    case "constant":
      emitConstant(code, step);
      return;
    case "where":
      code.get(b!).get(c!).get(a!).do("v128.bitselect");
      return;
    case "logicalAnd":
      code.get(a!).get(b!).do("v128.and");
      return;
    case "logicalOr":
      code.get(a!).get(b!).do("v128.or");
      return;
    case "logicalNot":
      code.get(a!).do("v128.not");
      return;
    case "cast":
      emitCast(code, { from: first!, to: step.dtype, value: a! });
      return;
    case "sign":
      // (x > 0) − (x < 0) on masks, as floats; NaN stays NaN.
      code
        .get(a!)
        .f32x4(0)
        .do("f32x4.lt")
        .get(a!)
        .f32x4(0)
        .do("f32x4.gt")
        .do("i32x4.sub")
        .do("f32x4.convert_i32x4_s");
      code.get(a!).get(a!).get(a!).do("f32x4.eq", "v128.not", "v128.and", "v128.or");
      return;
    case "neg":
    case "abs":
      code
        .get(a!)
        .do(first === "float32" ? floatUnary[step.op]! : step.op === "neg" ? "i32x4.neg" : "i32x4.abs");
      return;
    default:
      if (first === "float32" && step.op in floatUnary) code.get(a!).do(floatUnary[step.op]!);
      else if (first === "float32" && isLaneFunction(step.op)) code.get(a!).call(functions[step.op]!);
      else code.get(a!).get(b!).do(binaryTable(first!)[step.op]!);
  }
}

function emitConstant(code: FunctionCode, { dtype, value = 0 }: Step): void {
  if (dtype === "float32") code.f32x4(Number(value));
  else if (dtype === "bool") code.i32x4(value ? -1 : 0);
  else code.i32x4(Number(value) | 0);
}

function emitCast(code: FunctionCode, parts: { from: DType; to: DType; value: Local }): void {
  const { from, to, value } = parts;
  code.get(value);
  if (from === to) return;
  if (to === "bool") {
    // NaN is not zero: it is true.
    if (from === "float32") code.f32x4(0).do("f32x4.ne");
    else code.i32x4(0).do("i32x4.ne");
  } else if (to === "float32") {
    if (from === "bool") code.f32x4(1).do("v128.and");
    else code.do(from === "uint32" ? "f32x4.convert_i32x4_u" : "f32x4.convert_i32x4_s");
  } else if (from === "bool") {
    code.i32x4(1).do("v128.and");
  }
}

/** Loads four neighbours from the address on the stack, `offset` bytes further. */
export function emitVectorLoad(code: FunctionCode, dtype: DType, offset = 0): void {
  if (dtype === "bool") {
    code.memory("v128.load32_zero", offset).do("i16x8.extend_low_i8x16_u", "i32x4.extend_low_i16x8_u");
    code.i32x4(0).do("i32x4.ne");
  } else {
    code.memory("v128.load", offset);
  }
}

/** Loads one element from the address on the stack into all lanes. */
export function emitSplatLoad(code: FunctionCode, dtype: DType): void {
  if (dtype === "bool") code.memory("i32.load8_u").do("i32x4.splat").i32x4(0).do("i32x4.ne");
  else code.memory("v128.load32_splat");
}

/** Bytes 0, 4, 8 and 12 of a vector in front. */
const firstBytes = [0, 4, 8, 12, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16];

/** Stores four neighbours at the address on the stack. */
export function emitVectorStore(code: FunctionCode, parts: { dtype: DType; value: Local }): void {
  code.get(parts.value);
  if (parts.dtype === "bool") {
    code.i32x4(1).do("v128.and").i32x4(0).shuffle(firstBytes).storeLane32(0);
  } else {
    code.memory("v128.store");
  }
}

/** Stores the first lane at the address on the stack. */
export function emitLaneStore(code: FunctionCode, parts: { dtype: DType; value: Local }): void {
  code.get(parts.value);
  if (parts.dtype === "bool") code.extractI32(0).i32(1).do("i32.and").memory("i32.store8");
  else code.storeLane32(0);
}
