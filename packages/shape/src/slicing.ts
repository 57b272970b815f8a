// A part of a tensor, and what stands around it: slice, pad.
import type { Digits, DimText, NotWhole } from "./arithmetic/dims.js";
import type { Add, ToNumber } from "./arithmetic/natural.js";
import type { Clip, StepsBetween } from "./arithmetic/positions.js";
import type { HasRank, LengthProblem, UnknownDims } from "./axes.js";
import { refuse } from "./shape-error.js";
import { checkLength, dim, type Shape, wholeNumber } from "./shape.js";
import type { Pads } from "./window-options.js";

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
