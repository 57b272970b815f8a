import type { Digits, DimText, IsNamed, Known, NotWhole, SameDim } from "./arithmetic/dims.js";
import type { Add, Multiply, ToNumber } from "./arithmetic/natural.js";
import type { Clip, StepsBetween } from "./arithmetic/positions.js";
import type { FromProduct, Product, Quotient } from "./arithmetic/product.js";
import type { AxesOf, AxisOf, Format, HasRank, ReplaceAxes, ShapeProblem, UnknownDims } from "./axes.js";
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
  wholeNumber,
} from "./shape.js";
import { swapLast } from "./matmul.js";
import { reduce } from "./reduce.js";
import type { Pads } from "./window.js";

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

/** The message of `checkLength` for two lists whose lengths differ, else never. */
type LengthProblem<What extends string, List extends readonly unknown[], Like extends readonly unknown[]> =
  HasRank<List> extends true
    ? HasRank<Like> extends true
      ? List["length"] extends Like["length"]
        ? never
        : `${What} has ${List["length"]} entries, it must be ${Like["length"]}.`
      : never
    : never;

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

/** The shape of `Shapes` joined along `Axis`, or what is wrong with them. */
export type Concat<
  Shapes extends readonly Shape[],
  Axis extends number = number,
  Op extends string = "concat",
> = [Shapes[number][number] | Axis] extends [number]
  ? Shapes extends readonly []
    ? `${Op}: number of tensors is 0, it must be a whole number of at least 1.`
    : Shapes extends readonly [infer First extends Shape, ...infer Rest extends readonly Shape[]]
      ? HasRank<First> extends true
        ? AxisOf<Axis, First["length"]> extends infer Free extends string
          ? Free extends "?"
            ? UnknownDims<First>
            : Free extends `${string} ${string}`
              ? `${Op}: ${Free}`
              : Joined<[First, Free, `, only axis ${Axis} may differ`, Op], First, Rest>
          : never
        : Shape
      : Shape
  : never;

type Joined<
  Of extends [Shape, string, string, string],
  Out extends Shape,
  Rest extends readonly Shape[],
> = Rest extends readonly [infer S extends Shape, ...infer Rest2 extends readonly Shape[]]
  ? HasRank<S> extends true
    ? Agreed<Out, S, Of[1]> extends infer Both
      ? Both extends Shape
        ? Joined<Of, Both, Rest2>
        : `${Of[3]}: ${Format<Of[0]>} and ${Format<S>} differ${Of[2]}.`
      : never
    : Joined<Of, { [K in keyof Out]: K extends Of[1] ? number : Out[K] }, Rest2>
  : HasRank<Rest> extends true
    ? { -readonly [K in keyof Out]: Out[K] }
    : { -readonly [K in keyof Out]: K extends Of[1] ? number : Out[K] };

/** Two shapes made one, added along `Free`; "!" where they surely differ elsewhere. */
type Agreed<A extends Shape, B extends Shape, Free extends string> = A["length"] extends B["length"]
  ? {
      -readonly [K in keyof A]: K extends Free
        ? AddDims<A[K], B[K & keyof B] & number>
        : AgreedDim<A[K], B[K & keyof B] & number>;
    } extends infer Both extends Shape
    ? "!" extends Mark<Both>
      ? "!"
      : Both
    : never
  : "!";

type Mark<S extends Shape> = { [K in keyof S]: [S[K]] extends [never] ? "!" : "" }[number];

/** The size that both must have; never where both are known and differ. */
type AgreedDim<X extends number, Y extends number> =
  SameDim<X, Y> extends true
    ? X
    : Digits<X> extends "?"
      ? IsNamed<X> extends true
        ? Digits<Y> extends "?"
          ? X
          : Y
        : Y
      : Digits<Y> extends "?"
        ? X
        : never;

type AddDims<X extends number, Y extends number> =
  Digits<X> extends "?"
    ? Y extends 0
      ? X
      : number
    : Digits<Y> extends "?"
      ? X extends 0
        ? Y
        : number
      : ToNumber<Add<Digits<X>, Digits<Y>>>;

/**
 * The shape of tensors joined along `axis`; on all the other axes they agree.
 *
 * @example
 * ```ts
 * import { concat } from "@convoke/shape";
 * console.log(concat("concat", [[8, 64, 7, 7], [8, 32, 7, 7]], 1)); // [8, 96, 7, 7]
 * ```
 */
export function concat(operation: string, shapes: readonly Shape[], axis: number): Shape {
  return checkAgree(operation, shapes, axis).with(
    axis,
    shapes.reduce((total, s) => total + dim(s, axis), 0),
  );
}

