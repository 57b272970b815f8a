// The types of elements in shaders. In expressions half-precision numbers are f32 and truth values bool; in storage truth
// values are words, and half-precision numbers are of the type `float16`, which a shader's prelude declares.
import type { DType } from "@convoke/core";

export type ShaderType = "f32" | "i32" | "u32" | "bool";

const types: Readonly<Partial<Record<DType, ShaderType>>> = {
  float16: "f32",
  float32: "f32",
  int32: "i32",
  uint32: "u32",
  int8: "i32",
  uint8: "u32",
  bool: "bool",
};

/** The type of an element in expressions. */
export function shaderType(dtype: DType): ShaderType {
  const type = types[dtype];
  if (type === undefined) throw new Error(`webgpu: shaders have no elements of type ${dtype}`);
  return type;
}

/** The type of an element in a buffer. */
export function storageType(dtype: DType): "f32" | "i32" | "u32" | "float16" {
  if (dtype === "float16") return "float16";
  const type = shaderType(dtype);
  return type === "bool" ? "u32" : type;
}

/** A stored element as an expression. */
export function loaded(dtype: DType, stored: string): string {
  if (dtype === "float16") return `f32(${stored})`;
  return dtype === "bool" ? `(${stored} != 0u)` : stored;
}

/** An expression that a type of fewer digits may round, as a number of that type. */
export function rounded(dtype: DType, value: string): string {
  return dtype === "float16" ? `roundToFloat16(${value})` : value;
}

/** An expression, a number of its type, as it is stored. */
export function stored(dtype: DType, value: string): string {
  if (dtype === "float16") return `float16(${value})`;
  return dtype === "bool" ? `select(0u, 1u, ${value})` : value;
}

// To nearest, ties to even, by the bits: compilers drop a conversion there and back, and what quantizeToF16 makes of small
// and of large numbers is up to the device.
const rounding = `fn roundToFloat16(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let magnitude = bits & 0x7fffffffu;
  if (magnitude - 0x38800000u < 0x0efff000u) {
    return bitcast<f32>((bits + 0xfffu + ((bits >> 13u) & 1u)) & 0xffffe000u);
  }
  if (magnitude < 0x38800000u) { return round(x * 16777216f) * 5.9604644775390625e-8f; }
  return bitcast<f32>((bits & 0x80000000u) | select(0x7f800000u, 0x7fc00000u, magnitude > 0x7f800000u));
}`;

const arithmetic = { add: "+", sub: "-", mul: "*" } as const;

/** The function of a prelude that does what an op does of half-precision numbers, which are f32 before and after. */
export function float16Function(op: string): string | undefined {
  return op in arithmetic ? `${op}InFloat16` : undefined;
}

/**
 * What goes before a shader that has half-precision numbers: the type that they are stored in, how a number is rounded to
 * one, and the arithmetic that WGSL promises to round correctly (section 15.7.4.1). A device without them keeps them in words.
 */
export function float16Prelude(isNative: boolean): string {
  const functions = Object.entries(arithmetic).map(([op, sign]) => {
    const result = isNative ? `f32(f16(a) ${sign} f16(b))` : `roundToFloat16(a ${sign} b)`;
    return `fn ${op}InFloat16(a: f32, b: f32) -> f32 { return ${result}; }`;
  });
  const type = isNative ? "enable f16;\nalias float16 = f16;" : "alias float16 = f32;";
  return [type, rounding, ...functions].join("\n");
}

/** What is not finite comes from bits in a variable: a literal of it does not compile. */
export function constant(dtype: DType, value: number | bigint, use: (name: string) => void): string {
  const type = shaderType(dtype);
  const number = Number(value);
  if (type === "bool") return number === 0 ? "false" : "true";
  if (type === "u32") return `${number >>> 0}u`;
  if (type === "i32") return `i32(${number | 0})`;
  if (Number.isFinite(number)) return `(${Object.is(number, -0) ? "-0" : Math.fround(number)}f)`;
  use("constants");
  if (Number.isNaN(number)) return "bitcast<f32>(nanBits)";
  return number > 0 ? "bitcast<f32>(infinityBits)" : "(-bitcast<f32>(infinityBits))";
}
