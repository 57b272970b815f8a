import { refuse } from "./shape-error.js";
import type { Digits, DimText, SameDim } from "./arithmetic/dims.js";
import type { Format, HasRank, ShapeProblem } from "./axes.js";
import { assertShape, dim, formatShape, type Shape } from "./shape.js";

/** The shape of an element-wise operation on `A` and `B`, or what is wrong with them. */
export type Broadcast<A extends Shape, B extends Shape, Op extends string = "broadcast"> = [
  A[number] | B[number],
] extends [number]
  ? BroadcastAs<A, B> extends infer R
    ? R extends string
      ? `${Op}: ${Format<A>} and ${Format<B>} do not broadcast${R}`
      : R
    : never
  : never;

/** As `Broadcast`; of a message only the end. */
export type BroadcastAs<A extends Shape, B extends Shape> =
  HasRank<A> extends true ? (HasRank<B> extends true ? FromLast<A, B> : Shape) : Shape;

// The message of the axis furthest left wins, as at run time, so the walk goes on after a mismatch.
type FromLast<
  A extends Shape,
  B extends Shape,
  Out extends number[] = [],
  Wrong extends string = "",
> = A extends readonly [...infer A2 extends Shape, infer X extends number]
  ? B extends readonly [...infer B2 extends Shape, infer Y extends number]
    ? BroadcastDim<X, Y> extends infer D extends number
      ? [D] extends [never]
        ? FromLast<A2, B2, [1, ...Out], AxisMismatch<X, Y, Out>>
        : FromLast<A2, B2, [D, ...Out], Wrong>
      : never
    : Wrong extends ""
      ? [...A, ...Out]
      : Wrong
  : Wrong extends ""
    ? [...B, ...Out]
    : Wrong;

type AxisMismatch<
  X,
  Y,
  Behind extends readonly unknown[],
> = `: axis -${[...Behind, 0]["length"] & number} is ${DimText<X>} and ${DimText<Y>}, it must be equal or one of them 1.`;

/** One dimension of a broadcast; never where two sizes are known and do not fit. */
type BroadcastDim<X extends number, Y extends number> =
  SameDim<X, Y> extends true
    ? X
    : Digits<X> extends "1"
      ? Y
      : Digits<Y> extends "1"
        ? X
        : Digits<X> extends "?"
          ? Digits<Y> extends "?"
            ? number
            : Y
          : Digits<Y> extends "?"
            ? X
            : never;

/**
 * NumPy's rule: aligned at the last axis, two dimensions are equal or one of them is 1; absent ones count as 1.
 *
 * @example
 * ```ts
 * import { broadcast } from "@convoke/shape";
 * console.log(broadcast("add", [8, 1, 5], [3, 1])); // [8, 3, 5]
 * ```
 */
export function broadcast(operation: string, a: Shape, b: Shape): Shape {
  return broadcastAs(operation, a, b, `${formatShape(a)} and ${formatShape(b)} do not broadcast`);
}

/** As `broadcast`; `got` is the beginning of the message. */
export function broadcastAs(operation: string, a: Shape, b: Shape, got: string): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const axis = i - rank;
    const x = dim(a, axis);
    const y = dim(b, axis);
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    return refuse(
      operation,
      got,
      `: axis ${axis} is ${x} and ${y}, it must be equal or one of them 1.`,
      alignedReshape(a, b) ?? `Make both ${x} or ${y}, or one of them 1.`,
    );
  });
}

/** The usual slip is a per-channel vector, which NumPy aligns at the last axis: trailing ones put it right. */
function alignedReshape(a: Shape, b: Shape): string | undefined {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  for (let padded = [...short, 1]; padded.length <= long.length; padded = [...padded, 1]) {
    if (padded.every((d, i) => d === 1 || d === long.at(i - padded.length))) {
      return `Reshape ${formatShape(short)} to ${formatShape(padded)}.`;
    }
  }
  return undefined;
}

/** The shape of an element-wise operation on any number of operands. */
export type BroadcastAll<
  Shapes extends readonly Shape[],
  Op extends string = "broadcast",
  Out extends Shape = [],
> = Shapes extends readonly [infer S extends Shape, ...infer Rest extends readonly Shape[]]
  ? Broadcast<Out, S, Op> extends infer R
    ? R extends Shape
      ? BroadcastAll<Rest, Op, R>
      : R
    : never
  : HasRank<Shapes> extends true
    ? Out
    : Shape;

/**
 * `broadcast` over any number of shapes; none gives a scalar.
 *
 * @example
 * ```ts
 * import { broadcastAll } from "@convoke/shape";
 * console.log(broadcastAll("where", [[4, 1], [3], []])); // [4, 3]
 * ```
 */
export function broadcastAll(operation: string, shapes: readonly Shape[]): Shape {
  return shapes.reduce((all, s) => broadcast(operation, all, s), []);
}

/** The shape of `From` repeated to `To`, or what is wrong with them. */
export type BroadcastTo<From extends Shape, To extends Shape, Op extends string = "broadcastTo"> = [
  From[number] | To[number],
] extends [number]
  ? HasRank<To> extends false
    ? Shape
    : [ShapeProblem<To>] extends [never]
      ? BroadcastAs<From, To> extends infer Both
        ? Both extends string
          ? `${Op}: ${Format<From>} does not broadcast to ${Format<To>}${Both}`
          : Both extends Shape
            ? HasRank<Both> extends false
              ? [...To]
              : Both["length"] extends To["length"]
                ? Grown<Both, To> extends true
                  ? NotRepeated<From, To, Op>
                  : [...To]
                : NotRepeated<From, To, Op>
            : never
        : never
      : `${Op}: ${ShapeProblem<To>}`
  : never;

type NotRepeated<
  From extends Shape,
  To extends Shape,
  Op extends string,
> = `${Op}: ${Format<From>} does not broadcast to ${Format<To>}, it must be equal or 1 on each axis.`;

/** Whether a dimension of the broadcast is surely larger than the target's 1. */
type Grown<Both extends Shape, To extends Shape> = true extends {
  [K in keyof To]: K extends keyof Both
    ? Digits<To[K]> extends "1"
      ? Digits<Both[K] & number> extends "1" | "?"
        ? false
        : true
      : false
    : false;
}[number]
  ? true
  : false;

/**
 * `to`, if `from` can be repeated to it along absent axes and axes of 1.
 *
 * @example
 * ```ts
 * import { broadcastTo } from "@convoke/shape";
 * console.log(broadcastTo("broadcastTo", [3, 1], [2, 3, 4])); // [2, 3, 4]
 * ```
 */
export function broadcastTo(operation: string, from: Shape, to: Shape): Shape {
  assertShape(operation, to);
  const got = `${formatShape(from)} does not broadcast to ${formatShape(to)}`;
  const both = broadcastAs(operation, from, to, got);
  if (formatShape(both) !== formatShape(to)) {
    refuse(operation, got, ", it must be equal or 1 on each axis.", `Use ${formatShape(both)}.`);
  }
  return to;
}
