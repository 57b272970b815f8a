// How many windows lie along the axes of an input, and the refusal of those that do not fit.
import { refuse } from "./shape-error.js";
import type { Digits } from "./arithmetic/dims.js";
import type {
  Add,
  Ratio,
  HighestFirstToNumber,
  IsZero,
  Multiply,
  Subtract,
  ToNumber,
} from "./arithmetic/natural.js";
import type { At, Format, Times } from "./axes.js";
import { dim, formatShape, type Shape } from "./shape.js";
import {
  type Option,
  type Padding,
  type PaddingText,
  type PadsAt,
  resolveOptions,
  type Span,
  times,
  totalPadding,
  type WindowOptions,
  type WindowProblem,
  type Windows,
  type WindowsOptions,
} from "./window-options.js";

/** The number of windows along an axis of `N`, or what is wrong with the options. */
export type Window<N extends number, Options extends WindowOptions, Op extends string = "window"> =
  Windowed<
    [N],
    Options["size"],
    Option<Options, "stride", 1, number>,
    Option<Options, "padding", 0, Padding>,
    Option<Options, "dilation", 1, number>,
    Option<Options, "ceilMode", false, boolean>
  > extends infer R
    ? R extends readonly [infer Count]
      ? Count
      : R extends string
        ? `${Op}: ${R}`
        : number
    : never;

/**
 * The number of windows along each of the axes `S`, or a message without the operation's name. `Whole` is the input's
 * full shape, for messages.
 */
export type Windowed<
  S extends Shape,
  Size extends number | Shape,
  Stride extends number | Shape,
  P extends Padding,
  Dilation extends number | Shape,
  Ceil extends boolean,
  Whole extends Shape = S,
> =
  Plan<Size, Stride, P, Dilation, Ceil> extends infer F
    ? F extends WindowPlan<string, string, string>
      ? { -readonly [A in keyof S]: Places<S[A], F> } extends infer Counts
        ? Counts extends Shape
          ? Counts
          : DoesNotFit<S, Size, P, Dilation, Whole>
        : never
      : WindowedOn<S, Size, Stride, P, Dilation, Ceil, Whole>
    : never;

/** As `Windowed`, for options of every form. */
type WindowedOn<
  S extends Shape,
  Size extends number | Shape,
  Stride extends number | Shape,
  P extends Padding,
  Dilation extends number | Shape,
  Ceil extends boolean,
  Whole extends Shape,
> = [WindowProblem<S, Size, Stride, P, Dilation>] extends [never]
  ? WindowCounts<S, Size, Stride, P, Dilation, Ceil> extends infer Counts
    ? Counts extends Shape
      ? Counts
      : DoesNotFit<S, Size, P, Dilation, Whole>
    : never
  : WindowProblem<S, Size, Stride, P, Dilation>;

type DoesNotFit<
  S extends Shape,
  Size extends number | Shape,
  P extends Padding,
  Dilation extends number | Shape,
  Whole extends Shape,
> = `kernel ${Times<PerAxis<Size, S>>}${DilationText<PerAxis<Dilation, S>>} does not fit the ${Times<S>}${S["length"] extends 1 ? "-long" : ""} input with padding ${PaddingText<P>}; the input is ${Format<Whole>}, a window must lie inside the padded input.`;

/**
 * Options that are known and the same along all axes, worked out: the windows along an axis of n are
 * ⌊(n ± amount) / stride⌋ ("+", "-"), or n ("="). It does not depend on the input, so that the compiler makes it once for
 * all layers with these options, and counts the windows once for all axes of one length.
 */
interface WindowPlan<Sign extends string, Amount extends string, Stride extends string> {
  readonly sign: Sign;
  readonly amount: Amount;
  readonly stride: Stride;
}

/** The plan, or `undefined` where an option is not known, a list, or wrong. */
type Plan<
  Size extends number | Shape,
  Stride extends number | Shape,
  P extends Padding,
  Dilation extends number | Shape,
  Ceil extends boolean,
> = [Size, Stride, P, Dilation, Ceil] extends [
  infer K extends number,
  infer T extends number,
  number | "same" | "valid",
  infer D extends number,
  false,
]
  ? "?" extends Digits<K> | Digits<T> | Digits<D>
    ? undefined
    : [WindowProblem<[], K, T, P, D>] extends [never]
      ? [P] extends ["same"]
        ? T extends 1
          ? WindowPlan<"=", "", "1">
          : WindowPlan<"+", Subtract<Digits<T>, "1">, Digits<T>>
        : [P] extends ["valid"]
          ? PlanOf<Span<K, D>, "0", Digits<T>>
          : [P] extends [infer Side extends number]
            ? Digits<Side> extends "?"
              ? undefined
              : PlanOf<Span<K, D>, Add<Digits<Side>, Digits<Side>>, Digits<T>>
            : undefined
      : undefined
  : undefined;

// ⌊(n + padding + stride − span) / stride⌋, where `Reach` is the padding and the stride.
type PlanOf<
  Span extends string,
  Pads extends string,
  Stride extends string,
  Reach extends string = Add<Pads, Stride>,
> =
  Subtract<Reach, Span> extends infer More extends string
    ? More extends "-"
      ? WindowPlan<"-", Subtract<Span, Reach>, Stride>
      : [Stride, IsZero<More>] extends ["1", true]
        ? WindowPlan<"=", "", "1">
        : WindowPlan<"+", More, Stride>
    : never;

