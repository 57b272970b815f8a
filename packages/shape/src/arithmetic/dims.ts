// What the compiler knows of one dimension.
import type { Reverse } from "./natural.js";

declare const dimName: unique symbol;

/**
 * A dimension that has a name but no known size, such as a batch. It is a number, and any number may stand where a name
 * is asked for: a function of `Tensor<[Dim<"N">, 784]>` takes batches of 32 and of 50. The same name means the same size,
 * and sizes of different names are compared at run time. Rules take it to be at least 1.
 *
 * @example
 * ```ts
 * import type { Dim, Matmul } from "@convoke/shape";
 * const logits: Matmul<[Dim<"N">, 784], [784, 10]> = [32, 10];
 * console.log(logits); // [32, 10]
 * ```
 */
// The name is optional: that lets numbers in, but no other name.
export type Dim<Name extends string> = number & { readonly [dimName]?: Name };

/** Whether a dimension has a name. Ask before anything else: every number is assignable to a `Dim`. */
export type IsNamed<D> = 0 extends 1 & D ? false : typeof dimName extends keyof D ? true : false;

/** The name of a dimension, else never. */
export type NameOf<D> =
  IsNamed<D> extends true
    ? D extends { readonly [dimName]?: infer Name extends string }
      ? Name
      : never
    : never;

/** The digits of a literal, lowest first, or "?" for everything else: `number`, a union, `any`, a symbolic dimension. */
export type Digits<D extends number, All = D> = number extends D
  ? "?"
  : D extends unknown
    ? [All] extends [D]
      ? Reverse<`${D}`>
      : "?"
    : never;

/** A literal or a symbolic dimension as it is; everything else is `number`. */
export type Known<D extends number, All = D> = number extends D
  ? IsNamed<D> extends true
    ? D
    : number
  : D extends unknown
    ? [All] extends [D]
      ? D
      : number
    : never;

/** How a dimension is printed: a literal by its digits, a symbolic one by its name, an unknown one as "?". */
export type DimText<D> = number extends D
  ? IsNamed<D> extends true
    ? NameOf<D>
    : "?"
  : D extends number
    ? `${D}`
    : "?";

/** Whether both stand for one size: the same literal or the same name. */
export type SameDim<X extends number, Y extends number> = number extends X
  ? [NameOf<X>] extends [never]
    ? false
    : [NameOf<X>, NameOf<Y>] extends [NameOf<Y>, NameOf<X>]
      ? true
      : false
  : [X] extends [Y]
    ? [Y] extends [X]
      ? true
      : false
    : false;

/** Texts of literals that are not whole numbers of at least 0. */
type NotNatural = `-${string}` | `${string}.${string}` | `${string}e${string}`;

/** Literals that are no natural number, else never; of unions, `number` and names nothing is known. */
export type NotWhole<D extends number> = D extends unknown ? (`${D}` extends NotNatural ? D : never) : never;

/** As `NotWhole`, with 0 refused too. */
export type NotPositive<D extends number> = D extends unknown
  ? `${D}` extends NotNatural | "0"
    ? D
    : never
  : never;
