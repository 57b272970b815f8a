import type { Digits, NotWhole, SameDim } from "./arithmetic/dims.js";
import type { Add, Modulo, IsZero, Multiply, Subtract, ToNumber } from "./arithmetic/natural.js";
import type { At, Format, HasRank, OptionProblem, UnknownDims } from "./axes.js";
import type { Named } from "./fits.js";
import { refuse } from "./shape-error.js";
import { checkLength, checkRank, dim, formatShape, type Shape, wholeNumber } from "./shape.js";
import {
  perAxis,
  totalPadding,
  type Option,
  type Padding,
  type PaddingText,
  type PadsAt,
  resolveOptions,
  resolveWindows,
  type Span,
  times,
  type Windowed,
  type WindowProblem,
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
type Ranked<X extends Shape, W extends Shape> =
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
type ChannelProblem<
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

/** The shape of the transposed convolution of `X` with kernels `W`, or what is wrong with them or the options. */
export type ConvTranspose<
  X extends Shape,
  W extends Shape,
  Options extends ConvTransposeOptions = ConvTransposeOptions,
  Op extends string = "convTranspose",
> = ConvTransposeBy<
  X,
  W,
  Option<Options, "stride", 1, number | Shape>,
  Option<Options, "padding", 0, Padding>,
  Option<Options, "dilation", 1, number | Shape>,
  Option<Options, "groups", 1, number>,
  Option<Options, "outputPadding", 0, number | Shape>,
  Op
>;

/** As `ConvTranspose`, a type parameter per option. */
export type ConvTransposeBy<
  X extends Shape,
  W extends Shape,
  Stride extends number | Shape,
  P extends Padding,
  Dilation extends number | Shape,
  Groups extends number,
  Extra extends number | Shape,
  Op extends string,
> = [X[number] | W[number]] extends [number]
  ? Named<Op, UnnamedConvTransposeBy<X, W, Stride, P, Dilation, Groups, Extra>>
  : never;

type UnnamedConvTransposeBy<
  X extends Shape,
  W extends Shape,
  Stride extends number | Shape,
  P extends Padding,
  Dilation extends number | Shape,
  Groups extends number,
  Extra extends number | Shape,
> = [X[number] | W[number]] extends [number]
  ? Ranked<X, W> extends [infer A extends Shape, infer B extends Shape]
    ? A extends readonly [infer N extends number, infer C extends number, ...infer S extends Shape]
      ? B extends readonly [infer I extends number, infer O extends number, ...infer K extends Shape]
        ? [ChannelProblem<A, C, [I, 1], FiltersOf<O, Groups>, Groups>] extends [never]
          ? Spread<S, K, Stride, P, Dilation, Extra> extends infer Sizes
            ? Sizes extends Shape
              ? [N, FiltersOf<O, Groups>, ...Sizes]
              : Sizes
            : never
          : ChannelProblem<A, C, [I, 1], FiltersOf<O, Groups>, Groups>
        : never
      : never
    : Ranked<X, W> extends infer Wrong
      ? Wrong extends string
        ? Wrong
        : Shape
      : never
  : never;

type FiltersOf<PerGroup extends number, Groups extends number> = Groups extends 1
  ? PerGroup
  : "?" extends Digits<PerGroup> | Digits<Groups>
    ? number
    : ToNumber<Multiply<Digits<PerGroup>, Digits<Groups>>>;

/** The sizes that transposed windows reach, or a message. */
type Spread<
  S extends Shape,
  Size extends Shape,
  Stride extends number | Shape,
  P extends Padding,
  Dilation extends number | Shape,
  Extra extends number | Shape,
> = [LengthOf<"output padding", Extra, S>] extends [never]
  ? [WindowProblem<S, Size, Stride, P, Dilation>] extends [never]
    ? [ExtraProblem<S, Stride, Dilation, Extra>] extends [never]
      ? SpreadOn<S, Size, Stride, P, Dilation, Extra> extends infer R
        ? R extends [infer Unpadded extends readonly unknown[], infer Sizes extends readonly unknown[]]
          ? Sizes extends Shape
            ? Sizes
            : `padding ${PaddingText<P>} leaves ${JoinTimes<Sizes>} of the ${JoinTimes<Unpadded>} output, it must be at least 1.`
          : never
        : never
      : ExtraProblem<S, Stride, Dilation, Extra>
    : WindowProblem<S, Size, Stride, P, Dilation>
  : LengthOf<"output padding", Extra, S>;

type LengthOf<What extends string, V extends number | Shape, Like extends Shape> = V extends number
  ? never
  : V extends Shape
    ? HasRank<V> extends true
      ? V["length"] extends Like["length"]
        ? never
        : `${What} has ${V["length"]} entries, it must be ${Like["length"]}.`
      : never
    : never;

type ExtraProblem<
  S extends Shape,
  Stride extends number | Shape,
  Dilation extends number | Shape,
  Extra extends number | Shape,
  Axis extends 0[] = [],
> = Extra extends 0
  ? never
  : S extends readonly [number, ...infer Rest extends Shape]
    ? [
        ExtraAt<At<Extra, Axis["length"]>, Larger<At<Stride, Axis["length"]>, At<Dilation, Axis["length"]>>>,
      ] extends [never]
      ? ExtraProblem<Rest, Stride, Dilation, Extra, [...Axis, 0]>
      : ExtraAt<At<Extra, Axis["length"]>, Larger<At<Stride, Axis["length"]>, At<Dilation, Axis["length"]>>>
    : never;

type Larger<X extends number, Y extends number> = "?" extends Digits<X> | Digits<Y>
  ? "?"
  : Subtract<Digits<X>, Digits<Y>> extends "-"
    ? Digits<Y>
    : Digits<X>;

type ExtraAt<Extra extends number, Limit extends string> = "?" extends Digits<Extra> | Limit
  ? never
  : [NotWhole<Extra>] extends [never]
    ? Subtract<Digits<Extra>, Limit> extends "-"
      ? never
      : ExtraMessage<Extra, Limit>
    : ExtraMessage<Extra, Limit>;

type ExtraMessage<
  Extra extends number,
  Limit extends string,
> = `output padding is ${Extra}, it must be a whole number from 0 to ${ToNumber<Subtract<Limit, "1">>} under this stride and dilation.`;

// [the sizes before padding is taken away, the sizes]; of those a text is one that is less than 1.
type SpreadOn<
  S extends Shape,
  Size extends Shape,
  Stride extends number | Shape,
  P extends Padding,
  Dilation extends number | Shape,
  Extra extends number | Shape,
  Unpadded extends unknown[] = [],
  Out extends unknown[] = [],
  Axis extends 0[] = [],
  Whole extends Shape = S,
> = S extends readonly [infer N extends number, ...infer Rest extends Shape]
  ? SpreadDim<
      N,
      Span<At<Size, Axis["length"]>, At<Dilation, Axis["length"]>>,
      At<Stride, Axis["length"]>,
      PadsAt<P, Axis, Whole>,
      At<Extra, Axis["length"]>
    > extends [infer Before, infer After]
    ? SpreadOn<
        Rest,
        Size,
        Stride,
        P,
        Dilation,
        Extra,
        [...Unpadded, Before],
        [...Out, After],
        [...Axis, 0],
        Whole
      >
    : never
  : [Unpadded, Out];

type SpreadDim<
  N extends number,
  E extends string,
  Stride extends number,
  Pads extends readonly unknown[],
  Extra extends number,
> = "same" extends Pads[0]
  ? Stride extends 1
    ? N extends 0
      ? [number, "0"]
      : [N, N]
    : "?" extends Digits<N> | Digits<Stride>
      ? [number, number]
      : Taken<Multiply<Digits<N>, Digits<Stride>>, "0">
  : "?" extends E | Digits<Stride> | Digits<Extra> | Digits<SideOf<Pads[0]>> | Digits<SideOf<Pads[1]>>
    ? [number, number]
    : SpreadKnown<
        N,
        Add<E, Digits<Extra>>,
        Digits<Stride>,
        Add<Digits<SideOf<Pads[0]>>, Digits<SideOf<Pads[1]>>>
      >;

/** `Reach` is how far a window reaches, with the output padding. */
type SpreadKnown<N extends number, Reach extends string, Stride extends string, Pads extends string> =
  Digits<N> extends "?"
    ? Stride extends "1"
      ? IsZero<Subtract<Reach, Add<Pads, "1">>> extends true
        ? [N, N]
        : [number, number]
      : [number, number]
    : Taken<Add<Multiply<Digits<N>, Stride>, Reach>, Pads, Stride>;

type SideOf<Side> = Side extends number ? Side : 0;

type Taken<Total extends string, Pads extends string, Stride extends string = "0"> = [
  Signed<Total, Stride>,
  AtLeastOne<Total, Add<Pads, Stride>>,
];

type AtLeastOne<Total extends string, Less extends string> =
  Signed<Total, Less> extends infer Size ? (Size extends 0 ? "0" : Size) : never;

/** A − B as a number; as text where it is negative. */
type Signed<A extends string, B extends string> =
  Subtract<A, B> extends infer Rest extends string
    ? Rest extends "-"
      ? `-${ToNumber<Subtract<B, A>>}`
      : ToNumber<Rest>
    : never;

type JoinTimes<Sizes extends readonly unknown[], Out extends string = ""> = Sizes extends readonly [
  infer D extends number | string,
  ...infer Rest,
]
  ? JoinTimes<Rest, Out extends "" ? `${D}` : `${Out}×${D}`>
  : Out;

/** The kernel's own numbers, all groups together. */
type Kernel = readonly [groups: number, inChannels: number, filters: number];

/** The rules on ranks, channels and groups. */
function checkChannels(
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
  checkChannels(operation, [x, w], [groups, dim(w, 0), dim(w, 1) * groups]);
  const rank = x.length - 2;
  const given = perAxis(operation, "output padding", [options.outputPadding ?? 0, rank]);
  const resolved = resolveOptions(operation, { ...options, size: w.slice(2) }, [
    rank,
    (axis, stride, span) => span + dim(given, axis) - stride,
  ]);
  const { stride, dilation, span, pads } = resolved;
  const outputPadding = given.map((extra, axis) => {
    const s = dim(stride, axis);
    const most = Math.max(s, dim(dilation, axis)) - 1;
    wholeNumber(operation, "output padding", extra, [0, most, " under this stride and dilation"]);
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
