import { refuse } from "./shape-error.js";
import { checkLength, dim, formatShape, type Shape, wholeNumber } from "./shape.js";

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
  /** How many input elements a window reaches over, first to last: dilation · (size − 1) + 1. */
  readonly span: Shape;
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

/** A number for each of `rank` axes; `what` is the option's name in messages. */
export function perAxis(
  operation: string,
  what: string,
  [value, rank]: readonly [number | Shape, number],
): Shape {
  const values = typeof value === "number" ? Array<number>(rank).fill(value) : value;
  checkLength(operation, what, [values, { length: rank }]);
  return values;
}

/** Every option spelt out per axis; `sameTotal` says how much padding `"same"` needs along one. */
export function resolveOptions(
  operation: string,
  options: WindowsOptions,
  { rank, sameTotal }: { rank: number; sameTotal: (axis: number, stride: number, span: number) => number },
): Omit<Windows, "output"> {
  const read = (what: string, value: number | Shape, least: number): Shape =>
    perAxis(operation, what, [value, rank]).map((v) => wholeNumber(operation, what, v, { least }));
  const size = read("kernel size", options.size, 1);
  const stride = read("stride", options.stride ?? 1, 1);
  const dilation = read("dilation", options.dilation ?? 1, 1);
  const span = size.map((k, axis) => dim(dilation, axis) * (k - 1) + 1);
  const { padding = 0 } = options;
  if (typeof padding === "string" && !["same", "valid"].includes(padding)) {
    refuse(operation, `padding is "${padding as string}"`, ", as a word it is same or valid.", 'Use "same".');
  }
  const given = typeof padding === "string" ? 0 : padding;
  const twice = typeof given !== "number" && given.length === 2 * rank;
  const before = read("padding", twice ? given.slice(0, rank) : given, 0);
  const after = read("padding", twice ? given.slice(rank) : given, 0);
  const pads = span.map((e, axis): Pads => {
    const total = Math.max(0, sameTotal(axis, dim(stride, axis), e));
    return padding === "same"
      ? [Math.floor(total / 2), Math.ceil(total / 2)]
      : [dim(before, axis), dim(after, axis)];
  });
  return { size, stride, dilation, span, pads };
}

/** The padding along an axis, both sides together. */
export function totalPadding(pads: readonly Pads[], axis: number): number {
  const [before, after] = pads[axis] ?? [0, 0];
  return before + after;
}

/**
 * Windows over the spatial axes, every option spelt out. `whole` is the input's full shape, for messages.
 *
 * @example
 * ```ts
 * import { resolveWindows } from "@convoke/shape";
 * const { output, pads } = resolveWindows("conv2d", [28, 28], { size: 4, padding: "same" });
 * console.log(output, pads); // [28, 28] [[1, 2], [1, 2]]
 * ```
 */
export function resolveWindows(
  operation: string,
  spatial: Shape,
  options: WindowsOptions,
  whole: Shape = spatial,
): Windows {
  const resolved = resolveOptions(operation, options, {
    rank: spatial.length,
    sameTotal: (axis, stride, span) =>
      (Math.ceil(dim(spatial, axis) / stride) - 1) * stride + span - dim(spatial, axis),
  });
  const { size, stride, dilation, span, pads } = resolved;
  const padded = spatial.map((n, axis) => n + totalPadding(pads, axis));
  const output = padded.map((n, axis) => {
    const s = dim(stride, axis);
    const windows = Math.floor((n - dim(span, axis) + (options.ceilMode ? s - 1 : 0)) / s) + 1;
    return options.ceilMode && (windows - 1) * s >= n - dim(pads[axis] ?? [], 1) ? windows - 1 : windows;
  });
  if (output.some((count) => count < 1)) {
    const largest = padded.map((n, axis) =>
      Math.min(dim(size, axis), Math.floor((n - 1) / dim(dilation, axis)) + 1),
    );
    const sides = spatial.map((n, axis) => Math.ceil((dim(span, axis) - n) / 2));
    const wider = `padding of at least ${Math.max(...sides, ...pads.flat())}.`;
    refuse(
      operation,
      `kernel ${times(size)}${dilation.some((d) => d > 1) ? ` with dilation ${times(dilation)}` : ""} does not fit ` +
        `the ${times(spatial)}${spatial.length > 1 ? "" : "-long"} input with padding ${options.padding ?? 0}; the input is ${formatShape(whole)}`,
      ", a window must lie inside the padded input.",
      largest.includes(0) ? `Use ${wider}` : `Use a kernel of at most ${times(largest)}, or ${wider}`,
    );
  }
  return { output, ...resolved };
}

/** `3×3`. */
export function times(sizes: Shape): string {
  return sizes.join("×");
}
