// The types of elements in shaders: in storage every one takes 32 bits, in expressions truth values are bool.
import type { DType } from "@convoke/core";

export type ShaderType = "f32" | "i32" | "u32" | "bool";

const types: Readonly<Partial<Record<DType, ShaderType>>> = {
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
export function storageType(dtype: DType): "f32" | "i32" | "u32" {
  const type = shaderType(dtype);
  return type === "bool" ? "u32" : type;
}

/** A stored element as an expression. */
export function loaded(dtype: DType, stored: string): string {
  return dtype === "bool" ? `(${stored} != 0u)` : stored;
}

/** An expression as it is stored. */
export function stored(dtype: DType, value: string): string {
  return dtype === "bool" ? `select(0u, 1u, ${value})` : value;
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
