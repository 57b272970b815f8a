// The options of windows: per axis and spelt out, and what may be wrong with them.
import { refuse } from "./shape-error.js";
import type { Digits } from "./arithmetic/dims.js";
import type { Add, Multiply, Subtract } from "./arithmetic/natural.js";
import type { Format, OptionProblem } from "./axes.js";
import { checkLength, dim, type Shape, wholeNumber } from "./shape.js";

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

/** How many elements a window reaches over, as digits. */
export type Span<Size extends number, Dilation extends number> = Dilation extends 1
  ? Digits<Size>
  : "?" extends Digits<Size> | Digits<Dilation>
    ? "?"
    : Add<Multiply<Digits<Dilation>, Subtract<Digits<Size>, "1">>, "1">;

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

/** `3×3`. */
export function times(sizes: Shape): string {
  return sizes.join("×");
}
