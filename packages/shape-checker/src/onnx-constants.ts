// The arithmetic on shapes that exporters write into a file: Shape, Gather, Concat … on small lists of numbers.
import { shapeSize, type Shape } from "@convoke/shape";
import type { OnnxNodeLike } from "./onnx-network.js";

/** What is known of a value that does not depend on the network's input. */
export interface Constant {
  readonly shape: Shape;
  /** Its elements, where there are few and they are known. */
  readonly data?: readonly number[] | undefined;
  /** The floating-point initialisers behind it. */
  readonly origins: readonly string[];
}

/** More elements than this are no shape. */
export const mostElements = 1024;

/** A list of numbers of rank 0 or 1. */
export function listOf(data: readonly number[]): Constant {
  return { shape: [data.length], data, origins: [] };
}

/** An integer or a list of them, by the name of the attribute. */
export function numbersOf(node: OnnxNodeLike, name: string): readonly number[] | undefined {
  const attribute = Object.hasOwn(node.attributes, name) ? node.attributes[name] : undefined;
  const value = attribute?.value;
  if (Array.isArray(value)) return value.every(isNumeric) ? value.map(Number) : undefined;
  return isNumeric(value) ? [Number(value)] : undefined;
}

export function numberOf(node: OnnxNodeLike, name: string, otherwise: number): number {
  return numbersOf(node, name)?.[0] ?? otherwise;
}

export function textOf(node: OnnxNodeLike, name: string): string | undefined {
  const attribute = Object.hasOwn(node.attributes, name) ? node.attributes[name] : undefined;
  return typeof attribute?.value === "string" ? attribute.value : undefined;
}

