import type { AxesOf, HasRank, ReplaceAxes } from "./axes.js";
import { normaliseAxes, type Shape } from "./shape.js";

/** The shape of a reduction of `S`, or what is wrong with the axes. */
export type Reduce<
  S extends Shape,
  Axes extends number | Shape | undefined = undefined,
  KeepDims extends boolean | undefined = false,
  Op extends string = "reduce",
> = [S[number]] extends [number]
  ? [boolean] extends [KeepDims]
    ? Shape
    : [undefined] extends [Axes]
      ? [Axes] extends [undefined]
        ? KeepDims extends true
          ? { -readonly [K in keyof S]: 1 }
          : []
        : Shape
      : HasRank<S> extends true
        ? AxesOf<Axes, S["length"]> extends infer Found
          ? Found extends string[]
            ? ReplaceAxes<S, Found[number], KeepDims extends true ? [1] : []>
            : Found extends "?"
              ? KeepDims extends true
                ? { -readonly [K in keyof S]: number }
                : Shape
              : `${Op}: ${Found & string}`
          : never
        : Shape
  : never;

/**
 * The shape after a reduction over `axes`, negative ones counted from the end; undefined means all of them, `[]` none.
 * With `keepDims` the reduced axes stay, as 1.
 *
 * @example
 * ```ts
 * import { reduce } from "@convoke/shape";
 * console.log(reduce("sum", [8, 10], -1)); // [8]
 * console.log(reduce("sum", [8, 10], -1, true)); // [8, 1]
 * ```
 */
export function reduce(
  operation: string,
  s: Shape,
  axes: number | Shape | undefined,
  keepDims: boolean = false,
): Shape {
  const gone = axes === undefined ? [...s.keys()] : normaliseAxes(operation, axes, s.length);
  return s.flatMap((d, axis) => (gone.includes(axis) ? (keepDims ? [1] : []) : [d]));
}
