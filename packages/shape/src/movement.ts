// Other orders and groupings of axes: reshape, flatten, permute, transpose, squeeze, unsqueeze.
import type { Digits, DimText, Known, NotWhole, SameDim } from "./arithmetic/dims.js";
import type { ToNumber } from "./arithmetic/natural.js";
import type { FromProduct, Product, Quotient } from "./arithmetic/product.js";
import type {
  AxesOf,
  AxisOf,
  Format,
  HasRank,
  InsertAxes,
  LengthProblem,
  ReplaceAxes,
  ShapeProblem,
  UnknownDims,
} from "./axes.js";
import { refuse } from "./shape-error.js";
import {
  assertList,
  assertShape,
  checkLength,
  checkRank,
  dim,
  formatShape,
  normaliseAxes,
  normaliseAxis,
  type Shape,
  shapeSize,
} from "./shape.js";
import { swapLast } from "./matmul.js";
import { reduce } from "./reduce.js";

/** The shape `To`, its −1 filled in, or what is wrong with it. */
export type Reshape<From extends Shape, To extends Shape, Op extends string = "reshape"> = [
  From[number] | To[number],
] extends [number]
  ? HasRank<To> extends true
    ? Opened<To> extends infer O extends [Shape, unknown[]]
      ? O[1] extends readonly [unknown, unknown, ...unknown[]]
        ? `${Op}: ${Format<To>} has more than one -1, only one axis can be inferred.`
        : [NotWhole<O[0][number]>] extends [never]
          ? HasRank<From> extends true
            ? Reshaped<[From, To, Op], Product<From>, Product<O[0]>, O[1]["length"]>
            : Filled<To, number>
          : `${Op}: ${ShapeProblem<O[0]>}`
      : never
    : Shape
  : never;

/** The list with 1 for each −1, and as many marks as there were. */
type Opened<S extends Shape, Out extends number[] = [], Open extends 0[] = []> = S extends readonly [
  infer D extends number,
  ...infer Rest extends Shape,
]
  ? [D] extends [-1]
    ? Opened<Rest, [...Out, 1], [...Open, 0]>
    : Opened<Rest, [...Out, Known<D>], Open>
  : [Out, Open];

type Filled<To extends Shape, D extends number> = {
  -readonly [K in keyof To]: [To[K]] extends [-1] ? D : Known<To[K]>;
};

type Reshaped<
  Of extends [Shape, Shape, string],
  Size extends Product<Shape>,
  Rest extends Product<Shape>,
  Open,
> =
  Quotient<Size, Rest> extends infer Q
    ? Q extends "?"
      ? Filled<Of[1], number>
      : Open extends 1
        ? Q extends [infer Digits extends string, infer Name]
          ? Filled<Of[1], FromProduct<Digits, Name>>
          : `${Of[2]}: ${Format<Of[0]>} has ${SizeText<Size>} elements but ${Format<Of[1]>} has a multiple of ${SizeText<Rest>}.`
        : Q extends ["1", unknown] | "0/0"
          ? Filled<Of[1], number>
          : `${Of[2]}: ${Format<Of[0]>} has ${SizeText<Size>} elements but ${Format<Of[1]>} has ${SizeText<Rest>}.`
    : never;

/** `24576`; with names, `3072·N`. */
type SizeText<P extends Product<Shape>> = `${ToNumber<P[0]>}${Names<P[1]>}`;

type Names<Of extends readonly unknown[], Out extends string = ""> = Of extends readonly [
  infer D,
  ...infer Rest,
]
  ? Names<Rest, `${Out}·${DimText<D>}`>
  : Out;

/**
 * `to` with at most one −1 filled in, so that it has as many elements as `from`.
 *
 * @example
 * ```ts
 * import { reshape } from "@convoke/shape";
 * console.log(reshape("reshape", [8, 3, 32, 32], [8, -1])); // [8, 3072]
 * ```
 */
