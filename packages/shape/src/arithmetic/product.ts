// The number of elements while some dimensions have only a name: a coefficient times names.
import type { Digits, IsNamed } from "./dims.js";
import type { Divide, HighestFirstToNumber, IsZero, Multiply, ToNumber } from "./natural.js";

/** [digits of the known part, lowest first; the named dimensions; whether an unknown one is among the factors]. */
export type Product<
  S extends readonly number[],
  Known extends string = "1",
  Names extends readonly unknown[] = [],
  Open extends boolean = false,
> = number extends S["length"]
  ? [string, readonly unknown[], boolean]
  : S extends readonly [infer D extends number, ...infer Rest extends readonly number[]]
    ? Digits<D> extends "?"
      ? IsNamed<D> extends true
        ? Product<Rest, Known, [...Names, D], Open>
        : Product<Rest, Known, Names, true>
      : Product<Rest, Multiply<Known, Digits<D>>, Names, Open>
    : [Known, Names, Open];

/** The dimension that a coefficient and at most one name stand for. */
export type FromProduct<Known extends string, Names> =
  IsZero<Known> extends true
    ? 0
    : Names extends readonly []
      ? ToNumber<Known>
      : Known extends "1"
        ? Names extends readonly [infer D extends number]
          ? D
          : number
        : number;

/**
 * A product divided by another: [digits, names] where it is whole, "!" where it is surely not, "0/0", and "?" where
 * that depends on what is not known. Names that stand on both sides cancel: they are at least 1.
 */
export type Quotient<
  A extends [string, readonly unknown[], boolean],
  B extends [string, readonly unknown[], boolean],
> = true extends A[2] | B[2]
  ? "?"
  : Cancel<A[1], B[1]> extends [infer Over, infer Under]
    ? Under extends readonly []
      ? IsZero<B[0]> extends true
        ? IsZero<A[0]> extends true
          ? "0/0"
          : "!"
        : Divide<A[0], B[0]> extends [infer Q extends string, infer R extends string]
          ? IsZero<R> extends true
            ? [Canonical<Q>, Over]
            : Over extends readonly []
              ? "!"
              : "?"
          : never
      : "?"
    : never;

type Canonical<HighestFirst extends string> =
  HighestFirstToNumber<HighestFirst> extends infer N extends number ? Digits<N> : never;

type Cancel<
  Over extends readonly unknown[],
  Under extends readonly unknown[],
  Left extends readonly unknown[] = [],
> = Under extends readonly [infer D, ...infer Rest]
  ? Take<Over, D> extends infer Fewer extends readonly unknown[]
    ? Cancel<Fewer, Rest, Left>
    : Cancel<Over, Rest, [...Left, D]>
  : [Over, Left];

type Take<
  List extends readonly unknown[],
  D,
  Before extends readonly unknown[] = [],
> = List extends readonly [infer H, ...infer T]
  ? [H, D] extends [D, H]
    ? [...Before, ...T]
    : Take<T, D, [...Before, H]>
  : "!";
