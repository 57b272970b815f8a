// What an op is: a primitive with its rules, gradient, cost and reference kernel, or a composite with a body.
import type { Tensor } from "../tensor.js";
import type { TensorSpec } from "../graph/node.js";
import type { TypedArray } from "../dtype.js";

/** A dense row-major array on the host: what reference kernels read and write. */
export interface HostArray extends TensorSpec {
  readonly data: TypedArray;
}

/** Computes `outputs` (allocated, zeroed) from `inputs`. Shapes and dtypes were checked when the node was made. */
export type Kernel<A extends object = object> = {
  // Method syntax: tables of kernels are heterogeneous in A, and a table entry is only ever called with its own op's attributes.
  bivarianceHack(inputs: readonly HostArray[], outputs: readonly HostArray[], attributes: A): void;
}["bivarianceHack"];

/** Work of one node: multiply-adds as the field counts them, and bytes read plus written. */
export interface Cost {
  readonly multiplyAdds: number;
  readonly bytes: number;
}

/** What a gradient rule is given. `gradients[i]` is the gradient of output i, undefined where it is zero. */
export interface GradientContext<A extends object> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: A;
  readonly gradients: readonly (Tensor | undefined)[];
  /** Which inputs need a gradient: a rule may leave out the others. */
  readonly needs: readonly boolean[];
}

/** A gradient for each input (undefined: none), written with other ops so that it can be differentiated again. */
export type GradientRule<A extends object> = {
  bivarianceHack(context: GradientContext<A>): readonly (Tensor | undefined)[];
}["bivarianceHack"];

interface OpBase<N extends string> {
  readonly name: N;
}

/** An op that backends implement. */
export interface Primitive<N extends string = string, A extends object = object> extends OpBase<N> {
  readonly kind: "primitive";
  /** Shape and dtype rule. `operation` names op and layer for the message of a refusal. */
  infer(operation: string, inputs: readonly TensorSpec[], attributes: A): readonly TensorSpec[];
  /** `"none"` where the derivative is zero or does not exist (comparisons, integer outputs). */
  readonly gradient: GradientRule<A> | "none";
  /** Multiply-adds; an op that leaves it out has none (it only moves bytes). */
  multiplyAdds?(inputs: readonly TensorSpec[], outputs: readonly TensorSpec[], attributes: A): number;
  /** The output is the input, value for value: removed before a backend sees the graph. */
  readonly identity?: true;
  /** The living definition: slow, obvious, accumulating in float64. */
  readonly reference: Kernel<A>;
}

/** An op defined by other ops. It stays one node until a backend declines it. */
export interface Composite<N extends string = string, A extends object = object> extends OpBase<N> {
  readonly kind: "composite";
  body(inputs: readonly Tensor[], attributes: A): Tensor | readonly Tensor[];
  /** Refuses bad input with a message in the op's own words; shapes and dtypes then follow from the body. */
  check?(operation: string, inputs: readonly TensorSpec[], attributes: A): void;
  /** Left out, the gradient is derived from the body. `"none"` stops gradients. */
  readonly gradient?: GradientRule<A> | "none";
  /**
   * The body loses nothing in half precision: it moves elements, compares them, or is a product and little else. Other
   * bodies, and their gradients, compute half-precision inputs in float32.
   */
  readonly staysInFloat16?: true;
}

/** Leaves of a graph: they have no kernel and no gradient. */
export interface Leaf<N extends string = string> extends OpBase<N> {
  readonly kind: "leaf";
}

export type OpDefinition = Primitive | Composite | Leaf;

/** Defines an op that every backend needs a kernel for: shape and dtype rule, gradient, reference kernel. */
export function primitive<N extends string, A extends object>(
  definition: Omit<Primitive<N, A>, "kind">,
): Primitive<N, A> {
  return { kind: "primitive", ...definition };
}

/** Defines an op in terms of others: a backend takes it as one node, or it is lowered to its `body`. */
export function composite<N extends string, A extends object>(
  definition: Omit<Composite<N, A>, "kind">,
): Composite<N, A> {
  return { kind: "composite", ...definition };
}

/** The attributes that an op takes. */
export type AttributesOf<O> =
  O extends Primitive<string, infer A> ? A : O extends Composite<string, infer A> ? A : never;
