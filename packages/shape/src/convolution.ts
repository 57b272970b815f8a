// Convolution: channels, groups, and windows over every spatial axis.
import type { Digits, SameDim } from "./arithmetic/dims.js";
import type { IsZero, Modulo, Multiply, ToNumber } from "./arithmetic/natural.js";
import type { Format, HasRank, OptionProblem, UnknownDims } from "./axes.js";
import type { Named } from "./fits.js";
import { refuse } from "./shape-error.js";
import { checkLength, checkRank, dim, formatShape, type Shape, wholeNumber } from "./shape.js";
import type { Option, Padding, Windows } from "./window-options.js";
import { resolveWindows, type Windowed } from "./window.js";

/** Absent: stride 1, padding 0, dilation 1, one group. */
export interface ConvOptions {
  readonly stride?: number | Shape | undefined;
  readonly padding?: Padding | undefined;
  readonly dilation?: number | Shape | undefined;
  readonly groups?: number | undefined;
}

/** The shape of the convolution of `X` with kernels `W`, or what is wrong with them or the options. */
export type Conv<
  X extends Shape,
  W extends Shape,
  Options extends ConvOptions = ConvOptions,
  Op extends string = "conv",
> = ConvBy<
  X,
  W,
  Option<Options, "stride", 1, number | Shape>,
  Option<Options, "padding", 0, Padding>,
  Option<Options, "dilation", 1, number | Shape>,
  Option<Options, "groups", 1, number>,
  Op
>;

/** As `Conv`, a type parameter per option. */
export type ConvBy<
  X extends Shape,
  W extends Shape,
  Stride extends number | Shape,
  P extends Padding,
  Dilation extends number | Shape,
  Groups extends number,
  Op extends string,
> = [X[number] | W[number]] extends [number]
  ? Named<Op, UnnamedConvBy<X, W, Stride, P, Dilation, Groups>>
  : never;

type UnnamedConvBy<
  X extends Shape,
  W extends Shape,
  Stride extends number | Shape,
  P extends Padding,
  Dilation extends number | Shape,
  Groups extends number,
> = [X[number] | W[number]] extends [number]
  ? Ranked<X, W> extends [infer A extends Shape, infer B extends Shape]
    ? A extends readonly [infer N extends number, infer C extends number, ...infer S extends Shape]
      ? B extends readonly [infer O extends number, infer I extends number, ...infer K extends Shape]
        ? [ChannelProblem<A, C, [I, Groups], O, Groups>] extends [never]
          ? Windowed<S, K, Stride, P, Dilation, false, A> extends infer Counts
            ? Counts extends Shape
              ? [N, O, ...Counts]
              : Counts
            : never
          : ChannelProblem<A, C, [I, Groups], O, Groups>
        : never
      : never
    : Ranked<X, W> extends infer Wrong
      ? Wrong extends string
        ? Wrong
        : Shape
      : never
  : never;

/**
 * As `ConvBy`, for the kernels that a layer makes for its input: `Filters` of `Size`, a number for all axes or one for each
 * of as many axes as `Axes` has.
 */
export type ConvFor<
  X extends Shape,
  Filters extends number,
  Size extends number | Shape,
  Stride extends number | Shape,
  P extends Padding,
  Dilation extends number | Shape,
  Groups extends number,
  Axes extends Shape,
  Op extends string,
> = [X[number]] extends [number]
  ? [Size, Groups, X] extends [infer K extends number, 1, [infer N, number, ...infer S extends Shape]]
    ? Named<Op, Filtered<N, Filters, Windowed<S, K, Stride, P, Dilation, false, X>>>
    : ConvBy<X, KernelsFor<X, Filters, Size, Groups, Axes>, Stride, P, Dilation, Groups, Op>
  : never;

type Filtered<N, Filters extends number, Counts> = Counts extends Shape ? [N, Filters, ...Counts] : Counts;

type KernelsFor<
  X extends Shape,
  Filters extends number,
  Size extends number | Shape,
  Groups extends number,
  Axes extends Shape,
> = Size extends Shape
  ? [Filters, Groups extends 1 ? X[1] : number, ...Size]
  : [Filters, Groups extends 1 ? X[1] : number, ...{ [A in keyof Axes]: Size & number }];

/** Both with as many axes as the one whose rank is known; a message; or `undefined` where neither rank is known. */
export type Ranked<X extends Shape, W extends Shape> =
  HasRank<X> extends true
    ? X extends readonly [number, number, number, ...number[]]
      ? HasRank<W> extends true
        ? X["length"] extends W["length"]
          ? [X, W]
          : `kernel ${Format<W>} for input ${Format<X>} has ${W["length"]} entries, it must be ${X["length"]}.`
        : [X, UnknownDims<X>]
      : `got ${Format<X>}, it must be at least 3-D.`
    : W extends readonly [number, number, number, ...number[]]
      ? [UnknownDims<W>, W]
      : undefined;

/** The first message on groups and channels, else never; the kernel expects `Inner[0]` times `Inner[1]` channels. */
export type ChannelProblem<
  X extends Shape,
  C extends number,
  Inner extends [number, number],
  Filters extends number,
  Groups extends number,
> = Groups extends 1
  ? SameDim<C, Inner[0]> extends true
    ? never
    : ChannelsDiffer<X, C, Inner>
  : [OptionProblem<"groups", Groups, 1, []>] extends [never]
    ? [Indivisible<"input channels", C, Groups, X>] extends [never]
      ? [Indivisible<"filters", Filters, Groups, X>] extends [never]
        ? ChannelsDiffer<X, C, Inner>
        : Indivisible<"filters", Filters, Groups, X>
      : Indivisible<"input channels", C, Groups, X>
    : OptionProblem<"groups", Groups, 1, []>;

type ChannelsDiffer<X extends Shape, C extends number, Inner extends [number, number]> = "?" extends
  Digits<C> | Digits<Inner[0]> | Digits<Inner[1]>
  ? never
  : ToNumber<Multiply<Digits<Inner[0]>, Digits<Inner[1]>>> extends infer Expected extends number
    ? Expected extends C
      ? never
      : `input ${Format<X>} has ${C} channels, the kernel expects ${Expected}.`
    : never;

/** The message on a count that is surely no multiple of the groups, else never. */
export type Indivisible<
  What extends string,
  Count extends number,
  Groups extends number,
  X extends Shape,
> = "?" extends Digits<Count> | Digits<Groups>
  ? never
  : IsZero<Modulo<Digits<Count>, Digits<Groups>>> extends true
    ? never
    : `${What} ${Count} are not divisible by groups ${Groups}; the input is ${Format<X>}.`;

/** The kernel's own numbers, all groups together. */
type Kernel = readonly [groups: number, inChannels: number, filters: number];

/** The rules on ranks, channels and groups. */
export function checkChannels(
  operation: string,
  [x, w]: readonly [Shape, Shape],
  [groups, inChannels, filters]: Kernel,
): void {
  checkRank(operation, x, 3);
  checkLength(operation, `kernel ${formatShape(w)} for input ${formatShape(x)}`, [w, x]);
  const channels = dim(x, 1);
  wholeNumber(operation, "groups", groups, [1]);
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
  checkChannels(operation, [x, w], [groups, dim(w, 1) * groups, dim(w, 0)]);
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
