import { refuse } from "./shape-error.js";
import { dim, formatShape, type Shape, type Unfollowed, wholeNumber } from "./shape.js";
import {
  formatPads,
  type Padding,
  padsPerAxis,
  perAxis,
  resolveWindows,
  spanOf,
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

/** The rules on ranks, channels and groups; `inChannels` and `filters` are the kernel's, all groups together. */
function checkChannels(
  operation: string,
  { x, w, ...kernel }: { x: Shape; w: Shape; groups: number; inChannels: number; filters: number },
): void {
  if (x.length < 3) {
    refuse(
      operation,
      `expects an input [N, C, …] with spatial axes but got ${formatShape(x)}`,
      ", it needs at least 3 axes.",
      `Reshape it to 3 axes or more, such as ${formatShape([...Array<number>(3 - x.length).fill(1), ...x])}.`,
    );
  }
  if (w.length !== x.length) {
    refuse(
      operation,
      `input ${formatShape(x)} has ${x.length} axes and the kernel ${formatShape(w)} has ${w.length}`,
      ", they must have as many as each other.",
      `Use a kernel with ${x.length - 2} spatial axes, or an input with ${Math.max(1, w.length - 2)}.`,
    );
  }
  const { groups, inChannels, filters } = kernel;
  const channels = dim(x, 1);
  wholeNumber(operation, "groups", groups, 1);
  checkDivisible(operation, `input channels ${channels}`, channels, { groups, x });
  if (channels !== inChannels) {
    const last = x.length - 1;
    refuse(
      operation,
      `input ${formatShape(x)} has ${channels} channels`,
      `, the kernel expects ${inChannels}.`,
      dim(x, last) === inChannels
        ? `If its channels stand last, permute it by ${formatShape([0, last, ...x.keys()].filter((a, i) => i < 2 || (a > 0 && a < last)))}.`
        : `Give the kernel ${channels} input channels, or the input ${inChannels}.`,
    );
  }
  checkDivisible(operation, `filters ${filters}`, filters, { groups, x });
}

function checkDivisible(
  operation: string,
  what: string,
  count: number,
  { groups, x }: { groups: number; x: Shape },
): void {
  if (count % groups) {
    let fewer = groups;
    while (count % fewer) fewer--;
    refuse(
      operation,
      `${what} are not divisible by groups ${groups}`,
      `; the input is ${formatShape(x)}.`,
      `Use groups ${fewer}, or ${Math.ceil(count / groups) * groups} instead of ${count}.`,
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
  checkChannels(operation, { x, w, groups, inChannels: dim(w, 1) * groups, filters: dim(w, 0) });
  const { stride, padding, dilation } = options;
  return resolveWindows(operation, x.slice(2), { size: w.slice(2), stride, padding, dilation }, x);
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
  const { groups = 1, padding = 0 } = options;
  checkChannels(operation, { x, w, groups, inChannels: dim(w, 0), filters: dim(w, 1) * groups });
  const spatial = x.slice(2);
  const rank = spatial.length;
  const size = perAxis(operation, w.slice(2), { what: "kernel size", rank, least: 1 });
  const stride = perAxis(operation, options.stride ?? 1, { what: "stride", rank, least: 1 });
  const dilation = perAxis(operation, options.dilation ?? 1, { what: "dilation", rank, least: 1 });
  const given = perAxis(operation, options.outputPadding ?? 0, { what: "output padding", rank, least: 0 });
  given.forEach((extra, axis) => {
    const limit = Math.max(dim(stride, axis), dim(dilation, axis));
    if (extra >= limit) {
      refuse(
        operation,
        `output padding is ${extra}`,
        `, it must be smaller than the stride ${dim(stride, axis)} or the dilation ${dim(dilation, axis)}.`,
        `Use output padding ${limit - 1}.`,
      );
    }
  });
  /** What `"same"` has too much, or lacks where the kernel spans less than the stride. */
  const surplus = (axis: number): number =>
    spanOf(dim(size, axis), dim(dilation, axis)) + dim(given, axis) - dim(stride, axis);
  const pads = padsPerAxis(operation, padding, { rank, sameTotal: surplus });
  const outputPadding =
    padding === "same" ? given.map((extra, axis) => extra + Math.max(0, -surplus(axis))) : given;
  const unpadded = spatial.map(
    (n, axis) =>
      (n - 1) * dim(stride, axis) + spanOf(dim(size, axis), dim(dilation, axis)) + dim(outputPadding, axis),
  );
  const output = unpadded.map((n, axis) => n - dim(pads[axis] ?? [], 0) - dim(pads[axis] ?? [], 1));
  if (output.some((n) => n < 1)) {
    const most = Math.floor((Math.min(...unpadded) - 1) / 2);
    refuse(
      operation,
      `padding ${formatPads(pads)} leaves ${times(output)} of the ${times(unpadded)} output; the input is ${formatShape(x)}`,
      ", each axis must keep at least 1.",
      most < 0
        ? "Give the input at least one element along each axis."
        : `Use padding of at most ${most} on each side.`,
    );
  }
  return { output, size, stride, dilation, pads, outputPadding };
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
