// Natural numbers in the type system: decimal digits with the lowest first ("824" is 428), added and multiplied digit
// by digit through tables, as on paper. Exact up to 2^53; tuple lengths would end near 1,000.
import type {
  Borrow,
  Carry,
  Difference,
  NextDigit,
  ProductHigh,
  ProductLow,
  Quotient,
  Remainder,
  Sum,
} from "../generated/digit-tables.js";

type Digit = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9";
type Bit = "0" | "1";

/** The characters in the opposite order. */
export type Reverse<Text extends string, Out extends string = ""> = Text extends `${infer H}${infer T}`
  ? Reverse<T, `${H}${Out}`>
  : Out;

type WithoutZeros<Text extends string> = Text extends "0"
  ? Text
  : Text extends `0${infer T}`
    ? WithoutZeros<T>
    : Text;

/** The number that lowest-first digits mean; `number` above 2^53, where a double would round. */
export type ToNumber<A extends string> = HighestFirstToNumber<Reverse<A>>;

/** As `ToNumber`, of digits in the usual order. */
export type HighestFirstToNumber<A extends string> =
  WithoutZeros<A> extends `${infer N extends number}` ? N : number;

/** A + B. */
export type Add<
  A extends string,
  B extends string,
  C extends Bit = "0",
  Out extends string = "",
> = A extends `${infer X extends Digit}${infer A2}`
  ? B extends `${infer Y extends Digit}${infer B2}`
    ? Add<A2, B2, Carry[C][X][Y], `${Out}${Sum[C][X][Y]}`>
    : C extends "0"
      ? `${Out}${A}`
      : Add<A, "1", "0", Out>
  : C extends "0"
    ? `${Out}${B}`
    : B extends ""
      ? `${Out}1`
      : Add<B, "1", "0", Out>;

/** A − B, with zeros left in front; "-" where it is negative. */
export type Subtract<
  A extends string,
  B extends string,
  C extends Bit = "0",
  Out extends string = "",
> = A extends `${infer X extends Digit}${infer A2}`
  ? B extends `${infer Y extends Digit}${infer B2}`
    ? Subtract<A2, B2, Borrow[C][X][Y], `${Out}${Difference[C][X][Y]}`>
    : C extends "0"
      ? `${Out}${A}`
      : Subtract<A, "1", "0", Out>
  : B extends `0${infer B2}`
    ? Subtract<"", B2, C, Out>
    : B extends ""
      ? C extends "0"
        ? Out
        : "-"
      : "-";

type TimesDigit<
  A extends string,
  D extends Digit,
  C extends Digit = "0",
  Out extends string = "",
> = A extends `${infer X extends Digit}${infer A2}`
  ? TimesDigit<
      A2,
      D,
      Sum["0"][ProductHigh[D][X]][Carry["0"][ProductLow[D][X]][C]],
      `${Out}${Sum["0"][ProductLow[D][X]][C]}`
    >
  : C extends "0"
    ? Out
    : `${Out}${C}`;

/** A · B. */
export type Multiply<A extends string, B extends string> = A extends "1"
  ? B
  : B extends "1"
    ? A
    : MultiplyOn<A, B>;

type MultiplyOn<
  A extends string,
  B extends string,
  Zeros extends string = "",
  Out extends string = "0",
> = B extends `${infer D extends Digit}${infer B2}`
  ? MultiplyOn<A, B2, `${Zeros}0`, D extends "0" ? Out : Add<Out, `${Zeros}${TimesDigit<A, D>}`>>
  : Out;

/** Long division: [⌊A / B⌋ with its highest digit first, the remainder with its lowest first]. B is not 0. */
export type Divide<A extends string, B extends string> = B extends "1"
  ? [Reverse<A>, "0"]
  : B extends keyof Quotient
    ? DivideByDigit<Reverse<A>, B>
    : DivideOn<Reverse<A>, B>;

/** ⌊A / B⌋, its highest digit first. Not `Divide<A, B>[0]`, whose bound the compiler would look for without end. */
export type Ratio<A extends string, B extends string> =
  Divide<A, B> extends [infer Q extends string, string] ? Q : never;

/** A modulo B. */
export type Modulo<A extends string, B extends string> =
  Divide<A, B> extends [string, infer R extends string] ? R : never;

type DivideByDigit<
  A extends string,
  B extends keyof Quotient,
  R extends keyof Quotient[B] = "0" & keyof Quotient[B],
  Out extends string = "",
> = A extends `${infer D extends Digit}${infer A2}`
  ? Remainder[B] extends Record<R, Record<D, infer R2 extends keyof Quotient[B]>>
    ? Quotient[B] extends Record<R, Record<D, infer Q extends string>>
      ? DivideByDigit<A2, B, R2, `${Out}${Q}`>
      : never
    : never
  : [Out, R];

type DivideOn<
  A extends string,
  B extends string,
  R extends string = "",
  Out extends string = "",
> = A extends `${infer D}${infer A2}`
  ? CountSubtractions<`${D}${R}`, B> extends [infer Q extends string, infer R2 extends string]
    ? DivideOn<A2, B, R2, `${Out}${Q}`>
    : never
  : [Out, R];

type CountSubtractions<A extends string, B extends string, Q extends Digit = "0"> =
  Subtract<A, B> extends infer Rest extends string
    ? Rest extends "-"
      ? [Q, A]
      : CountSubtractions<Rest, B, Q extends keyof NextDigit ? NextDigit[Q] : never>
    : never;

/** Whether lowest-first digits mean 0. */
export type IsZero<A extends string> = A extends `0${infer T}` ? IsZero<T> : A extends "" ? true : false;
