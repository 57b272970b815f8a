// What the signatures of ops share: the check of element types, and operands that may be plain numbers.
import type { Broadcast, Ok, Shape } from "@convoke/shape";
import type { DType } from "../dtype.js";

/**
 * `Result`, or a message where two element types are known and differ: nothing is promoted silently. Element types that
 * are not known are compared when the node is made.
 */
export type SameDType<D extends DType, E extends DType, Result, Op extends string> = [D & E] extends [never]
  ? `${Op}: got ${D} and ${E}, but the element types must be equal; nothing is promoted silently.`
  : Result;

/** The shape of an element-wise op; a scalar leaves a shape as it is, even one that is a type parameter. */
export type Elementwise<S extends Shape, T extends Shape, Op extends string> = [T] extends [readonly []]
  ? S
  : Ok<Broadcast<S, T, Op>>;

/** What of an op's arguments a message is about. */
type Subject<Message extends string> = Message extends
  | `${string}: ${"stride" | "padding" | "dilation" | "groups" | "output padding"} ${string}`
  | `${string} are not divisible by groups ${string}`
  ? "options"
  : Message extends `${string}: got [${string}` | `${string} axes, it takes ${string}`
    ? "input"
    : "kernel";

/** A result, for the argument that its message is about; the others get a shape and with it no message. */
export type About<What extends "input" | "kernel" | "options", Result> = [Result] extends [
  infer Message extends string,
]
  ? Subject<Message> extends What
    ? Message
    : Shape
  : Shape;