/** The first shape, if all the others equal it, except on the axis `free` where there is one. */
function checkAgree(operation: string, shapes: readonly Shape[], free?: number): Shape {
  wholeNumber(operation, "number of tensors", shapes.length, [1]);
  const [first = []] = shapes;
  if (free !== undefined) normaliseAxis(operation, free, first.length);
  for (const s of shapes) {
    const wanted = formatShape(free === undefined ? first : first.with(free, dim(s, free)));
    if (formatShape(s) !== wanted) {
      refuse(
        operation,
        `${formatShape(first)} and ${formatShape(s)} differ`,
        free === undefined ? ", it must be one shape." : `, only axis ${free} may differ.`,
        `Make the second ${wanted}.`,
      );
    }
  }
  return first;
}

/** The shape of `Shapes` laid one upon the other along a new `Axis`, or what is wrong with them. */
export type Stack<Shapes extends readonly Shape[], Axis extends number = 0, Op extends string = "stack"> = [
  Shapes[number][number] | Axis,
] extends [number]
  ? Shapes extends readonly []
    ? `${Op}: number of tensors is 0, it must be a whole number of at least 1.`
    : Shapes extends readonly [infer First extends Shape, ...infer Rest extends readonly Shape[]]
      ? HasRank<First> extends true
        ? Joined<[First, "none", ", it must be one shape", Op], First, Rest> extends infer One
          ? One extends Shape
            ? AxisOf<Axis, [...First, 0]["length"]> extends infer Place extends string
              ? Place extends `${string} ${string}`
                ? `${Op}: ${Place}`
                : Place extends "?"
                  ? UnknownDims<[...One, 0]>
                  : InsertAxes<One, Place, Shapes["length"]>
              : never
            : One
          : never
        : Shape
      : Shape
  : never;

/** The shape with `D` at each of the places in the result. */
type InsertAxes<
  S extends Shape,
  Places extends string,
  D extends number,
  Out extends number[] = [],
> = `${Out["length"]}` extends Places
  ? InsertAxes<S, Places, D, [...Out, D]>
  : S extends readonly [infer First extends number, ...infer Rest extends Shape]
    ? InsertAxes<Rest, Places, D, [...Out, First]>
    : Out;

/**
 * The shape of equal tensors laid one upon the other; `axis` is where the new axis stands in the result.
 *
 * @example
 * ```ts
 * import { stack } from "@convoke/shape";
 * console.log(stack("stack", [[28, 28], [28, 28], [28, 28]])); // [3, 28, 28]
 * ```
 */
export function stack(operation: string, shapes: readonly Shape[], axis: number = 0): Shape {
  const first = checkAgree(operation, shapes);
  return first.toSpliced(normaliseAxis(operation, axis, first.length + 1), 0, shapes.length);
}

/** A part of one axis, as Python's `start:end:step`: negative positions count from the end, and all are clipped. */
export interface SliceRange {
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  /** Not 0; a negative step walks backwards. Absent, 1. */
  readonly step?: number | undefined;
}

/** A slice with its positions counted from the front: element i of an axis is element start + i·step of the input. */
export interface Sliced<S extends Shape = Shape> {
  readonly shape: S;
  readonly start: Shape;
  readonly step: Shape;
}

/** The shape of a slice of `S`, or what is wrong with the ranges. */
export type Slice<
  S extends Shape,
  Ranges extends readonly (SliceRange | undefined)[],
  Op extends string = "slice",
> = [S[number]] extends [number]
  ? HasRank<S> extends true
    ? HasRank<Ranges> extends true
      ? S extends readonly [...UnknownDims<Ranges>, ...unknown[]]
        ? Slices<S, Ranges> extends infer R
          ? R extends string
            ? `${Op}: ${R}`
            : R
          : never
        : `${Op}: range list has ${Ranges["length"]} entries, it must be ${S["length"]}.`
      : UnknownDims<S>
    : Shape
  : never;

type Slices<
  S extends Shape,
  Ranges extends readonly (SliceRange | undefined)[],
  Out extends number[] = [],
> = Ranges extends readonly [
  infer R extends SliceRange | undefined,
  ...infer Rest extends readonly (SliceRange | undefined)[],
]
  ? S extends readonly [infer N extends number, ...infer S2 extends Shape]
    ? SliceDim<N, Part<R, "start">, Part<R, "end">, Part<R, "step", 1>, Out["length"]> extends infer D
      ? D extends number
        ? Slices<S2, Rest, [...Out, D]>
        : D
      : never
    : never
  : [...Out, ...S];

type Part<R, K extends string, Absent = undefined> =
  R extends Readonly<Record<K, infer V>> ? (V extends undefined ? Absent : V) : Absent;

