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
import type { At, Format, OptionProblem, Times } from "./axes.js";
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

/** What an options type says of one option: `Absent` where it is left out, and also that where it may be. */
export type Option<Options, Name extends string, Absent extends Bound, Bound> = Name extends keyof Options
  ? Options[Name] extends infer V
    ? V extends Bound
      ? V
      : V extends undefined
        ? Absent
        : never
    : never
  : Absent;

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

/** The first message on the options themselves, else never. */
export type WindowProblem<
  S extends Shape,
  Size extends number | Shape,
  Stride extends number | Shape,
  P extends Padding,
  Dilation extends number | Shape,
> = [OptionProblem<"kernel size", Size, 1, S>] extends [never]
  ? [OptionProblem<"stride", Stride, 1, S>] extends [never]
    ? [OptionProblem<"dilation", Dilation, 1, S>] extends [never]
      ? P extends number | Shape
        ? OptionProblem<"padding", P, 0, P extends Shape ? PaddingLength<P, S> : S>
        : never
      : OptionProblem<"dilation", Dilation, 1, S>
    : OptionProblem<"stride", Stride, 1, S>
  : OptionProblem<"kernel size", Size, 1, S>;

/** Padding may name both sides of each axis. */
type PaddingLength<P extends Shape, S extends Shape> = P["length"] extends [...S, ...S]["length"] ? P : S;

type PerAxis<V extends number | Shape, S extends Shape> = V extends number
  ? { [K in keyof S]: V }
  : V extends Shape
    ? V
    : never;

type DilationText<Dilation extends Shape> = Dilation[number] extends 1
  ? ""
  : ` with dilation ${Times<Dilation>}`;

/** As JavaScript prints it: a list with commas. */
export type PaddingText<P extends Padding> = P extends number | string
  ? `${P}`
  : P extends Shape
    ? Format<P> extends `[${infer List}]`
      ? WithoutSpaces<List>
      : never
    : never;

type WithoutSpaces<Text extends string> = Text extends `${infer A}, ${infer B}`
  ? `${A},${WithoutSpaces<B>}`
  : Text;

/** The padding in front of and behind axis `Axis` of `Rank` ones. */
export type PadsAt<P extends Padding, Axis extends 0[], Whole extends Shape> = P extends Shape
  ? P["length"] extends Whole["length"]
    ? [P[Axis["length"]], P[Axis["length"]]]
    : [P[Axis["length"]], P[[...Axis, ...Whole]["length"] & number]]
  : [P, P];

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

/** How many elements a window reaches over, as digits. */
export type Span<Size extends number, Dilation extends number> = Dilation extends 1
  ? Digits<Size>
  : "?" extends Digits<Size> | Digits<Dilation>
    ? "?"
    : Add<Multiply<Digits<Dilation>, Subtract<Digits<Size>, "1">>, "1">;

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
  [rank, sameTotal]: readonly [number, (axis: number, stride: number, span: number) => number],
): Omit<Windows, "output"> {
  const read = (what: string, value: number | Shape, least: number): Shape =>
    perAxis(operation, what, [value, rank]).map((v) => wholeNumber(operation, what, v, [least]));
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

/** `3×3`. */
export function times(sizes: Shape): string {
  return sizes.join("×");
}