function isNumeric(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

type Fold = (node: OnnxNodeLike, inputs: readonly (Constant | undefined)[]) => Constant | undefined;

const truncated = (a: number, b: number): number => (b === 0 ? Number.NaN : Math.trunc(a / b));

/** Each is undefined where it does not know. */
const folds: Readonly<Record<string, Fold>> = {
  Constant: (node) => {
    const tensor = node.attributes["value"]?.value;
    if (isTensor(tensor)) return constantOf(tensor);
    const numbers = ["value_int", "value_ints", "value_float", "value_floats"]
      .map((name) => numbersOf(node, name))
      .find((found) => found !== undefined);
    if (numbers === undefined) return undefined;
    const isList = Array.isArray((node.attributes["value_ints"] ?? node.attributes["value_floats"])?.value);
    return { ...listOf(numbers), ...(!isList && { shape: [] }) };
  },
  Identity: (_, [x]) => x,
  Cast: (node, [x]) => {
    // TensorProto.DataType: FLOAT 1, FLOAT16 10, DOUBLE 11; the others that occur in shapes are integers.
    const isFloat = [1, 10, 11].includes(numberOf(node, "to", 1));
    return x?.data === undefined || isFloat ? x : { ...x, data: x.data.map(Math.trunc) };
  },
  Unsqueeze: (node, [x, axes]) => {
    const at = axes?.data ?? numbersOf(node, "axes");
    if (x === undefined || at === undefined) return undefined;
    const shape = [...x.shape];
    const rank = shape.length + at.length;
    for (const axis of at.map((a) => (a < 0 ? a + rank : a)).sort((a, b) => a - b)) shape.splice(axis, 0, 1);
    return { ...x, shape };
  },
  Squeeze: (node, [x, axes]) => {
    if (x === undefined) return undefined;
    const at = (axes?.data ?? numbersOf(node, "axes"))?.map((a) => (a < 0 ? a + x.shape.length : a));
    return { ...x, shape: x.shape.filter((size, i) => (at === undefined ? size !== 1 : !at.includes(i))) };
  },
  Reshape: (node, [x, shape]) => {
    const wanted = shape?.data ?? numbersOf(node, "shape");
    if (x === undefined || wanted === undefined) return undefined;
    const resolved = reshaped(x.shape, wanted);
    return resolved && { ...x, shape: resolved };
  },
  Transpose: (node, [x]) => {
    if (x === undefined) return undefined;
    const axes = numbersOf(node, "perm") ?? [...x.shape.keys()].reverse();
    const shape = axes.map((axis) => x.shape[axis] ?? 1);
    return rearranged(x, shape, (at) => x.shape.map((_, axis) => at[axes.indexOf(axis)]!));
  },
  Gather: (_, [x, indices]) => {
    if (x?.data === undefined || indices?.data === undefined || x.shape.length !== 1) return undefined;
    const { data } = x;
    return { ...indices, data: indices.data.map((i) => data.at(i) ?? Number.NaN), origins: [] };
  },
  Slice: (node, [x, starts, ends, axes, steps]) => {
    const start = starts?.data ?? numbersOf(node, "starts");
    const end = ends?.data ?? numbersOf(node, "ends");
    if (x === undefined || start === undefined || end === undefined) return undefined;
    const ranges = slicedAxes(x.shape, {
      starts: start,
      ends: end,
      axes: axes?.data ?? numbersOf(node, "axes"),
      steps: steps?.data,
    });
    const { begin, step, output } = ranges;
    return rearranged(x, output, (at) => at.map((i, axis) => begin[axis]! + step[axis]! * i));
  },
  Concat: (_, inputs) => {
    const lists = inputs.map((input) => (input?.shape.length === 1 ? input.data : undefined));
    return lists.every((list) => list !== undefined) ? listOf(lists.flat()) : undefined;
  },
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Mul: elementwise((a, b) => a * b),
  Floor: elementwise(Math.floor),
  Ceil: elementwise(Math.ceil),
  ConstantOfShape: (_, [shape]) => {
    if (shape?.data === undefined || shapeSize(shape.data) > mostElements) return undefined;
    return { shape: shape.data, data: Array<number>(shapeSize(shape.data)).fill(0), origins: [] };
  },
};

/** The same elements elsewhere: `from` gives where each comes from. */
function rearranged(x: Constant, shape: Shape, from: (at: readonly number[]) => readonly number[]): Constant {
  const { data } = x;
  if (data === undefined) return { ...x, shape };
  const moved = Array.from({ length: shapeSize(shape) }, (_, position) => {
    let rest = position;
    const at = [...shape].map(() => 0);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at[axis] = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return data[from(at).reduce((index, i, axis) => index * x.shape[axis]! + i, 0)] ?? Number.NaN;
  });
  return { ...x, shape, data: moved };
}

/** ONNX `Slice` along each axis: ends may lie outside, steps may be negative. */
export function slicedAxes(
  input: Shape,
  given: {
    readonly starts: readonly number[];
    readonly ends: readonly number[];
    readonly axes?: readonly number[] | undefined;
    readonly steps?: readonly number[] | undefined;
  },
): { begin: number[]; step: number[]; output: number[] } {
  const { starts, ends, axes = [...starts.keys()] } = given;
  const [begin, step, output] = [input.map(() => 0), input.map(() => 1), [...input]];
  axes.forEach((named, i) => {
    const axis = named < 0 ? named + input.length : named;
    const size = input[axis]!;
    const by = given.steps?.[i] ?? 1;
    const bounded = (at: number): number => Math.min(Math.max(at < 0 ? at + size : at, 0), size);
    begin[axis] = by > 0 ? bounded(starts[i]!) : Math.min(bounded(starts[i]!), size - 1);
    const end = by < 0 && ends[i]! < -size ? -1 : bounded(ends[i]!);
    step[axis] = by;
    output[axis] = Math.max(0, Math.ceil((end - begin[axis]) / by));
  });
  return { begin, step, output };
}

function elementwise(of: (a: number, b: number) => number): Fold {
  return (_, [a, b]) => {
    if (a?.data === undefined) return undefined;
    const other = b?.data;
    if (b !== undefined && other === undefined) return undefined;
    const longer = (other?.length ?? 1) > a.data.length ? b! : a;
    const data = Array.from(longer.data!, (_element, i) =>
      of(a.data![i % a.data!.length]!, other?.[i % other.length] ?? 0),
    );
    return { shape: longer.shape, data, origins: [] };
  };
}

/** Folds a node all of whose inputs are constants. `areIntegers`: Div truncates. */
export function folded(node: OnnxNodeLike, inputs: readonly (Constant | undefined)[]): Constant | undefined {
  if (node.opType === "Div") {
    const areIntegers = inputs.every((input) => input?.data?.every(Number.isInteger) === true);
    return elementwise(areIntegers ? truncated : (a, b) => a / b)(node, inputs);
  }
  return folds[node.opType]?.(node, inputs);
}

/** A shape with 0 for "as it was" and −1 for what is left; undefined where it does not fit. */
export function reshaped(input: Shape, wanted: readonly number[]): Shape | undefined {
  const copied = wanted.map((size, axis) => (size === 0 ? (input[axis] ?? 1) : size));
  const known = copied.reduce((size, dim) => (dim === -1 ? size : size * dim), 1);
  const shape = copied.map((size) => (size === -1 ? shapeSize(input) / known : size));
  return shapeSize(shape) === shapeSize(input) && shape.every(Number.isInteger) ? shape : undefined;
}

/** A tensor of a file, as far as a checker reads it. */
export interface OnnxTensorLike {
  readonly dtype: string;
  readonly shape: Shape;
  readonly data: ArrayLike<number> | ArrayLike<bigint> | ArrayLike<string>;
}

function isTensor(value: unknown): value is OnnxTensorLike {
  return (
    typeof value === "object" && value !== null && "shape" in value && "data" in value && "dtype" in value
  );
}

/** A tensor's shape, its elements where they are few, its name where it is a parameter. */
export function constantOf({ dtype, shape, data }: OnnxTensorLike, name?: string): Constant {
  const isFloat = /^b?float/.test(dtype);
  const isNumber = /^(u?int(8|16|32|64)|float(32|64)|bool)$/.test(dtype);
  return {
    shape,
    data: isNumber && data.length <= mostElements ? Array.from<unknown, number>(data, Number) : undefined,
    origins: isFloat && name !== undefined ? [name] : [],
  };
}
