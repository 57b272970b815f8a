// Positions along an axis, as a slice reads them.
import type { Digits } from "./dims.js";
import type { Add, Ratio, HighestFirstToNumber, Reverse, Subtract } from "./natural.js";

/**
 * A position clipped to the axis, as lowest-first digits. Backwards a position may also be before the first: there
 * `Shift` is "1" and every position one higher, so that it stays natural.
 */
export type Clip<P, N extends number, Absent extends string, Shift extends "" | "1"> = P extends number
  ? `${P}` extends `-${infer Back}`
    ? Subtract<Add<Digits<N>, Shift>, Reverse<Back>> extends infer At extends string
      ? At extends "-"
        ? "0"
        : At
      : never
    : Lower<Add<Digits<P>, Shift>, Digits<N>>
  : Absent;

type Lower<A extends string, B extends string> = Subtract<B, A> extends "-" ? B : A;

/** ⌈(To − From) / Step⌉, 0 where it is negative; `Step` highest digit first. */
export type StepsBetween<From extends string, To extends string, Step extends string> =
  Subtract<To, From> extends infer Length extends string
    ? Length extends "-"
      ? 0
      : Step extends "1"
        ? HighestFirstToNumber<Reverse<Length>>
        : Subtract<Add<Length, Reverse<Step>>, "1"> extends infer Up extends string
          ? HighestFirstToNumber<Ratio<Up, Reverse<Step>>>
          : never
    : never;
