// What layers make of a shape one after the other, side by side, or each appended to what came before: as types.
import type { Concat, FormatShape, Shape, Stack } from "@convoke/shape";
import type { Kind, Step } from "./kind.js";

/** Where a chain of layers breaks: the place of the layer, and what is wrong there. */
export interface Broken<Place extends string, Message extends string> {
  readonly place: Place;
  readonly message: Message;
}

/** What the layers make of a shape one after the other: a shape, or where they break. */
type Run<Layers extends readonly unknown[], X extends Shape> = [X[number]] extends [number]
  ? RunAt<Layers, X, "0">
  : never;

/** As `Run`, for layers that stand behind an input. */
export type RunBehindInput<Parts extends readonly unknown[], X extends Shape> = [X[number]] extends [number]
  ? RunAt<Parts, X, "1">
  : never;

// The first test gives `never` for `never`, which has every key, so that a walk along it would not end.
type RunAt<Layers extends readonly unknown[], X extends Shape, First extends string> = Layers extends unknown
  ? number extends Layers["length"]
    ? Shape
    : RunFrom<Layers, X, First>
  : never;

// By places, and not by taking one layer after the other off the front: each shorter tuple would be a type of its own,
// with types for all its elements.
type RunFrom<
  Layers extends readonly unknown[],
  X extends Shape,
  Unit extends string,
  Ten extends string = "",
  Tens extends 0[] = [],
> = `${Ten}${Unit}` extends infer Place extends keyof Layers & string
  ? Step<Layers[Place], X> extends infer Y
    ? Y extends Shape
      ? Unit extends keyof NextUnit
        ? RunFrom<Layers, Y, NextUnit[Unit], Ten, Tens>
        : RunFrom<Layers, Y, "0", `${[...Tens, 0]["length"] & number}`, [...Tens, 0]>
      : Broken<Place, Y & string>
    : never
  : X;

interface NextUnit {
  "0": "1";
  "1": "2";
  "2": "3";
  "3": "4";
  "4": "5";
  "5": "6";
  "6": "7";
  "7": "8";
  "8": "9";
}

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
export type Outcome<R> = R extends Broken<infer Place, infer Message> ? Below<Place, Message> : R;

/** The message on the part of a model where `RunBehindInput` breaks, by the place of that part; nothing else. */
export type Breaks<R> = [R] extends [Broken<infer Place, infer Message>]
  ? { readonly [_ in Place]: Below<Before<Place>, Message> }
  : unknown;

/** The place before, which is not 0. */
type Before<
  Place extends string,
  Count extends 0[] = [],
> = `${[...Count, 0]["length"] & number}` extends Place ? Count["length"] : Before<Place, [...Count, 0]>;

/** The kind of layers that run one after the other. */
export interface Chain<Layers extends readonly unknown[]> extends Kind {
  readonly parameters: Layers;
  readonly output: this["input"] extends Shape ? Outcome<Run<Layers, this["input"]>> : unknown;
  readonly gives: "same";
}

/** The kind of `residual`. */
export interface Around<Body, Shortcut = undefined> extends Kind {
  readonly parameters: [Body, Shortcut];
  readonly output: this["input"] extends Shape ? Added<this["input"], Body, Shortcut> : unknown;
  readonly gives: "same";
}

type Added<X extends Shape, Body, Shortcut> = [X[number]] extends [number]
  ? Step<Body, X> extends infer Y
    ? Y extends Shape
      ? ([Shortcut] extends [undefined] ? X : Step<Shortcut, X>) extends infer Z
        ? Z extends Shape
          ? [Y, Z] extends [Z, Y]
            ? Y
            : Stack<[Y, Z]> extends [number, ...infer S extends Shape]
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
  readonly output: this["input"] extends Shape ? Joined<Each<Layers, this["input"]>, Axis> : unknown;
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
        : Broken<`${Out["length"]}`, Y & string>
      : never
    : Layers extends readonly []
      ? Out
      : Shape[]
  : never;

/** The kind of `denseBlock`. */
export interface Appended<Layers extends readonly unknown[]> extends Kind {
  readonly parameters: Layers;
  readonly output: this["input"] extends Shape ? Grown<Layers, this["input"]> : unknown;
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