export function reshape(operation: string, from: Shape, to: Shape): Shape {
  assertList(operation, to);
  const open = to.indexOf(-1);
  const known = open < 0 ? to : to.with(open, 1);
  if (known.includes(-1)) {
    refuse(
      operation,
      `${formatShape(to)} has more than one -1`,
      ", only one axis can be inferred.",
      "Write out the others.",
    );
  }
  assertShape(operation, known);
  const size = shapeSize(from);
  const rest = shapeSize(known);
  if (open < 0 ? rest !== size : size % rest !== 0) {
    const axis = to.findIndex((d) => d > 0 && Number.isInteger((size * d) / rest));
    refuse(
      operation,
      `${formatShape(from)} has ${size} elements`,
      ` but ${formatShape(to)} has ${open < 0 ? "" : "a multiple of "}${rest}.`,
      axis < 0
        ? `Use numbers whose product is ${size}.`
        : `Use ${formatShape(to.with(axis, (size * dim(to, axis)) / rest))}.`,
    );
  }
  return open < 0 ? to : to.with(open, size / rest);
}

/** The shape `S` with its axes from `Start` on made one, or what is wrong with `Start`. */
export type Flatten<S extends Shape, Start extends number = 1, Op extends string = "flatten"> = [
  S[number],
] extends [number]
  ? HasRank<S> extends true
    ? SameDim<Start, S["length"]> extends true
      ? [...S, 1]
      : AxisOf<Start, S["length"]> extends infer First extends string
        ? First extends "?"
          ? Shape
          : First extends `${string} ${string}`
            ? `${Op}: ${First}`
            : FlattenFrom<S, First>
        : never
    : Start extends 1
      ? [number, number]
      : Shape
  : never;

type FlattenFrom<
  S extends Shape,
  First extends string,
  Kept extends number[] = [],
> = `${Kept["length"]}` extends First
  ? [...Kept, S extends readonly [infer Only extends number] ? Only : SizeOf<Product<S>>]
  : S extends readonly [infer D extends number, ...infer Rest extends Shape]
    ? FlattenFrom<Rest, First, [...Kept, D]>
    : Kept;

type SizeOf<P extends Product<Shape>> = P[2] extends true ? number : FromProduct<P[0], P[1]>;

/**
 * The shape with all axes from `startAxis` on made one; where there are none, that one is 1, as in ONNX's Flatten.
 *
 * @example
 * ```ts
 * import { flatten } from "@convoke/shape";
 * console.log(flatten("flatten", [8, 16, 5, 5])); // [8, 400]
 * ```
 */
export function flatten(operation: string, s: Shape, startAxis: number = 1): Shape {
  const start = startAxis === s.length ? startAxis : normaliseAxis(operation, startAxis, s.length);
  return [...s.slice(0, start), shapeSize(s.slice(start))];
}

/** The shape `S` with its axes in the order `Axes`, or what is wrong with that order. */
export type Permute<S extends Shape, Axes extends Shape, Op extends string = "permute"> = [
  S[number] | Axes[number],
] extends [number]
  ? [LengthProblem<"axis list", Axes, S>] extends [never]
    ? HasRank<S> extends true
      ? AxesOf<Axes, S["length"]> extends infer Found
        ? Found extends readonly string[]
          ? { [K in keyof Found]: S[Found[K] & keyof S] & number }
          : Found extends "?"
            ? UnknownDims<S>
            : `${Op}: ${Found & string}`
        : never
      : UnknownDims<Axes>
    : `${Op}: ${LengthProblem<"axis list", Axes, S>}`
  : never;

/**
 * The shape with its axes in a new order: axis i of the result is axis `axes[i]` of `s`.
 *
 * @example
 * ```ts
 * import { permute } from "@convoke/shape";
 * console.log(permute("permute", [1, 28, 28, 3], [0, 3, 1, 2])); // [1, 3, 28, 28]
 * ```
 */
export function permute(operation: string, s: Shape, axes: Shape): Shape {
  checkLength(operation, "axis list", [axes, s]);
  return normaliseAxes(operation, axes, s.length).map((axis) => dim(s, axis));
}

/** The shape `S` with its last two axes exchanged. */
export type Transpose<S extends Shape, Op extends string = "transpose"> = [S[number]] extends [number]
  ? HasRank<S> extends true
    ? S extends readonly [...infer Batch extends Shape, infer X extends number, infer Y extends number]
      ? [...Batch, Y, X]
      : `${Op}: got ${Format<S>}, it must be at least 2-D.`
    : Shape
  : never;

