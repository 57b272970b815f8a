// How a rule's refusal becomes a compile error on the argument that is wrong.
import type { Shape } from "./shape.js";

declare const mismatch: unique symbol;

/** What no argument is: its parameter is the message that the compiler prints. */
export interface Mismatch<Message> {
  readonly [mismatch]: Message;
}

interface Verdict<Message> {
  readonly [ok: string]: unknown;
  readonly [message: `${string}: ${string}`]: Mismatch<Message>;
}

/** The message of a refusal, "" of a shape. `infer` hides the message's pattern while the rule is deferred. */
type MessageOf<Result> = [Result] extends [infer Message extends string] ? Message : "";

/**
 * `unknown` where a rule gave a shape, a `Mismatch` with its message where it gave a message: intersected with an
 * argument's type, it puts the message on that argument. While the shapes are still type parameters the key is only
 * known to be a string, for which `Verdict` has `unknown`: generic functions compile without casts, and are checked
 * where they are called with shapes.
 *
 * @example
 * ```ts
 * import type { Fits, Matmul, Shape } from "@convoke/shape";
 * function product<A extends Shape, B extends Shape>(a: A, b: Fits<Matmul<A, B>> & B): void {
 *   console.log(a, b);
 * }
 * product([2, 3], [3, 4]); // [2, 3] [3, 4]
 * ```
 */
export type Fits<Result> = Verdict<MessageOf<Result>>[MessageOf<Result>];

/**
 * The shape that a rule gave; `Shape` after a refusal, so that one mistake gives one error. `infer` keeps the compiler from
 * looking into a rule that is still deferred, when it compares two generic functions.
 */
export type Ok<Result> = [Result] extends [infer S extends Shape] ? S : Shape;

/**
 * A rule's result with the operation's name before a message. The rules with long bodies leave the name to this: two
 * `infer`s hide those bodies from the compiler, which else goes through them when it compares two ops.
 */
export type Named<Op extends string, Result> = [Result] extends [infer Message extends string]
  ? `${Op}: ${Message}`
  : [Result] extends [infer S extends Shape]
    ? S
    : Shape;
