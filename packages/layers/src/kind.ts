// What a layer makes of a shape, as a type: layers are functions from shape to shape, which models apply one by one.
import type { Context, DType, Tensor } from "@convoke/core";
import type { FormatShape, NameOf, Shape } from "@convoke/shape";
import type { InputSpec } from "./input.js";

/**
 * A function from the shape of the input to the shape of the output. An interface that extends it computes `output` from
 * `this["input"]`: a shape, or a message of the form `operation: what is wrong.` What stands in `parameters` tells one
 * kind from another.
 *
 * @example
 * ```ts
 * import { concat, zeros, type Context, type Tensor } from "@convoke/core";
 * import { input, Layer, sequential, type Kind } from "@convoke/layers";
 * import type { Concat, Shape } from "@convoke/shape";
 *
 * interface Doubled extends Kind {
 *   readonly output: this["input"] extends Shape ? Concat<[this["input"], this["input"]], 1, "doubled"> : unknown;
 *   readonly gives: "same";
 * }
 * class Double extends Layer<Doubled> {
 *   constructor() {
 *     super("doubled");
 *   }
 *   protected compute(x: Tensor, _context: Context): Tensor {
 *     return concat([x, x], 1);
 *   }
 * }
 * const model = sequential(input(3, 8, 8), new Double()); // Model<[Dim<"N">, 3, 8, 8], [Dim<"N">, 6, 8, 8]>
 * console.log(model.forward(zeros([5, 3, 8, 8])).shape); // [5, 6, 8, 8]
 * ```
 */
export interface Kind {
  /** The shape of the input: whoever applies the kind puts it in. */
  readonly input: unknown;
  /** The shape of the output, or a message. */
  readonly output: unknown;
  /** The element type of the output; `"same"` is that of the input. */
  readonly gives: DType | "same";
  /** The element types of inputs. */
  readonly takes: DType;
}

/** The kind of layers that leave the shape as it is. */
export interface SameShape<Name extends string> extends Kind {
  readonly parameters: [Name];
  readonly output: this["input"];
  readonly gives: "same";
}

/** What a kind makes of a shape. */
export type OutputOf<K, S> = K extends Kind ? (K & { readonly input: S })["output"] : unknown;

/** The element type that a layer gives for one that it gets. */
export type DTypeFrom<K extends Kind, D extends DType> = [K["gives"]] extends ["same"]
  ? D
  : [K["gives"]] extends [DType]
    ? K["gives"]
    : DType;

/** `Result`, or a message where the element type is known and none that the layer takes. */
export type Taking<K extends Kind, D extends DType, Result> = [D & K["takes"]] extends [never]
  ? `forward: got ${D}, but the input must be ${DTypeText<K["takes"]>}.`
  : Result;

type DTypeText<D extends DType> = ["int32" | "int64", D] extends [D, "int32" | "int64"]
  ? "int32 or int64"
  : D;

export declare const kind: unique symbol;

/** Whatever carries a kind. @internal */
export interface Kinded<out K> {
  readonly [kind]: K;
}

/**
 * A module as an argument, whatever it takes. These members tell it from anything else, and cost the compiler nothing to
 * compare; `forward` would, for each layer of a model.
 */
export interface AnyModule {
  readonly isBuilt: boolean;
  readonly structureVersion: number;
}

/** What a layer or module makes of a shape: a shape, or a message. `Shape` where the types do not say. */
export type Step<L, S extends Shape> = (
  [L] extends [Kinded<infer K>] ? OutputOf<K, S> : Called<L, S>
) extends infer Y
  ? unknown extends Y
    ? Shape
    : [Y] extends [string]
      ? Y
      : [Y] extends [infer One extends Shape]
        ? true extends IsUnion<One>
          ? Shape
          : One
        : Shape
  : never;

type IsUnion<T, All = T> = T extends unknown ? ([All] extends [T] ? false : true) : never;

/** A module with a kind of its own making: its `forward` says what it takes and gives. */
type Called<L, S extends Shape> = L extends { forward(x: infer In, context?: Context): infer Out }
  ? [In] extends [Tensor<infer A>]
    ? [Out] extends [Tensor<infer B>]
      ? Signature<S, A, B, "module: it">
      : Shape
    : "module: its forward takes no single tensor."
  : [L] extends [AnyModule]
    ? Shape
    : [L] extends [InputSpec]
      ? "input: it stands first, and only once."
      : "record: a record of layers stands alone, or behind an input alone.";

/**
 * The shape `Out` for an input of shape `S` where an input of shape `In` is expected: equal names stand for equal sizes.
 * `Who` begins the message.
 */
export type Signature<S extends Shape, In extends Shape, Out extends Shape, Who extends string> = [
  S[number],
] extends [number]
  ? number extends In["length"]
    ? Renamed<Out, [], S>
    : number extends S["length"]
      ? Renamed<Out, In, S>
      : S["length"] extends In["length"]
        ? true extends Differences<S, In>
          ? `${Who} expects ${FormatShape<In>} but got ${FormatShape<S>}.`
          : Renamed<Out, In, S>
        : `${Who} expects ${FormatShape<In>} but got ${FormatShape<S>}.`
  : never;

type Differences<S extends Shape, In extends Shape> = {
  [K in keyof In]: [NameOf<In[K]>] extends [never]
    ? K extends keyof S
      ? Differ<In[K], S[K]>
      : false
    : HasSeveralSizes<Sizes<In, S, NameOf<In[K]>>>;
}[number];

/** Whether two dimensions are literals, and not the same one. */
type Differ<A, B> =
  IsLiteral<A> extends true
    ? IsLiteral<B> extends true
      ? [A, B] extends [B, A]
        ? false
        : true
      : false
    : false;

type IsLiteral<D> = number extends D ? false : IsUnion<D> extends true ? false : true;

type Literals<D> = D extends unknown ? (IsLiteral<D> extends true ? D : never) : never;

/** Whether there are two literals that differ among dimensions. */
export type HasSeveralSizes<D> = true extends IsUnion<Literals<D>> ? true : false;

/** The sizes in `S` of the axes that `In` gives this name. */
type Sizes<In extends Shape, S extends Shape, Name> = {
  [K in keyof In]: [NameOf<In[K]>, Name] extends [Name, NameOf<In[K]>]
    ? K extends keyof S
      ? S[K]
      : number
    : never;
}[number];

/** `Out` with the sizes that its names have in `S`; `number` for names that the input does not tell. */
type Renamed<Out extends Shape, In extends Shape, S extends Shape> = number extends Out["length"]
  ? Shape
  : {
      -readonly [K in keyof Out]: [NameOf<Out[K]>] extends [never]
        ? Out[K]
        : SizeOf<Sizes<In, S, NameOf<Out[K]>>>;
    };

type SizeOf<Size> = [Size] extends [never] ? number : true extends IsUnion<Size> ? number : Size;
