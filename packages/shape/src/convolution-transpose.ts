// Transposed convolution: the sizes that windows reach which are laid on a larger side.
import type { Digits, NotWhole } from "./arithmetic/dims.js";
import type { Add, IsZero, Multiply, Subtract, ToNumber } from "./arithmetic/natural.js";
import type { At, LengthProblem } from "./axes.js";
import { type ChannelProblem, checkChannels, type ConvOptions, type Ranked } from "./convolution.js";
import type { Named } from "./fits.js";
import { refuse } from "./shape-error.js";
import { dim, type Shape, wholeNumber } from "./shape.js";
import {
  perAxis,
  totalPadding,
  type Option,
  type Padding,
  type PaddingText,
  type PadsAt,
  resolveOptions,
  type Span,
  times,
  type WindowProblem,
  type Windows,
} from "./window-options.js";

/** `outputPadding` lengthens the end of each output axis; absent, 0. */
export interface ConvTransposeOptions extends ConvOptions {
  readonly outputPadding?: number | Shape | undefined;
}

/** The windows of a transposed convolution: `output` is the larger side, which the windows lie on. */
export interface TransposedWindows extends Windows {
  readonly outputPadding: Shape;
}

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
> = [ExtraLength<Extra, S>] extends [never]
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
  : ExtraLength<Extra, S>;

type ExtraLength<Extra extends number | Shape, Like extends Shape> = Extra extends Shape
  ? LengthProblem<"output padding", Extra, Like>
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