type SliceDim<N extends number, Start, End, Step, Axis extends number> = [
  NotRange<Start> | NotRange<End> | NotRange<Step> | (Step extends 0 ? 0 : never),
] extends [never]
  ? [Start, End, Step] extends [undefined, undefined, 1]
    ? N
    : Digits<N> extends "?"
      ? number
      : true extends IsOpen<Start> | IsOpen<End> | IsOpen<Step>
        ? number
        : `${Step & number}` extends `-${infer Back}`
          ? StepsBetween<Clip<End, N, "0", "1">, Clip<Start, N, Digits<N>, "1">, Back>
          : StepsBetween<Clip<Start, N, "0", "">, Clip<End, N, Digits<N>, "">, `${Step & number}`>
  : `range ${PositionText<Start, "0", DimText<N>, Step>}:${PositionText<End, DimText<N>, PastFirst<N>, Step>}:${Step & number} of axis ${Axis}, it must be whole numbers, the step not 0.`;

type IsOpen<P> = P extends number ? (Digits<P> extends "?" ? true : false) : false;

/** −n − 1, where a walk backwards ends that has no end of its own. */
type PastFirst<N extends number> = Digits<N> extends "?" ? "?" : `-${ToNumber<Add<Digits<N>, "1">>}`;

type PositionText<P, Forwards extends string, Backwards extends string, Step> = P extends number
  ? `${P}`
  : `${Step & number}` extends `-${string}`
    ? Backwards
    : Forwards;

type NotRange<P> = P extends number ? (`${P}` extends `${string}.${string}` ? P : never) : never;

/**
 * Python's slicing, a range for each axis; axes without one are kept whole.
 *
 * @example
 * ```ts
 * import { slice } from "@convoke/shape";
 * console.log(slice("slice", [10, 5], [{ start: -3 }, { step: -2 }]));
 * // { shape: [3, 3], start: [7, 4], step: [1, -2] }
 * ```
 */
export function slice(operation: string, s: Shape, ranges: readonly (SliceRange | undefined)[]): Sliced {
  if (ranges.length > s.length) checkLength(operation, "range list", [ranges, s]);
  const sliced: Record<keyof Sliced, number[]> = { shape: [], start: [], step: [] };
  s.forEach((n, axis) => {
    // Going backwards, "before the first" is -1 and the last place to start from is n - 1.
    const { step = 1, start = step < 0 ? n : 0, end = step < 0 ? -n - 1 : n } = ranges[axis] ?? {};
    if (!step || ![start, end, step].every(Number.isInteger)) {
      refuse(
        operation,
        `range ${start}:${end}:${step} of axis ${axis}`,
        ", it must be whole numbers, the step not 0.",
        "Use whole numbers, and step 1.",
      );
    }
    const low = step < 0 ? -1 : 0;
    const clip = (position: number): number =>
      Math.min(Math.max(position < 0 ? position + n : position, low), n + low);
    const from = clip(start);
    const count = Math.max(0, Math.ceil((clip(end) - from) / step));
    sliced.shape.push(count);
    sliced.start.push(count ? from : 0);
    sliced.step.push(step);
  });
  return sliced;
}

/** The shape `S` with padding, or what is wrong with the padding. */
export type Pad<S extends Shape, Padded extends readonly Pads[], Op extends string = "pad"> = [
  S[number],
] extends [number]
  ? [LengthProblem<"padding list", Padded, S>] extends [never]
    ? HasRank<Padded> extends true
      ? [NotWhole<Padded[number][number]>] extends [never]
        ? HasRank<S> extends true
          ? {
              -readonly [K in keyof S]: Padded[K & keyof Padded] extends infer P extends Pads
                ? PadDim<S[K], P[0], P[1]>
                : never;
            }
          : { -readonly [K in keyof Padded]: number }
        : `${Op}: padding is ${FirstNotWhole<Padded>}, it must be a whole number of at least 0.`
      : UnknownDims<S>
    : `${Op}: ${LengthProblem<"padding list", Padded, S>}`
  : never;

type PadDim<N extends number, Before extends number, After extends number> = [Before, After] extends [0, 0]
  ? N
  : "?" extends Digits<N> | Digits<Before> | Digits<After>
    ? number
    : ToNumber<Add<Digits<N>, Add<Digits<Before>, Digits<After>>>>;

type FirstNotWhole<Padded extends readonly Pads[]> = Padded extends readonly [
  infer P extends Pads,
  ...infer Rest extends readonly Pads[],
]
  ? [NotWhole<P[0]>] extends [never]
    ? [NotWhole<P[1]>] extends [never]
      ? FirstNotWhole<Rest>
      : P[1]
    : P[0]
  : never;

