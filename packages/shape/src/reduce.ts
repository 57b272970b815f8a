import { normaliseAxes, type Shape, type Unfollowed } from "./shape.js";

/** The shape of a reduction of `S`. */
export type Reduce<
  S extends Shape,
  Axes extends number | Shape | undefined = undefined,
  KeepDims extends boolean = false,
> = Unfollowed<[S, Axes, KeepDims]>;

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
