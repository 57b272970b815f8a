import { checkRank, dim, formatShape, type Shape, type Unfollowed, wholeNumber } from "./shape.js";
import { resolveWindows, type Windows, type WindowsOptions } from "./window.js";

/** As `WindowsOptions`, but an absent stride is the size: windows lie side by side. */
export type PoolOptions = WindowsOptions;

/** The shape of pooling over the spatial axes of `X`. */
export type Pool<X extends Shape, Options extends PoolOptions = PoolOptions> = Unfollowed<[X, Options]>;

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
    windows.pads[axis]?.forEach((side) =>
      wholeNumber(operation, "padding", side, { most: span - 1, because }),
    );
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

/** The shape of pooling over all of the spatial axes of `X`. */
export type GlobalPool<X extends Shape> = Unfollowed<X>;

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
  x.slice(2).forEach((n) => wholeNumber(operation, `an axis of ${formatShape(x)}`, n, { least: 1 }));
  return x.slice(0, 2);
}