/**
 * The shape with `[before, after]` elements added to each axis.
 *
 * @example
 * ```ts
 * import { pad } from "@convoke/shape";
 * console.log(pad("pad", [2, 3], [[0, 0], [1, 2]])); // [2, 6]
 * ```
 */
export function pad(operation: string, s: Shape, pads: readonly Pads[]): Shape {
  checkLength(operation, "padding list", [pads, s]);
  return pads.map((sides, axis) =>
    sides.reduce((n, side) => n + wholeNumber(operation, "padding", side), dim(s, axis)),
  );
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

/** The shape of `S` looked up by `Indices` along `Axis`, or what is wrong with the axis. */
export type Gather<
  S extends Shape,
  Indices extends Shape,
  Axis extends number = 0,
  Op extends string = "gather",
> = [S[number] | Indices[number]] extends [number]
  ? HasRank<S> extends true
    ? AxisOf<Axis, S["length"]> extends infer Place extends string
      ? Place extends `${string} ${string}`
        ? `${Op}: ${Place}`
        : HasRank<Indices> extends false
          ? Shape
          : Place extends "?"
            ? S extends readonly [number, ...infer Rest extends Shape]
              ? UnknownDims<[...Rest, ...Indices]>
              : Shape
            : ReplaceAxes<S, Place, Indices>
      : never
    : Shape
  : never;

/**
 * The shape of a look-up: `axis` of `s` gives way to the whole shape of the indices.
 *
 * @example
 * ```ts
 * import { gather } from "@convoke/shape";
 * console.log(gather("embedding", [5000, 64], [8, 20], 0)); // [8, 20, 64]
 * ```
 */
export function gather(operation: string, s: Shape, indices: Shape, axis: number = 0): Shape {
  return s.toSpliced(normaliseAxis(operation, axis, s.length), 1, ...indices);
}

/** The shape `S` laid side by side, or what is wrong with the counts. */
export type Tile<S extends Shape, Counts extends Shape, Op extends string = "tile"> = [
  S[number] | Counts[number],
] extends [number]
  ? [LengthProblem<"count list", Counts, S>] extends [never]
    ? [NotWhole<Counts[number]>] extends [never]
      ? HasRank<Counts> extends true
        ? HasRank<S> extends true
          ? { -readonly [K in keyof S]: MultiplyDims<S[K], Counts[K & keyof Counts] & number> }
          : UnknownDims<Counts>
        : UnknownDims<S>
      : `${Op}: count is ${FirstNotWhole<{ [K in keyof Counts]: readonly [Counts[K], 0] }>}, it must be a whole number of at least 0.`
    : `${Op}: ${LengthProblem<"count list", Counts, S>}`
  : never;

type MultiplyDims<X extends number, Y extends number> = X extends 0
  ? 0
  : [Y] extends [0]
    ? 0
    : [Y] extends [1]
      ? X
      : "?" extends Digits<X> | Digits<Y>
        ? number
        : ToNumber<Multiply<Digits<X>, Digits<Y>>>;

/**
 * The shape of a tensor laid side by side, `counts` times along each axis.
 *
 * @example
 * ```ts
 * import { tile } from "@convoke/shape";
 * console.log(tile("tile", [2, 3], [1, 4])); // [2, 12]
 * ```
 */
export function tile(operation: string, s: Shape, counts: Shape): Shape {
  checkLength(operation, "count list", [counts, s]);
  return counts.map((count, axis) => dim(s, axis) * wholeNumber(operation, "count", count));
}

/** The shape `S` with each element along `Axis` repeated, or what is wrong with the count or the axis. */
export type Repeat<
  S extends Shape,
  Count extends number,
  Axis extends number = number,
  Op extends string = "repeat",
> = [S[number] | Count] extends [number]
  ? HasRank<S> extends true
    ? AxisOf<Axis, S["length"]> extends infer Place extends string
      ? Place extends `${string} ${string}`
        ? `${Op}: ${Place}`
        : [NotWhole<Count>] extends [never]
          ? Place extends "?"
            ? UnknownDims<S>
            : { -readonly [K in keyof S]: K extends Place ? MultiplyDims<S[K], Count> : S[K] }
          : `${Op}: count is ${Count}, it must be a whole number of at least 0.`
      : never
    : Shape
  : never;

/**
 * The shape of a tensor whose elements along `axis` each stand `count` times in a row.
 *
 * @example
 * ```ts
 * import { repeat } from "@convoke/shape";
 * console.log(repeat("repeat", [2, 3], 4, 1)); // [2, 12]
 * ```
 */
export function repeat(operation: string, s: Shape, count: number, axis: number): Shape {
  normaliseAxis(operation, axis, s.length);
  return s.with(axis, dim(s, axis) * wholeNumber(operation, "count", count));
}
