import { refuse } from "./shape-error.js";

/** The dimensions of a tensor, outermost first; `[]` is a scalar's. */
export type Shape = readonly number[];

/**
 * What a rule's type gives while dimensions are not followed at compile time. It names the rule's inputs, so that
 * signatures which use the rule stay as they are once it does.
 */
export type Unfollowed<Inputs> = Shape | (Inputs & never);

/**
 * Prints a shape; names (`N`) and `-1` are printed as given.
 *
 * @example
 * ```ts
 * import { formatShape } from "@convoke/shape";
 * console.log(formatShape(["N", 3, 32, 32])); // [N, 3, 32, 32]
 * ```
 */
export function formatShape(s: readonly (number | string)[]): string {
  return `[${s.join(", ")}]`;
}

/**
 * The number of elements: the product of the dimensions, 1 for a scalar.
 *
 * @example
 * ```ts
 * import { shapeSize } from "@convoke/shape";
 * console.log(shapeSize([2, 3]), shapeSize([])); // 6 1
 * ```
 */
export function shapeSize(s: Shape): number {
  return s.reduce((product, d) => product * d, 1);
}

/** The dimension at `axis`, counted from the end when negative; 1 where the shape has no such axis, as in broadcasting. */
export function dim(s: Shape, axis: number): number {
  return s.at(axis) ?? 1;
}

/**
 * Throws a ShapeError unless every dimension is a natural number and their product is at most 2^53.
 *
 * @example
 * ```ts
 * import { assertShape } from "@convoke/shape";
 * assertShape("zeros", [2, 0, 3]); // fine; [2, -3] or [1.5] would throw
 * ```
 */
export function assertShape(operation: string, s: Shape): void {
  s.forEach((d, axis) => {
    if (!Number.isSafeInteger(d) || d < 0) {
      const nearest = nearestWhole(d, 0);
      refuse(
        operation,
        `${formatShape(s)} has ${d} on axis ${axis}`,
        ", dimensions are whole numbers of at least 0.",
        `Use ${formatShape(s.with(axis, nearest))}, or another whole number there.`,
      );
    }
  });
  if (!(shapeSize(s) <= 2 ** 53)) {
    refuse(
      operation,
      `${formatShape(s)} has ${shapeSize(s)} elements`,
      `, a tensor has at most 2^53 = ${2 ** 53}.`,
      "Make a dimension smaller, or work in parts.",
    );
  }
}

function nearestWhole(value: number, least: number): number {
  return Number.isFinite(value) ? Math.max(least, Math.round(value)) : least;
}

/** Gives `value` back if it is a whole number of at least `least`; `what` is its name in the message. */
export function wholeNumber(operation: string, what: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least) {
    refuse(
      operation,
      `${what} is ${value}`,
      `, it must be a whole number of at least ${least}.`,
      `Use ${what} ${nearestWhole(value, least)}.`,
    );
  }
  return value;
}

/**
 * The axis counted from the front: -1 is the last.
 *
 * @example
 * ```ts
 * import { normaliseAxis } from "@convoke/shape";
 * console.log(normaliseAxis("softmax", -1, 4)); // 3
 * ```
 */
export function normaliseAxis(operation: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    refuse(
      operation,
      `axis ${axis} does not exist`,
      `, the shape has ${rank} axes.`,
      rank ? `Use a whole number from ${-rank} to ${rank - 1}.` : "Leave the axis out: a scalar has none.",
    );
  }
  return axis < 0 ? axis + rank : axis;
}

/** Several axes counted from the front, in the order given; an axis given twice is refused. */
export function normaliseAxes(operation: string, axes: number | Shape, rank: number): Shape {
  const given = typeof axes === "number" ? [axes] : axes;
  const normal = given.map((axis) => normaliseAxis(operation, axis, rank));
  normal.forEach((axis, i) => {
    if (normal.indexOf(axis) < i) {
      refuse(
        operation,
        `axes ${formatShape(given)} name axis ${axis} twice`,
        ", each axis may stand once.",
        `Leave out one of the two, or use ${formatShape([...new Set(normal)])}.`,
      );
    }
  });
  return normal;
}
