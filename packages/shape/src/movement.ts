import { refuse } from "./shape-error.js";
import {
  assertList,
  assertShape,
  checkLength,
  checkRank,
  dim,
  formatShape,
  normaliseAxes,
  normaliseAxis,
  type Shape,
  shapeSize,
  type Unfollowed,
  wholeNumber,
} from "./shape.js";
import { swapLast } from "./matmul.js";
import { reduce } from "./reduce.js";
import type { Pads } from "./window.js";

/** The shape `To`, its −1 filled in. */
export type Reshape<From extends Shape, To extends Shape> = Unfollowed<[From, To]>;

/**
 * `to` with at most one −1 filled in, so that it has as many elements as `from`.
 *
 * @example
 * ```ts
 * import { reshape } from "@convoke/shape";
 * console.log(reshape("reshape", [8, 3, 32, 32], [8, -1])); // [8, 3072]
 * ```
 */
export function reshape(operation: string, from: Shape, to: Shape): Shape {
  assertList(operation, to);
  const open = to.indexOf(-1);
  const known = open < 0 ? to : to.with(open, 1);
  if (known.includes(-1)) {
    refuse(
      operation,
      `${formatShape(to)} has more than one -1`,
      ", only one axis can be inferred.",
      "Write out the others.",
    );
  }
  assertShape(operation, known);
  const size = shapeSize(from);
  const rest = shapeSize(known);
  if (open < 0 ? rest !== size : size % rest !== 0) {
    const axis = to.findIndex((d) => d > 0 && Number.isInteger((size * d) / rest));
    refuse(
      operation,
      `${formatShape(from)} has ${size} elements`,
      ` but ${formatShape(to)} has ${open < 0 ? "" : "a multiple of "}${rest}.`,
      axis < 0
        ? `Use numbers whose product is ${size}.`
        : `Use ${formatShape(to.with(axis, (size * dim(to, axis)) / rest))}.`,
    );
  }
  return open < 0 ? to : to.with(open, size / rest);
}

/** The shape `S` with its axes in the order `Axes`. */
export type Permute<S extends Shape, Axes extends Shape> = Unfollowed<[S, Axes]>;

/**
 * The shape with its axes in a new order: axis i of the result is axis `axes[i]` of `s`.
 *
 * @example
 * ```ts
 * import { permute } from "@convoke/shape";
 * console.log(permute("permute", [1, 28, 28, 3], [0, 3, 1, 2])); // [1, 3, 28, 28]
 * ```
 */
export function permute(operation: string, s: Shape, axes: Shape): Shape {
  checkLength(operation, "axis list", [axes, s]);
  return normaliseAxes(operation, axes, s.length).map((axis) => dim(s, axis));
}

/** The shape `S` with its last two axes exchanged. */
export type Transpose<S extends Shape> = Unfollowed<S>;

/**
 * The shape with its last two axes exchanged.
 *
 * @example
 * ```ts
 * import { transpose } from "@convoke/shape";
 * console.log(transpose("transpose", [8, 2, 3])); // [8, 3, 2]
 * ```
 */
export function transpose(operation: string, s: Shape): Shape {
  checkRank(operation, s, 2);
  return swapLast(s);
}

/** The shape of `Shapes` joined along `Axis`. */
export type Concat<Shapes extends readonly Shape[], Axis extends number = number> = Unfollowed<
  [Shapes, Axis]
>;

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
  wholeNumber(operation, "number of tensors", shapes.length, { least: 1 });
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

/** The shape of `Shapes` laid one upon the other along a new `Axis`. */
export type Stack<Shapes extends readonly Shape[], Axis extends number = 0> = Unfollowed<[Shapes, Axis]>;

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

/** The shape of a slice of `S`. */
export type Slice<S extends Shape, Ranges extends readonly (SliceRange | undefined)[]> = Unfollowed<
  [S, Ranges]
>;

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

/** The shape `S` with padding. */
export type Pad<S extends Shape, Padded extends readonly Pads[]> = Unfollowed<[S, Padded]>;

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

/** The shape `S` without axes of 1. */
export type Squeeze<S extends Shape, Axes extends number | Shape | undefined = undefined> = Unfollowed<
  [S, Axes]
>;

/**
 * The shape without the given axes, each of which must be 1; without all axes of 1 where none are given.
 *
 * @example
 * ```ts
 * import { squeeze } from "@convoke/shape";
 * console.log(squeeze("squeeze", [8, 10, 1, 1], [2, 3])); // [8, 10]
 * ```
 */
export function squeeze(operation: string, s: Shape, axes?: number | Shape): Shape {
  if (axes === undefined) return s.filter((d) => d !== 1);
  for (const axis of normaliseAxes(operation, axes, s.length)) {
    const d = dim(s, axis);
    if (d !== 1)
      refuse(operation, `axis ${axis} of ${formatShape(s)} is ${d}`, ", it must be 1.", "Leave it out.");
  }
  return reduce(operation, s, axes);
}

/** The shape `S` with new axes of 1. */
export type Unsqueeze<S extends Shape, Axes extends number | Shape> = Unfollowed<[S, Axes]>;

/**
 * The shape with new axes of 1; `axes` are their places in the result.
 *
 * @example
 * ```ts
 * import { unsqueeze } from "@convoke/shape";
 * console.log(unsqueeze("unsqueeze", [6], [1, 2])); // [6, 1, 1]
 * ```
 */
export function unsqueeze(operation: string, s: Shape, axes: number | Shape): Shape {
  const rank = s.length + (typeof axes === "number" ? 1 : axes.length);
  return normaliseAxes(operation, axes, rank)
    .toSorted((a, b) => a - b)
    .reduce<Shape>((grown, axis) => grown.toSpliced(axis, 0, 1), s);
}

/** The shape `S` with its axes from `Start` on made one. */
export type Flatten<S extends Shape, Start extends number = 1> = Unfollowed<[S, Start]>;

/**
 * The shape with all axes from `startAxis` on made one; where there are none, that one is 1, as in ONNX's Flatten.
 *
 * @example
 * ```ts
 * import { flatten } from "@convoke/shape";
 * console.log(flatten("flatten", [8, 16, 5, 5])); // [8, 400]
 * ```
 */
export function flatten(operation: string, s: Shape, startAxis: number = 1): Shape {
  const start = startAxis === s.length ? startAxis : normaliseAxis(operation, startAxis, s.length);
  return [...s.slice(0, start), shapeSize(s.slice(start))];
}

/** The shape of `S` looked up by `Indices` along `Axis`. */
export type Gather<S extends Shape, Indices extends Shape, Axis extends number = 0> = Unfollowed<
  [S, Indices, Axis]
>;

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

/** The shape `S` laid side by side. */
export type Tile<S extends Shape, Counts extends Shape> = Unfollowed<[S, Counts]>;

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

/** The shape `S` with each element along `Axis` repeated. */
export type Repeat<S extends Shape, Count extends number, Axis extends number = number> = Unfollowed<
  [S, Count, Axis]
>;

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
