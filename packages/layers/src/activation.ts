// Activations as layers: the ops of core under the same names.
import {
  celu as celuOf,
  elu as eluOf,
  gelu as geluOf,
  geluTanh as geluTanhOf,
  hardSigmoid as hardSigmoidOf,
  hardSwish as hardSwishOf,
  hardTanh as hardTanhOf,
  leakyRelu as leakyReluOf,
  logSigmoid as logSigmoidOf,
  logSoftmax as logSoftmaxOf,
  mish as mishOf,
  relu as reluOf,
  relu6 as relu6Of,
  selu as seluOf,
  sigmoid as sigmoidOf,
  silu as siluOf,
  softmax as softmaxOf,
  softplus as softplusOf,
  softsign as softsignOf,
  tanh as tanhOf,
  tanhShrink as tanhShrinkOf,
  type Context,
  type Tensor,
} from "@convoke/core";
import type { Reduce, Shape } from "@convoke/shape";
import type { Kind, SameShape } from "./kind.js";
import { Layer, type LayerOptions } from "./layer.js";

/** An element-wise function, or softmax, as a layer without parameters. */
export class Activation<K extends Kind = Kind> extends Layer<K> {
  readonly #apply: (x: Tensor) => Tensor;

  constructor(kind: string, options: LayerOptions, apply: (x: Tensor) => Tensor) {
    super(kind, options);
    this.#apply = apply;
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    return this.#apply(x);
  }
}

/** max(x, 0). */
export function relu(options: LayerOptions = {}): Activation<SameShape<"relu">> {
  return new Activation("relu", options, reluOf);
}

/** min(max(x, 0), 6). */
export function relu6(options: LayerOptions = {}): Activation<SameShape<"relu6">> {
  return new Activation("relu6", options, relu6Of);
}

export interface AlphaOptions extends LayerOptions {
  readonly alpha?: number | undefined;
}

/** x above 0, alpha·x below; alpha is 0.01 by default. */
export function leakyRelu({ alpha = 0.01, ...options }: AlphaOptions = {}): Activation<
  SameShape<"leakyRelu">
> {
  return new Activation("leakyRelu", options, (x) => leakyReluOf(x, { alpha }));
}

/** x above 0, alpha·(eˣ − 1) below; alpha is 1 by default. */
export function elu({ alpha = 1, ...options }: AlphaOptions = {}): Activation<SameShape<"elu">> {
  return new Activation("elu", options, (x) => eluOf(x, { alpha }));
}

/** x above 0, alpha·(e^(x/alpha) − 1) below; alpha is 1 by default. */
export function celu({ alpha = 1, ...options }: AlphaOptions = {}): Activation<SameShape<"celu">> {
  return new Activation("celu", options, (x) => celuOf(x, { alpha }));
}

/** Scaled ELU, which keeps mean 0 and variance 1; start its layers from `lecunNormal()`. */
export function selu(options: LayerOptions = {}): Activation<SameShape<"selu">> {
  return new Activation("selu", options, seluOf);
}

/** x·Φ(x), exact. */
export function gelu(options: LayerOptions = {}): Activation<SameShape<"gelu">> {
  return new Activation("gelu", options, geluOf);
}

/** GELU in the approximation with tanh. */
export function geluTanh(options: LayerOptions = {}): Activation<SameShape<"geluTanh">> {
  return new Activation("geluTanh", options, geluTanhOf);
}

/** x·σ(x), also called Swish. */
export function silu(options: LayerOptions = {}): Activation<SameShape<"silu">> {
  return new Activation("silu", options, siluOf);
}

/** x·tanh(softplus(x)). */
export function mish(options: LayerOptions = {}): Activation<SameShape<"mish">> {
  return new Activation("mish", options, mishOf);
}

/** 1 / (1 + e⁻ˣ). */
export function sigmoid(options: LayerOptions = {}): Activation<SameShape<"sigmoid">> {
  return new Activation("sigmoid", options, sigmoidOf);
}

/** ln σ(x). */
export function logSigmoid(options: LayerOptions = {}): Activation<SameShape<"logSigmoid">> {
  return new Activation("logSigmoid", options, logSigmoidOf);
}

/** The hyperbolic tangent. */
export function tanh(options: LayerOptions = {}): Activation<SameShape<"tanh">> {
  return new Activation("tanh", options, tanhOf);
}

/** x − tanh x. */
export function tanhShrink(options: LayerOptions = {}): Activation<SameShape<"tanhShrink">> {
  return new Activation("tanhShrink", options, tanhShrinkOf);
}

/** ln(1 + eˣ). */
export function softplus(options: LayerOptions = {}): Activation<SameShape<"softplus">> {
  return new Activation("softplus", options, softplusOf);
}

/** x / (1 + |x|). */
export function softsign(options: LayerOptions = {}): Activation<SameShape<"softsign">> {
  return new Activation("softsign", options, softsignOf);
}

/** x·min(max(x + 3, 0), 6)/6. */
export function hardSwish(options: LayerOptions = {}): Activation<SameShape<"hardSwish">> {
  return new Activation("hardSwish", options, hardSwishOf);
}

/** min(max(x + 3, 0), 6)/6. */
export function hardSigmoid(options: LayerOptions = {}): Activation<SameShape<"hardSigmoid">> {
  return new Activation("hardSigmoid", options, hardSigmoidOf);
}

export interface HardTanhOptions extends LayerOptions {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/** min(max(x, min), max); [−1, 1] by default. */
export function hardTanh({ min = -1, max = 1, ...options }: HardTanhOptions = {}): Activation<
  SameShape<"hardTanh">
> {
  return new Activation("hardTanh", options, (x) => hardTanhOf(x, { min, max }));
}

/** The kind of a normalisation along one axis, which has to be there. */
export interface AlongAxis<Name extends string, Axis extends number> extends Kind {
  readonly parameters: [Name, Axis];
  readonly output: this["input"] extends Shape ? IfAxis<this["input"], Axis, Name> : unknown;
  readonly gives: "same";
}

type IfAxis<S extends Shape, Axis extends number, Name extends string> =
  Reduce<S, Axis, true, Name> extends infer R ? (R extends string ? R : S) : never;

/**
 * eˣ / Σ eˣ along `axis` (the last by default). Leave it out in front of `crossEntropy`, which takes logits.
 *
 * @example
 * ```ts
 * import { tensor } from "@convoke/core";
 * import { softmax } from "@convoke/layers";
 *
 * console.log(await softmax().forward(tensor([[0, 0]])).data()); // Float32Array [0.5, 0.5]
 * ```
 */
export function softmax<Axis extends number = -1>(
  axis?: Axis,
  options: LayerOptions = {},
): Activation<AlongAxis<"softmax", Axis>> {
  return new Activation("softmax", options, (x) => softmaxOf(x, axis));
}

/** ln softmax(x) along `axis` (the last by default). */
export function logSoftmax<Axis extends number = -1>(
  axis?: Axis,
  options: LayerOptions = {},
): Activation<AlongAxis<"logSoftmax", Axis>> {
  return new Activation("logSoftmax", options, (x) => logSoftmaxOf(x, axis));
}
