// One tensor of several, or of one several times: concat, stack, tile, repeat.
import type { Digits, IsNamed, NotWhole, SameDim } from "./arithmetic/dims.js";
import type { Add, Multiply, ToNumber } from "./arithmetic/natural.js";
import type {
  AxisOf,
  FirstRefused,
  Format,
  HasRank,
  InsertAxes,
  LengthProblem,
  UnknownDims,
} from "./axes.js";
import { refuse } from "./shape-error.js";
import { checkLength, dim, formatShape, normaliseAxis, type Shape, wholeNumber } from "./shape.js";

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
      : `${Op}: count is ${FirstRefused<Counts, 0>}, it must be a whole number of at least 0.`
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
