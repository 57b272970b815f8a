import { refuse } from "./shape-error.js";
import { dim, formatShape, type Shape, wholeNumber } from "./shape.js";

/** Padding in front of and behind one axis. */
export type Pads = readonly [before: number, after: number];

/**
 * One number for all sides; a number per axis (`[height, width]`); all the begins and then all the ends (`[top, left,
 * bottom, right]`); `"valid"`, which is 0; or `"same"`, which makes the output ⌈n / stride⌉ with the odd element of
 * padding at the end, as TensorFlow and ONNX's SAME_UPPER do.
 */
export type Padding = number | Shape | "same" | "valid";

/** The window along one axis. Absent: stride 1, padding [0, 0], dilation 1, no ceil mode. */
export interface WindowOptions {
  readonly size: number;
  readonly stride?: number | undefined;
  readonly padding?: Pads | undefined;
  readonly dilation?: number | undefined;
  readonly ceilMode?: boolean | undefined;
}

/** Windows along several axes; a single number serves all of them. Absent values as in `WindowOptions`. */
export interface WindowsOptions {
  readonly size: number | Shape;
  readonly stride?: number | Shape | undefined;
  readonly padding?: Padding | undefined;
  readonly dilation?: number | Shape | undefined;
  readonly ceilMode?: boolean | undefined;
}

/** Windows with every option spelt out per spatial axis. */
export interface Windows {
  /** Windows per axis. */
  readonly output: Shape;
  readonly size: Shape;
  readonly stride: Shape;
  readonly dilation: Shape;
  readonly pads: readonly Pads[];
}

/** The number of windows along an axis of `N`. */
export type Window<N extends number, Options extends WindowOptions> = number | ([N, Options] & never);

/**
 * The number of windows along an axis of `n`: ⌊(n + padding − e) / stride⌋ + 1, where e = dilation·(size − 1) + 1.
 * In ceil mode the last window may reach over the end, but must start in the input or the padding before it
 * (PyTorch's rule, https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html).
 *
 * @example
 * ```ts
 * import { window } from "@convoke/shape";
 * console.log(window("conv1d", 224, { size: 11, stride: 4, padding: [2, 2] })); // 55
 * ```
 */
export function window(operation: string, n: number, options: WindowOptions): number {
  return dim(resolveWindows(operation, [n], options).output, 0);
}

/** How many input elements a window spans, first to last. */
export function spanOf(size: number, dilation: number): number {
  return dilation * (size - 1) + 1;
}

/** A number for each of `rank` axes; `what` is the option's name in messages. */
export function perAxis(
  operation: string,
  value: number | Shape,
  { what, rank, least }: { what: string; rank: number; least: number },
): Shape {
  const values = typeof value === "number" ? Array<number>(rank).fill(value) : value;
  if (values.length !== rank) {
    refuse(
      operation,
      `${what} ${formatShape(values)} has ${values.length} numbers`,
      `, the input has ${rank} spatial axes.`,
      `Give one number for all axes, or ${rank}.`,
    );
  }
  return values.map((v) => wholeNumber(operation, what, v, least));
}

/** The padding of every axis; `sameTotal` says how much `"same"` needs along one. */
export function padsPerAxis(
  operation: string,
  padding: Padding,
  { rank, sameTotal }: { rank: number; sameTotal: (axis: number) => number },
): readonly Pads[] {
  return Array.from({ length: rank }, (_, axis): Pads => {
    if (padding === "same") {
      const total = Math.max(0, sameTotal(axis));
      return [total >> 1, total - (total >> 1)];
    }
    const given = padding === "valid" ? 0 : padding;
    const twice = typeof given !== "number" && given.length === 2 * rank;
    const what = "padding";
    const both = perAxis(operation, given, { what, rank: twice ? 2 * rank : rank, least: 0 });
    return [dim(both, axis), dim(both, twice ? rank + axis : axis)];
  });
}

function resolveOptions(operation: string, spatial: Shape, options: WindowsOptions): Omit<Windows, "output"> {
  const rank = spatial.length;
  const size = perAxis(operation, options.size, { what: "kernel size", rank, least: 1 });
  const stride = perAxis(operation, options.stride ?? 1, { what: "stride", rank, least: 1 });
  const dilation = perAxis(operation, options.dilation ?? 1, { what: "dilation", rank, least: 1 });
  const sameTotal = (axis: number): number => {
    const n = dim(spatial, axis);
    const s = dim(stride, axis);
    return (Math.ceil(n / s) - 1) * s + spanOf(dim(size, axis), dim(dilation, axis)) - n;
  };
  return { size, stride, dilation, pads: padsPerAxis(operation, options.padding ?? 0, { rank, sameTotal }) };
}

/**
 * The padding before and after each spatial axis, whatever form it was given in.
 *
 * @example
 * ```ts
 * import { resolvePadding } from "@convoke/shape";
 * console.log(resolvePadding("conv2d", [28, 28], { size: 4, padding: "same" })); // [[1, 2], [1, 2]]
 * ```
 */
export function resolvePadding(operation: string, spatial: Shape, options: WindowsOptions): readonly Pads[] {
  return resolveOptions(operation, spatial, options).pads;
}

/**
 * Windows over the spatial axes, every option spelt out. `whole` is the input's full shape, for messages.
 *
 * @example
 * ```ts
 * import { resolveWindows } from "@convoke/shape";
 * console.log(resolveWindows("maxPool2d", [55, 55], { size: 3, stride: 2 }).output); // [27, 27]
 * ```
 */
export function resolveWindows(
  operation: string,
  spatial: Shape,
  options: WindowsOptions,
  whole: Shape = spatial,
): Windows {
  const resolved = resolveOptions(operation, spatial, options);
  const { size, stride, dilation, pads } = resolved;
  const axes = spatial.map((n, axis) => {
    const [before, after] = pads[axis] ?? [0, 0];
    const s = dim(stride, axis);
    const d = dim(dilation, axis);
    const span = spanOf(dim(size, axis), d);
    const free = n + before + after - span;
    let count = Math.floor((options.ceilMode ? free + s - 1 : free) / s) + 1;
    if (options.ceilMode && (count - 1) * s >= n + before) count--;
    return {
      count,
      largest: Math.floor((n + before + after - 1) / d) + 1,
      eachSide: Math.max(before, after, Math.ceil((span - n) / 2)),
    };
  });
  if (axes.some(({ count }) => count < 1)) {
    const largest = axes.map((axis, i) => Math.min(axis.largest, dim(size, i)));
    const wider = `padding of at least ${Math.max(...axes.map(({ eachSide }) => eachSide))} on each side.`;
    refuse(
      operation,
      `kernel ${times(size)}${dilation.some((d) => d > 1) ? ` with dilation ${times(dilation)}` : ""} does not fit ` +
        `the ${spatial.length > 1 ? times(spatial) : `length-${times(spatial)}`} input with padding ` +
        `${formatPads(pads)}; the input is ${formatShape(whole)}`,
      ", a window must lie inside the padded input.",
      largest.includes(0) ? `Use ${wider}` : `Use a kernel of at most ${times(largest)}, or ${wider}`,
    );
  }
  return { output: axes.map(({ count }) => count), ...resolved };
}

/** `3×3`. */
export function times(sizes: Shape): string {
  return sizes.join("×");
}

/** One number where all sides are equal. */
export function formatPads(pads: readonly Pads[]): string {
  const sides = pads.flat();
  return new Set(sides).size > 1 ? JSON.stringify(pads) : `${dim(sides, 0)}`;
}
