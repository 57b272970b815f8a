import { refuse } from "./shape-error.js";
import { assertShape, dim, formatShape, type Shape, type Unfollowed } from "./shape.js";

/** The shape of an element-wise operation on `A` and `B`. */
export type Broadcast<A extends Shape, B extends Shape> = Unfollowed<[A, B]>;

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
export type BroadcastAll<Shapes extends readonly Shape[]> = Unfollowed<Shapes>;

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

/** The shape of `From` repeated to `To`. */
export type BroadcastTo<From extends Shape, To extends Shape> = Unfollowed<[From, To]>;

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
