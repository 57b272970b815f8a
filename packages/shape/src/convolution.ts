import { refuse } from "./shape-error.js";
import {
  checkLength,
  checkRank,
  dim,
  formatShape,
  type Shape,
  type Unfollowed,
  wholeNumber,
} from "./shape.js";
import {
  perAxis,
  totalPadding,
  type Padding,
  resolveOptions,
  resolveWindows,
  times,
  type Windows,
} from "./window.js";

/** Absent: stride 1, padding 0, dilation 1, one group. */
export interface ConvOptions {
  readonly stride?: number | Shape | undefined;
  readonly padding?: Padding | undefined;
  readonly dilation?: number | Shape | undefined;
  readonly groups?: number | undefined;
}

/** `outputPadding` lengthens the end of each output axis; absent, 0. */
export interface ConvTransposeOptions extends ConvOptions {
  readonly outputPadding?: number | Shape | undefined;
}

/** The windows of a transposed convolution: `output` is the larger side, which the windows lie on. */
export interface TransposedWindows extends Windows {
  readonly outputPadding: Shape;
}

/** The shape of the convolution of `X` with kernels `W`. */
export type Conv<X extends Shape, W extends Shape, Options extends ConvOptions = ConvOptions> = Unfollowed<
  [X, W, Options]
>;

/** The shape of the transposed convolution of `X` with kernels `W`. */
export type ConvTranspose<
  X extends Shape,
  W extends Shape,
  Options extends ConvTransposeOptions = ConvTransposeOptions,
> = Unfollowed<[X, W, Options]>;

/** The kernel's own numbers, all groups together. */
interface Kernel {
  readonly groups: number;
  readonly inChannels: number;
  readonly filters: number;
}

/** The rules on ranks, channels and groups. */
function checkChannels(
  operation: string,
  [x, w]: readonly [Shape, Shape],
  { groups, inChannels, filters }: Kernel,
): void {
  checkRank(operation, x, 3);
  checkLength(operation, `kernel ${formatShape(w)} for input ${formatShape(x)}`, [w, x]);
  const channels = dim(x, 1);
  wholeNumber(operation, "groups", groups, { least: 1 });
  for (const [what, count] of [["input channels", channels] as const, ["filters", filters] as const]) {
    if (count % groups) {
      let fewer = groups;
      while (count % fewer) fewer--;
      refuse(
        operation,
        `${what} ${count} are not divisible by groups ${groups}`,
        `; the input is ${formatShape(x)}.`,
        `Use groups ${fewer}, or ${Math.ceil(count / groups) * groups} ${what}.`,
      );
    }
  }
  if (channels !== inChannels) {
    const axes = [...x.keys()];
    refuse(
      operation,
      `input ${formatShape(x)} has ${channels} channels`,
      `, the kernel expects ${inChannels}.`,
      dim(x, -1) === inChannels
        ? `If its channels stand last, permute it by ${formatShape([0, axes.length - 1, ...axes.slice(1, -1)])}.`
        : `Give the kernel ${channels} input channels, or the input ${inChannels}.`,
    );
  }
}

/**
 * The windows of a convolution, after every check: x [N, C, …spatial], w [O, C / groups, …kernel].
 *
 * @example
 * ```ts
 * import { convWindows } from "@convoke/shape";
 * console.log(convWindows("conv2d", [1, 1, 28, 28], [6, 1, 5, 5], { padding: "same" }).pads); // [[2, 2], [2, 2]]
 * ```
 */
export function convWindows(operation: string, x: Shape, w: Shape, options: ConvOptions = {}): Windows {
  const { groups = 1 } = options;
  checkChannels(operation, [x, w], { groups, inChannels: dim(w, 1) * groups, filters: dim(w, 0) });
  return resolveWindows(operation, x.slice(2), { ...options, size: w.slice(2) }, x);
}

/**
 * [N, O, …windows] for x [N, C, …spatial] and w [O, C / groups, …kernel].
 *
 * @example
 * ```ts
 * import { conv } from "@convoke/shape";
 * console.log(conv("conv2d", [8, 3, 32, 32], [6, 3, 5, 5], { stride: 2, padding: 1 })); // [8, 6, 15, 15]
 * ```
 */
export function conv(operation: string, x: Shape, w: Shape, options?: ConvOptions): Shape {
  return [dim(x, 0), dim(w, 0), ...convWindows(operation, x, w, options).output];
}

/**
 * The windows of a transposed convolution, after every check: x [N, C, …spatial], w [C, O / groups, …kernel].
 * `padding` takes away from the output; `"same"` makes the output stride times the input.
 *
 * @example
 * ```ts
 * import { convTransposeWindows } from "@convoke/shape";
 * console.log(convTransposeWindows("up", [1, 8, 7, 7], [8, 4, 3, 3], { stride: 2, padding: "same" }).pads);
 * // [[0, 1], [0, 1]]
 * ```
 */
export function convTransposeWindows(
  operation: string,
  x: Shape,
  w: Shape,
  options: ConvTransposeOptions = {},
): TransposedWindows {
  const { groups = 1 } = options;
  checkChannels(operation, [x, w], { groups, inChannels: dim(w, 0), filters: dim(w, 1) * groups });
  const rank = x.length - 2;
  const given = perAxis(operation, "output padding", [options.outputPadding ?? 0, rank]);
  const resolved = resolveOptions(
    operation,
    { ...options, size: w.slice(2) },
    { rank, sameTotal: (axis, stride, span) => span + dim(given, axis) - stride },
  );
  const { stride, dilation, span, pads } = resolved;
  const outputPadding = given.map((extra, axis) => {
    const s = dim(stride, axis);
    const most = Math.max(s, dim(dilation, axis)) - 1;
    wholeNumber(operation, "output padding", extra, { most, because: " under this stride and dilation" });
    // A kernel that spans less than the stride leaves "same" short of it.
    return options.padding === "same" ? Math.max(extra, s - dim(span, axis)) : extra;
  });
  const unpadded = x
    .slice(2)
    .map((n, axis) => (n - 1) * dim(stride, axis) + dim(span, axis) + dim(outputPadding, axis));
  const output = unpadded.map((n, axis) => n - totalPadding(pads, axis));
  if (output.some((n) => n < 1)) {
    refuse(
      operation,
      `padding ${options.padding ?? 0} leaves ${times(output)} of the ${times(unpadded)} output`,
      ", it must be at least 1.",
      `Use padding of at most ${Math.max(0, Math.floor((Math.min(...unpadded) - 1) / 2))}.`,
    );
  }
  return { output, ...resolved, outputPadding };
}

/**
 * [N, O, …spatial] for x [N, C, …spatial] and w [C, O / groups, …kernel]; along each axis
 * (n − 1)·stride − padding + dilation·(size − 1) + 1 + outputPadding.
 *
 * @example
 * ```ts
 * import { convTranspose } from "@convoke/shape";
 * console.log(convTranspose("up", [1, 8, 7, 7], [8, 4, 2, 2], { stride: 2 })); // [1, 4, 14, 14]
 * ```
 */
export function convTranspose(
  operation: string,
  x: Shape,
  w: Shape,
  options: ConvTransposeOptions = {},
): Shape {
  const { output } = convTransposeWindows(operation, x, w, options);
  return [dim(x, 0), dim(w, 1) * (options.groups ?? 1), ...output];
}
