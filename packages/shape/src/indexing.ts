// Look-ups along an axis.
import type { AxisOf, HasRank, ReplaceAxes, UnknownDims } from "./axes.js";
import { normaliseAxis, type Shape } from "./shape.js";

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
