import { refuse } from "./shape-error.js";

/** The dimensions of a tensor, outermost first; `[]` is a scalar's. */
export type Shape = readonly number[];

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
  assertList(operation, s);
  s.forEach((d, axis) => wholeNumber(operation, `axis ${axis} of ${formatShape(s)}`, d));
  if (!(shapeSize(s) <= 2 ** 53)) {
    refuse(
      operation,
      `${formatShape(s)} has ${shapeSize(s)} elements`,
      ", it must be at most 2^53.",
      "Make an axis smaller.",
    );
  }
}

/** Throws unless `s` is a list: a caller without types may spread the sizes. */
export function assertList(operation: string, s: Shape): void {
  if (!Array.isArray(s)) {
    refuse(operation, `got ${String(s)}`, ", a shape is a list of sizes.", "Write it as in [2, 3].");
  }
}

/** The allowed values; `because` ends the sentence that states them. A tuple: keys do not minify. */
type Limits = readonly [least?: number, most?: number, because?: string];

/** Gives `value` back if it is a whole number within the limits; `what` is its name in the message. */
export function wholeNumber(
  operation: string,
  what: string,
  value: number,
  [least = 0, most = Infinity, because = ""]: Limits = [],
): number {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    refuse(
      operation,
      `${what} is ${value}`,
      `, it must be a whole number ${most < Infinity ? `from ${least} to ${most}` : `of at least ${least}`}${because}.`,
      `Use ${Math.min(most, Math.max(least, Number.isFinite(value) ? Math.round(value) : least))} instead.`,
    );
  }
  return value;
}

/** Throws unless `s` has at least `least` axes. */
export function checkRank(operation: string, s: Shape, least: number): void {
  if (s.length < least) {
    refuse(
      operation,
      `got ${formatShape(s)}`,
      `, it must be at least ${least}-D.`,
      `Reshape it, for example to ${formatShape([...Array<number>(least - s.length).fill(1), ...s])}.`,
    );
  }
}

/** Throws unless a list has as many entries as `like`; `what` is its name in the message. */
export function checkLength(
  operation: string,
  what: string,
  [list, like]: readonly [list: readonly unknown[], like: { readonly length: number }],
): void {
  const wanted = like.length;
  if (list.length !== wanted) {
    refuse(operation, `${what} has ${list.length} entries`, `, it must be ${wanted}.`, `Give it ${wanted}.`);
  }
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
  if (!rank) checkRank(operation, [], 1);
  wholeNumber(operation, "axis", axis, [-rank, rank - 1, ` for ${rank}-D`]);
  return axis < 0 ? axis + rank : axis;
}

/** Several axes counted from the front, in the order given; an axis given twice is refused. */
export function normaliseAxes(operation: string, axes: number | Shape, rank: number): Shape {
  const given = typeof axes === "number" ? [axes] : axes;
  const normal = given.map((axis) => normaliseAxis(operation, axis, rank));
  if (new Set(normal).size < normal.length) {
    refuse(
      operation,
      `axes ${formatShape(given)} name an axis twice`,
      ", it must be once.",
      `Use ${formatShape([...new Set(normal)])}.`,
    );
  }
  return normal;
}
