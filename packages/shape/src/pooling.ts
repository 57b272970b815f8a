import { refuse } from "./shape-error.js";
import { dim, formatShape, type Shape, type Unfollowed } from "./shape.js";
import { formatPads, resolveWindows, spanOf, times, type Windows, type WindowsOptions } from "./window.js";

/** As `WindowsOptions`, but an absent stride is the size: windows lie side by side. */
export type PoolOptions = WindowsOptions;

/** The shape of pooling over the spatial axes of `X`. */
export type Pool<X extends Shape, Options extends PoolOptions = PoolOptions> = Unfollowed<[X, Options]>;

function checkInput(operation: string, x: Shape): void {
  if (x.length < 3) {
    refuse(
      operation,
      `expects an input [N, C, …] with spatial axes but got ${formatShape(x)}`,
      ", it needs at least 3 axes.",
      "Put pooling before flatten() or dense().",
    );
  }
}

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
  checkInput(operation, x);
  const windows = resolveWindows(operation, x.slice(2), { stride: options.size, ...options }, x);
  const { size, dilation, pads } = windows;
  pads.forEach((sides, axis) => {
    const span = spanOf(dim(size, axis), dim(dilation, axis));
    if (Math.max(...sides) >= span) {
      refuse(
        operation,
        `padding ${formatPads(pads)} is too wide for the kernel ${times(size)}`,
        ", each window must hold an element of the input.",
        `Use padding of at most ${span - 1}.`,
      );
    }
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
  checkInput(operation, x);
  if (x.includes(0, 2)) {
    refuse(
      operation,
      `${formatShape(x)} has an empty spatial axis`,
      ", there is nothing to pool.",
      "Give it at least one element along each spatial axis.",
    );
  }
  return x.slice(0, 2);
}
