// Axes in the type system: counted from the front, refused in the words of `normaliseAxis` and `checkLength`.
import type { AxesOfRank } from "./generated/digit-tables.js";
import type { DimText, NotPositive, NotWhole } from "./arithmetic/dims.js";
import type { Shape } from "./shape.js";

/** `[N, 3, 32, 32]`; an unknown dimension is "?". */
export type Format<S extends readonly unknown[], Out extends string = ""> = S extends readonly [
  infer D,
  ...infer Rest,
]
  ? Format<Rest, Out extends "" ? DimText<D> : `${Out}, ${DimText<D>}`>
  : `[${Out}]`;

/** `3×3`. */
export type Times<S extends readonly unknown[], Out extends string = ""> = S extends readonly [
  infer D,
  ...infer Rest,
]
  ? Times<Rest, Out extends "" ? DimText<D> : `${Out}×${DimText<D>}`>
  : Out;

/** As many unknown dimensions as `Like` has. */
export type UnknownDims<Like extends readonly unknown[]> = { -readonly [K in keyof Like]: number };

/** `[S, 1, 1]` and the like tell a literal list from one whose length is unknown. */
export type HasRank<S extends readonly unknown[]> = number extends S["length"] ? false : true;

type Before = [never, 0, 1, 2, 3, 4, 5, 6, 7];

/**
 * The axis counted from the front as text ("2"); "?" where it is not known (or the rank is above 8), and the message
 * after the operation's name where there is no such axis.
 */
export type AxisOf<Axis extends number, Rank extends number> = number extends Axis
  ? "?"
  : `${Rank}` extends keyof AxesOfRank
    ? `${Axis}` extends keyof AxesOfRank[`${Rank}`]
      ? AxesOfRank[`${Rank}`][`${Axis}`] & string
      : NoAxis<Axis, Rank>
    : "?";

type NoAxis<Axis extends number, Rank extends number> = Rank extends 0
  ? "got [], it must be at least 1-D."
  : `axis is ${Axis}, it must be a whole number from -${Rank} to ${Before[Rank]} for ${Rank}-D.`;

type Several<Axes> = [Axes] extends [number] ? [Axes] : Axes;

/** Each of several axes as `AxisOf` gives it, or one message; "?" where one of them is not known. */
export type AxesOf<Axes, Rank extends number> =
  Several<Axes> extends infer List extends Shape
    ? HasRank<List> extends true
      ? AxesOn<List, Rank>
      : "?"
    : never;

type AxesOn<
  Axes extends Shape,
  Rank extends number,
  Out extends string[] = [],
  All extends Shape = Axes,
> = Axes extends readonly [infer A extends number, ...infer Rest extends Shape]
  ? AxisOf<A, Rank> extends infer Found extends string
    ? Found extends "?"
      ? "?"
      : Found extends `${string} ${string}`
        ? Found
        : AxesOn<Rest, Rank, [...Out, Found], All>
    : never
  : Twice<Out> extends true
    ? `axes ${Format<All>} name an axis twice, it must be once.`
    : Out;

type Twice<Axes extends readonly string[]> = Axes extends readonly [
  infer A,
  ...infer Rest extends readonly string[],
]
  ? A extends Rest[number]
    ? true
    : Twice<Rest>
  : false;

/** The dimensions at other places than `Gone`, and `Instead` at those. */
export type ReplaceAxes<
  S extends Shape,
  Gone extends string,
  Instead extends Shape,
  Place extends 0[] = [],
  Out extends number[] = [],
> = S extends readonly [infer D extends number, ...infer Rest extends Shape]
  ? ReplaceAxes<
      Rest,
      Gone,
      Instead,
      [...Place, 0],
      `${Place["length"]}` extends Gone ? [...Out, ...Instead] : [...Out, D]
    >
  : Out;

/** The shape with `D` at each of the places in the result. */
export type InsertAxes<
  S extends Shape,
  Places extends string,
  D extends number,
  Out extends number[] = [],
> = `${Out["length"]}` extends Places
  ? InsertAxes<S, Places, D, [...Out, D]>
  : S extends readonly [infer First extends number, ...infer Rest extends Shape]
    ? InsertAxes<Rest, Places, D, [...Out, First]>
    : Out;

/** The message of `checkLength` for two lists whose lengths differ, else never. */
export type LengthProblem<
  What extends string,
  List extends readonly unknown[],
  Like extends readonly unknown[],
> =
  HasRank<List> extends true
    ? HasRank<Like> extends true
      ? List["length"] extends Like["length"]
        ? never
        : `${What} has ${List["length"]} entries, it must be ${Like["length"]}.`
      : never
    : never;

/** The message of the first dimension that is no natural number, else never. */
export type ShapeProblem<
  S extends Shape,
  All extends Shape = S,
  Place extends 0[] = [],
> = S extends readonly [infer D extends number, ...infer Rest extends Shape]
  ? [NotWhole<D>] extends [never]
    ? ShapeProblem<Rest, All, [...Place, 0]>
    : `axis ${Place["length"]} of ${Format<All>} is ${D}, it must be a whole number of at least 0.`
  : never;

/** The value for one axis, of one number for all of them or one for each. */
export type At<V extends number | Shape, Axis extends number> = V extends number
  ? V
  : V extends Shape
    ? number extends V["length"]
      ? number
      : V[Axis]
    : never;

/** The message of `perAxis` and `wholeNumber` (of at least 0 or 1) for an option, else never. */
export type OptionProblem<
  What extends string,
  V extends number | Shape,
  Least extends 0 | 1,
  Like extends Shape,
> = [V] extends [number]
  ? [Refused<V, Least>] extends [never]
    ? never
    : `${What} is ${V}, it must be a whole number of at least ${Least}.`
  : V extends Shape
    ? HasRank<V> extends true
      ? V["length"] extends Like["length"]
        ? [FirstRefused<V, Least>] extends [never]
          ? never
          : `${What} is ${FirstRefused<V, Least>}, it must be a whole number of at least ${Least}.`
        : HasRank<Like> extends true
          ? `${What} has ${V["length"]} entries, it must be ${Like["length"]}.`
          : never
      : never
    : never;

type Refused<D extends number, Least extends 0 | 1> = Least extends 1 ? NotPositive<D> : NotWhole<D>;

/** The first entry that is no whole number of at least 0 or 1, else never. */
export type FirstRefused<V extends Shape, Least extends 0 | 1> = V extends readonly [
  infer D extends number,
  ...infer Rest extends Shape,
]
  ? [Refused<D, Least>] extends [never]
    ? FirstRefused<Rest, Least>
    : D
  : never;