/** The number of windows along an axis, or "!" where none fits. */
type Places<N, F extends WindowPlan<string, string, string>> = F["sign"] extends "="
  ? N extends 0
    ? "!"
    : N
  : Digits<N & number> extends infer Known extends string
    ? Known extends "?"
      ? number
      : FloorCount<
          F["sign"] extends "+" ? Add<Known, F["amount"]> : Subtract<Known, F["amount"]>,
          F["stride"]
        >
    : never;

type PerAxis<V extends number | Shape, S extends Shape> = V extends number
  ? { [K in keyof S]: V }
  : V extends Shape
    ? V
    : never;

type DilationText<Dilation extends Shape> = Dilation[number] extends 1
  ? ""
  : ` with dilation ${Times<Dilation>}`;

// "!" after an axis on which no window fits.
type WindowCounts<
  S extends Shape,
  Size extends number | Shape,
  Stride extends number | Shape,
  P extends Padding,
  Dilation extends number | Shape,
  Ceil extends boolean,
  Out extends number[] = [],
  Axis extends 0[] = [],
  Whole extends Shape = S,
> = S extends readonly [infer N extends number, ...infer Rest extends Shape]
  ? PadsAt<P, Axis, Whole> extends [infer Before extends number | string, infer After extends number | string]
    ? WindowCount<
        N,
        At<Size, Axis["length"]>,
        At<Stride, Axis["length"]>,
        Before,
        After,
        At<Dilation, Axis["length"]>,
        Ceil
      > extends infer Count
      ? Count extends number
        ? WindowCounts<Rest, Size, Stride, P, Dilation, Ceil, [...Out, Count], [...Axis, 0], Whole>
        : "!"
      : never
    : never
  : Out;

type WindowCount<
  N extends number,
  Size extends number,
  Stride extends number,
  Before extends number | string,
  After extends number | string,
  Dilation extends number,
  Ceil extends boolean,
> = Before extends "same"
  ? N extends 0
    ? "!"
    : Stride extends 1
      ? N
      : "?" extends Digits<N> | Digits<Stride>
        ? number
        : FloorCount<Subtract<Add<Digits<N>, Digits<Stride>>, "1">, Digits<Stride>>
  : WindowCountOn<
      N,
      Digits<N>,
      Span<Size, Dilation>,
      Stride,
      Before extends number ? Before : 0,
      After extends number ? After : 0,
      Ceil
    >;

/** ⌊(n + padding + s − e) / s⌋; a unit stride with as much padding as the window takes away leaves `N` as it is. */
type WindowCountOn<
  N extends number,
  Known extends string,
  E extends string,
  Stride extends number,
  Before extends number,
  After extends number,
  Ceil extends boolean,
> = "?" extends E | Digits<Stride> | Digits<Before> | Digits<After>
  ? number
  : Add<Digits<Before>, Digits<After>> extends infer Both extends string
    ? Stride extends 1
      ? IsZero<Subtract<Add<Both, "1">, E>> extends true
        ? N extends 0
          ? "!"
          : N
        : Known extends "?"
          ? number
          : Ceil extends false
            ? AtLeastOne<Subtract<Add<Add<Known, Both>, "1">, E>>
            : CeilCount<Known, Both, E, "1", Digits<Before>>
      : Known extends "?"
        ? number
        : [boolean] extends [Ceil]
          ? number
          : Ceil extends true
            ? CeilCount<Known, Both, E, Digits<Stride>, Digits<Before>>
            : FloorCount<Subtract<Add<Add<Known, Both>, Digits<Stride>>, E>, Digits<Stride>>
    : never;

type AtLeastOne<A extends string> = A extends "-" ? "!" : IsZero<A> extends true ? "!" : ToNumber<A>;

type FloorCount<Room extends string, Stride extends string> = Room extends "-"
  ? "!"
  : Stride extends "1"
    ? AtLeastOne<Room>
    : HighestFirstToNumber<Ratio<Room, Stride>> extends infer Count extends number
      ? Count extends 0
        ? "!"
        : Count
      : never;

// The last window must start in the input or the padding before it, or it is dropped.
type CeilCount<
  Known extends string,
  Both extends string,
  E extends string,
  Stride extends string,
  Before extends string,
> =
  Subtract<Add<Add<Known, Both>, Add<Stride, Subtract<Stride, "1">>>, E> extends infer Room extends string
    ? Room extends "-"
      ? "!"
      : Ratio<Room, Stride> extends infer Count extends string
        ? HighestFirstToNumber<Count> extends 0
          ? "!"
          : LastStart<Digits<HighestFirstToNumber<Count>>, Stride> extends infer Start extends string
            ? Subtract<Start, Add<Known, Before>> extends "-"
              ? HighestFirstToNumber<Count>
              : AtLeastOne<Subtract<Digits<HighestFirstToNumber<Count>>, "1">>
            : never
        : never
    : never;

type LastStart<Count extends string, Stride extends string> = Multiply<Subtract<Count, "1">, Stride>;

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
  const resolved = resolveOptions(operation, options, [
    spatial.length,
    (axis, stride, span) => (Math.ceil(dim(spatial, axis) / stride) - 1) * stride + span - dim(spatial, axis),
  ]);
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
