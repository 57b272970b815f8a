// What the compiler knows of one dimension.
import type { Reverse } from "./natural.js";

declare const dimName: unique symbol;

/**
 * A dimension that has a name but no known size, such as a batch. It is a number; the same name means the same size,
 * and sizes of different names are compared at run time. Rules take it to be at least 1.
 *
 * @example
 * ```ts
 * import type { Dim, Matmul } from "@convoke/shape";
 * const logits: Matmul<[Dim<"N">, 784], [784, 10]> = [32 as Dim<"N">, 10];
 * console.log(logits); // [32, 10]
 * ```
 */
export type Dim<Name extends string> = number & { readonly [dimName]: Name };

/** The digits of a literal, lowest first, or "?" for everything else: `number`, a union, `any`, a symbolic dimension. */
export type Digits<D extends number, All = D> = number extends D
  ? "?"
  : D extends unknown
    ? [All] extends [D]
      ? D extends Dim<string>
        ? "?"
        : Reverse<`${D}`>
      : "?"
    : never;

/** A literal or a symbolic dimension as it is; everything else is `number`. */
export type Known<D extends number, All = D> = number extends D
  ? number
  : D extends unknown
    ? [All] extends [D]
      ? D
      : number
    : never;

/** How a dimension is printed: a literal by its digits, a symbolic one by its name, an unknown one as "?". */
export type DimText<D> = number extends D
  ? "?"
  : D extends Dim<infer Name>
    ? Name
    : D extends number
      ? `${D}`
      : "?";

/** Whether both stand for one size: the same literal or the same name. */
export type SameDim<X extends number, Y extends number> = number extends X
  ? false
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
