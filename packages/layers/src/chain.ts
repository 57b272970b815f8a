// What layers make of a shape one after the other, side by side, or each appended to what came before: as types.
import type { Concat, FormatShape, Shape, Stack } from "@convoke/shape";
import type { Kind, Step } from "./kind.js";

/** Where a chain of layers breaks: the index of the layer, and what is wrong there. */
export interface Broken<Index extends number, Message extends string> {
  readonly layer: Index;
  readonly message: Message;
}

/** What the layers make of a shape one after the other: a shape, or where they break. */
export type Run<Layers extends readonly unknown[], X extends Shape> = [X[number]] extends [number]
  ? RunOn<Layers, X>
  : never;

type RunOn<
  Layers extends readonly unknown[],
  X extends Shape,
  Done extends 0[] = [],
> = Layers extends readonly [infer L, ...infer Rest]
  ? Step<L, X> extends infer Y
    ? Y extends Shape
      ? RunOn<Rest, Y, [...Done, 0]>
      : Broken<Done["length"], Y & string>
    : never
  : Layers extends readonly []
    ? X
    : Shape;

/** A message of a part, with the path to that part: `layer 2.body.0 (conv2d): …`. */
export type Below<
  Path extends string | number,
  Message extends string,
> = Message extends `layer ${infer Rest}`
  ? `layer ${Path}.${Rest}`
  : Message extends `forward: the model ${infer Rest}`
    ? `layer ${Path} (model): it ${Rest}`
    : Message extends `${infer Name}: ${infer Rest}`
      ? `layer ${Path} (${Name}): ${Rest}`
      : Message;

/** A result of `Run` as the output of a kind. */
export type Outcome<R> = R extends Broken<infer Index, infer Message> ? Below<Index, Message> : R;

/** What `Run` gave, as a verdict on the argument at `Place`, where `Before` arguments stand before the first layer. */
export type VerdictAt<R, Place, Before extends 0[]> = [R] extends [Broken<infer Index, infer Message>]
  ? Place extends `${Shifted<Index, Before>}`
    ? Below<Index, Message>
    : Shape
  : Shape;

type Shifted<Index extends number, Before extends 0[]> = Before extends [] ? Index : Successor<Index>;

type Successor<N extends number, Count extends 0[] = []> = Count["length"] extends N
  ? [...Count, 0]["length"] & number
  : Successor<N, [...Count, 0]>;

/** The kind of layers that run one after the other. */
export interface Chain<Layers extends readonly unknown[]> extends Kind {
  readonly parameters: Layers;
  readonly output: Outcome<Run<Layers, Extract<this["input"], Shape>>>;
  readonly gives: "same";
}

/** The kind of `residual`. */
export interface Around<Body, Shortcut = undefined> extends Kind {
  readonly parameters: [Body, Shortcut];
  readonly output: Added<Extract<this["input"], Shape>, Body, Shortcut>;
  readonly gives: "same";
}

type Added<X extends Shape, Body, Shortcut> = [X[number]] extends [number]
  ? Step<Body, X> extends infer Y
    ? Y extends Shape
      ? ([Shortcut] extends [undefined] ? X : Step<Shortcut, X>) extends infer Z
        ? Z extends Shape
          ? Stack<[Y, Z]> extends [number, ...infer S extends Shape]
            ? S
            : Stack<[Y, Z]> extends string
              ? `residual: the body gives ${FormatShape<Y>}, the shortcut ${FormatShape<Z>}, the two must have the same shape to be added.`
              : Shape
          : Below<"shortcut", Z & string>
        : never
      : Below<"body", Y & string>
    : never
  : never;

/** The kind of `parallel`. */
export interface Branches<Layers extends readonly unknown[], Axis extends number> extends Kind {
  readonly parameters: [Layers, Axis];
  readonly output: Joined<Each<Layers, Extract<this["input"], Shape>>, Axis>;
  readonly gives: "same";
}

type Joined<Results, Axis extends number> = Results extends readonly Shape[]
  ? Concat<Results, Axis, "parallel">
  : Outcome<Results>;

/** What each of the layers makes of a shape, or the first that breaks. */
type Each<Layers extends readonly unknown[], X extends Shape, Out extends readonly Shape[] = []> = [
  X[number],
] extends [number]
  ? Layers extends readonly [infer L, ...infer Rest]
    ? Step<L, X> extends infer Y
      ? Y extends Shape
        ? Each<Rest, X, [...Out, Y]>
        : Broken<Out["length"], Y & string>
      : never
    : Layers extends readonly []
      ? Out
      : Shape[]
  : never;

/** The kind of `denseBlock`. */
export interface Appended<Layers extends readonly unknown[]> extends Kind {
  readonly parameters: Layers;
  readonly output: Grown<Layers, Extract<this["input"], Shape>>;
  readonly gives: "same";
}

type Grown<Layers extends readonly unknown[], X extends Shape, Done extends 0[] = []> = [X[number]] extends [
  number,
]
  ? Layers extends readonly [infer L, ...infer Rest]
    ? Step<L, X> extends infer Y
      ? Y extends Shape
        ? Concat<[X, Y], 1, "denseBlock"> extends infer Z
          ? Z extends Shape
            ? Grown<Rest, Z, [...Done, 0]>
            : Z
          : never
        : Below<Done["length"], Y & string>
      : never
    : Layers extends readonly []
      ? X
      : Shape
  : never;
