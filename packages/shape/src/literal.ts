// Shapes that a program writes down: those of new tensors, and those that it asserts of tensors it was given.
import type { Digits, Dim, Known, NotWhole } from "./arithmetic/dims.js";
import type { Format, HasRank, ShapeProblem } from "./axes.js";
import type { Shape } from "./shape.js";

/** A written shape as the shape of a tensor, or what is wrong with it. */
export type Literal<S extends Shape, Op extends string = "shape"> = [S[number]] extends [number]
  ? HasRank<S> extends true
    ? [NotWhole<S[number]>] extends [never]
      ? { -readonly [K in keyof S]: Known<S[K]> }
      : `${Op}: ${ShapeProblem<S>}`
    : Shape
  : never;

/**
 * The shape that is known of a tensor of shape `S` once it is found to have the dimensions `To`, where a text names a
 * dimension of any size; or a message where it surely has not.
 */
export type AssertShape<
  S extends Shape,
  To extends readonly (number | string)[],
  Op extends string = "assertShape",
> = [S[number]] extends [number]
  ? HasRank<S> extends true
    ? S["length"] extends To["length"]
      ? true extends { [K in keyof To]: Differ<S[K & keyof S], To[K]> }[number]
        ? Differs<S, To, Op>
        : Asserted<S, To>
      : Differs<S, To, Op>
    : Asserted<UnknownShape<To>, To>
  : never;

type UnknownShape<To extends readonly unknown[]> = { [K in keyof To]: number };

type Differs<
  S extends Shape,
  To extends readonly unknown[],
  Op extends string,
> = `${Op}: the tensor has shape ${Format<S>}, not ${AssertedText<To>}.`;

type AssertedText<To extends readonly unknown[]> = Format<{
  [K in keyof To]: To[K] extends string ? Dim<To[K]> : To[K];
}>;

type Differ<D, To> = To extends number
  ? Digits<D & number> extends "?"
    ? false
    : Digits<To> extends "?" | Digits<D & number>
      ? false
      : true
  : false;

/** What the assertion says, or what was known where it says nothing. */
type Asserted<S extends Shape, To extends readonly (number | string)[]> = {
  -readonly [K in keyof To]: To[K] extends infer Name extends string
    ? Dim<Name>
    : To[K] extends infer D extends number
      ? Digits<D> extends "?"
        ? S[K & keyof S] & number
        : D
      : never;
};
