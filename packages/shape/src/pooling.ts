import type { Digits } from "./arithmetic/dims.js";
import type { Subtract, ToNumber } from "./arithmetic/natural.js";
import type { At, Format, HasRank } from "./axes.js";
import type { Named } from "./fits.js";
import { checkRank, dim, formatShape, type Shape, wholeNumber } from "./shape.js";
import type { Option, Padding, PadsAt, Span, Windows, WindowsOptions } from "./window-options.js";
import { resolveWindows, type Windowed } from "./window.js";

/** As `WindowsOptions`, but an absent stride is the size: windows lie side by side. */
export type PoolOptions = WindowsOptions;

/** The shape of pooling over the spatial axes of `X`, or what is wrong with them or the options. */
export type Pool<
  X extends Shape,
  Options extends PoolOptions = PoolOptions,
  Op extends string = "pool",
> = PoolBy<
  X,
  Options["size"],
  Option<Options, "stride", Options["size"], number | Shape>,
  Option<Options, "padding", 0, Padding>,
  Option<Options, "dilation", 1, number | Shape>,
  Option<Options, "ceilMode", false, boolean>,
  Op
>;

/** As `Pool`, a type parameter per option. */
export type PoolBy<
  X extends Shape,
  Size extends number | Shape,
  Stride extends number | Shape,
  P extends Padding,
  Dilation extends number | Shape,
  Ceil extends boolean,
  Op extends string,
> = [X[number]] extends [number] ? Named<Op, UnnamedPool<X, Size, Stride, P, Dilation, Ceil>> : never;

type UnnamedPool<
  X extends Shape,
  Size extends number | Shape,
  Stride extends number | Shape,
  P extends Padding,
  Dilation extends number | Shape,
  Ceil extends boolean,
> = [X[number]] extends [number]
  ? HasRank<X> extends true
    ? X extends readonly [infer N extends number, infer C extends number, number, ...number[]]
      ? X extends readonly [number, number, ...infer S extends Shape]
        ? Windowed<S, Size, Stride, P, Dilation, Ceil, X> extends infer Counts
          ? Counts extends Shape
            ? [PoolPadding<S, Size, P, Dilation>] extends [never]
              ? [N, C, ...Counts]
              : PoolPadding<S, Size, P, Dilation>
            : Counts
          : never
        : never
      : `got ${Format<X>}, it must be at least 3-D.`
    : Shape
  : never;

/** The message on padding as wide as the window, else never. */
type PoolPadding<
  S extends Shape,
  Size extends number | Shape,
  P extends Padding,
  Dilation extends number | Shape,
  Axis extends 0[] = [],
  Whole extends Shape = S,
> = P extends 0 | string
  ? never
  : S extends readonly [number, ...infer Rest extends Shape]
    ? PadsAt<P, Axis, Whole> extends [infer Before extends number, infer After extends number]
      ? [TooWide<Before, Span<At<Size, Axis["length"]>, At<Dilation, Axis["length"]>>>] extends [never]
        ? [TooWide<After, Span<At<Size, Axis["length"]>, At<Dilation, Axis["length"]>>>] extends [never]
          ? PoolPadding<Rest, Size, P, Dilation, [...Axis, 0], Whole>
          : TooWide<After, Span<At<Size, Axis["length"]>, At<Dilation, Axis["length"]>>>
        : TooWide<Before, Span<At<Size, Axis["length"]>, At<Dilation, Axis["length"]>>>
      : never
    : never;

type TooWide<Side extends number, E extends string> = "?" extends Digits<Side> | E
  ? never
  : Subtract<Digits<Side>, E> extends "-"
    ? never
    : `padding is ${Side}, it must be a whole number from 0 to ${ToNumber<Subtract<E, "1">>} with a kernel that spans ${ToNumber<E>}.`;

/**
 * The windows of pooling, after every check: x [N, C, …spatial]. Padding must be smaller than the window, or a
 * window could hold nothing but padding.
 *
 * @example
 * ```ts
 * import { poolWindows } from "@convoke/shape";
 * console.log(poolWindows("maxPool2d", [1, 6, 28, 28], { size: 2 }).stride); // [2, 2]
 * ```
 */
export function poolWindows(operation: string, x: Shape, options: PoolOptions): Windows {
  checkRank(operation, x, 3);
  const { size, stride = size } = options;
  const windows = resolveWindows(operation, x.slice(2), { ...options, stride }, x);
  windows.span.forEach((span, axis) => {
    const because = ` with a kernel that spans ${span}`;
    windows.pads[axis]?.forEach((side) => wholeNumber(operation, "padding", side, [0, span - 1, because]));
  });
  return windows;
}

/**
 * [N, C, …windows] for x [N, C, …spatial].
 *
 * @example
 * ```ts
 * import { pool } from "@convoke/shape";
 * console.log(pool("maxPool2d", [1, 96, 55, 55], { size: 3, stride: 2 })); // [1, 96, 27, 27]
 * ```
 */
export function pool(operation: string, x: Shape, options: PoolOptions): Shape {
  return [dim(x, 0), dim(x, 1), ...poolWindows(operation, x, options).output];
}

/** The shape of pooling over all of the spatial axes of `X`, or what is wrong with them. */
export type GlobalPool<X extends Shape, Op extends string = "globalPool"> = [X[number]] extends [number]
  ? HasRank<X> extends true
    ? X extends readonly [infer N extends number, infer C extends number, number, ...number[]]
      ? X extends readonly [number, number, ...infer S extends Shape]
        ? 0 extends Zeros<S>
          ? `${Op}: an axis of ${Format<X>} is 0, it must be a whole number of at least 1.`
          : [N, C]
        : never
      : `${Op}: got ${Format<X>}, it must be at least 3-D.`
    : [number, number]
  : never;

/** 0 where an axis surely has no element. */
type Zeros<S extends Shape> = { [K in keyof S]: Digits<S[K]> extends "0" ? 0 : never }[number];

/**
 * [N, C] for x [N, C, …spatial]; each spatial axis must have an element.
 *
 * @example
 * ```ts
 * import { globalPool } from "@convoke/shape";
 * console.log(globalPool("globalAvgPool2d", [8, 512, 7, 7])); // [8, 512]
 * ```
 */
export function globalPool(operation: string, x: Shape): Shape {
  checkRank(operation, x, 3);
  x.slice(2).forEach((n) => wholeNumber(operation, `an axis of ${formatShape(x)}`, n, [1]));
  return x.slice(0, 2);
}
