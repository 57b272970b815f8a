// Golden vectors: values and gradients of ops, computed with PyTorch 1.13 in double precision, packed for shipping.
import type { Shape } from "@convoke/shape";
import packed from "./golden-vectors.json" with { type: "json" };
import type { GoldenAttributes } from "./golden-runs.js";

export interface Stored<T = Float64Array> {
  readonly shape: Shape;
  readonly data: T;
}

export interface GoldenCase<T = Float64Array> {
  readonly name: string;
  readonly attrs: GoldenAttributes;
  readonly inputs: Readonly<Record<string, Stored<T>>>;
  readonly output: Stored<T>;
  readonly grad_output: Stored<T>;
  readonly grads: Readonly<Record<string, Stored<T>>>;
  /** State after the step: running statistics. */
  readonly after?: Readonly<Record<string, Stored<T>>>;
}

/** Multiples of 1/256 are kept as 16-bit integers ("q…"), everything else as float32 ("f…"), in base 64. */
const QUANTUM = 256;

export function packNumbers(data: readonly number[]): string {
  const isQuantised = data.every((value) => Number.isInteger(value * QUANTUM) && Math.abs(value) < 128);
  const array = isQuantised ? Int16Array.from(data, (value) => value * QUANTUM) : Float32Array.from(data);
  let text = "";
  for (const byte of new Uint8Array(array.buffer)) text += String.fromCharCode(byte);
  return (isQuantised ? "q" : "f") + btoa(text);
}

export function unpackNumbers(text: string): Float64Array {
  const bytes = Uint8Array.from(atob(text.slice(1)), (character) => character.charCodeAt(0));
  if (text.startsWith("q"))
    return Float64Array.from(new Int16Array(bytes.buffer), (value) => value / QUANTUM);
  return Float64Array.from(new Float32Array(bytes.buffer));
}

/** The case with another representation of its numbers. */
export function mapNumbers<T, U>(golden: GoldenCase<T>, convert: (data: T) => U): GoldenCase<U> {
  const one = ({ shape, data }: Stored<T>): Stored<U> => ({ shape, data: convert(data) });
  const many = (record: Readonly<Record<string, Stored<T>>>): Record<string, Stored<U>> =>
    Object.fromEntries(Object.entries(record).map(([key, stored]) => [key, one(stored)]));
  const { name, attrs, inputs, output, grad_output, grads, after } = golden;
  return {
    name,
    attrs,
    inputs: many(inputs),
    output: one(output),
    grad_output: one(grad_output),
    grads: many(grads),
    ...(after && { after: many(after) }),
  };
}

/** The shipped cases. */
export function goldenCases(): GoldenCase[] {
  const shipped: readonly unknown[] = packed;
  return shipped.map((golden) => mapNumbers(golden as GoldenCase<string>, unpackNumbers));
}