/**
 * The shape with its last two axes exchanged.
 *
 * @example
 * ```ts
 * import { transpose } from "@convoke/shape";
 * console.log(transpose("transpose", [8, 2, 3])); // [8, 3, 2]
 * ```
 */
export function transpose(operation: string, s: Shape): Shape {
  checkRank(operation, s, 2);
  return swapLast(s);
}

/** The shape `S` without axes of 1, or what is wrong with the axes. */
export type Squeeze<
  S extends Shape,
  Axes extends number | Shape | undefined = undefined,
  Op extends string = "squeeze",
> = [S[number]] extends [number]
  ? HasRank<S> extends true
    ? [Axes] extends [undefined]
      ? WithoutOnes<S>
      : [undefined] extends [Axes]
        ? Shape
        : AxesOf<Axes, S["length"]> extends infer Found
          ? Found extends string[]
            ? NotOne<S, Found> extends infer Wrong extends string
              ? [Wrong] extends [never]
                ? ReplaceAxes<S, Found[number], []>
                : `${Op}: axis ${Wrong} of ${Format<S>} is ${DimText<S[Wrong & keyof S]>}, it must be 1.`
              : never
            : Found extends "?"
              ? Shape
              : `${Op}: ${Found & string}`
          : never
    : Shape
  : never;

type WithoutOnes<S extends Shape, Out extends number[] = []> = S extends readonly [
  infer D extends number,
  ...infer Rest extends Shape,
]
  ? Digits<D> extends "?"
    ? Shape
    : WithoutOnes<Rest, D extends 1 ? Out : [...Out, D]>
  : Out;

/** The first of the axes whose size is known and not 1, else never. */
type NotOne<S extends Shape, Axes extends readonly string[]> = Axes extends readonly [
  infer A extends string,
  ...infer Rest extends readonly string[],
]
  ? Digits<S[A & keyof S] & number> extends "1" | "?"
    ? NotOne<S, Rest>
    : A
  : never;

/**
 * The shape without the given axes, each of which must be 1; without all axes of 1 where none are given.
 *
 * @example
 * ```ts
 * import { squeeze } from "@convoke/shape";
 * console.log(squeeze("squeeze", [8, 10, 1, 1], [2, 3])); // [8, 10]
 * ```
 */
export function squeeze(operation: string, s: Shape, axes?: number | Shape): Shape {
  if (axes === undefined) return s.filter((d) => d !== 1);
  for (const axis of normaliseAxes(operation, axes, s.length)) {
    const d = dim(s, axis);
    if (d !== 1)
      refuse(operation, `axis ${axis} of ${formatShape(s)} is ${d}`, ", it must be 1.", "Leave it out.");
  }
  return reduce(operation, s, axes);
}

/** The shape `S` with new axes of 1, or what is wrong with their places. */
export type Unsqueeze<S extends Shape, Axes extends number | Shape, Op extends string = "unsqueeze"> = [
  S[number],
] extends [number]
  ? HasRank<S> extends true
    ? (
        Axes extends number ? [...S, 0] : Axes extends Shape ? [...S, ...Axes] : never
      ) extends infer Like extends Shape
      ? HasRank<Like> extends true
        ? AxesOf<Axes, Like["length"]> extends infer Found
          ? Found extends string[]
            ? InsertAxes<S, Found[number], 1>
            : Found extends "?"
              ? UnknownDims<Like>
              : `${Op}: ${Found & string}`
          : never
        : Shape
      : never
    : Shape
  : never;

/**
 * The shape with new axes of 1; `axes` are their places in the result.
 *
 * @example
 * ```ts
 * import { unsqueeze } from "@convoke/shape";
 * console.log(unsqueeze("unsqueeze", [6], [1, 2])); // [6, 1, 1]
 * ```
 */
export function unsqueeze(operation: string, s: Shape, axes: number | Shape): Shape {
  const rank = s.length + (typeof axes === "number" ? 1 : axes.length);
  return normaliseAxes(operation, axes, rank)
    .toSorted((a, b) => a - b)
    .reduce<Shape>((grown, axis) => grown.toSpliced(axis, 0, 1), s);
}
