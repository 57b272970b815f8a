// Modules from functions.
import type { Context, Tensor } from "@convoke/core";
import type { Shape } from "@convoke/shape";
import { DeclaredModel, type InputTree, type TensorsOf } from "./declared-model.js";
import { FunctionalModel, type PartRecord } from "./functional-model.js";
import type { Kind, SameShape, Signature } from "./kind.js";
import { Layer, type LayerOptions } from "./layer.js";

/** The kind of `lambda`: what the function says that it takes and gives. */
export interface Applying<In extends Tensor, Out extends Tensor> extends Kind {
  readonly parameters: [In, Out];
  readonly output: unknown extends this["input"]
    ? unknown
    : Signature<Extract<this["input"], Shape>, In["shape"], Out["shape"], "lambda: the function">;
  readonly gives: Out["dtype"];
  readonly takes: In["dtype"];
}

/** A layer that is a plain function; make it with `lambda`. */
export class Lambda<K extends Kind = Kind> extends Layer<K> {
  readonly #apply: (x: never, context: Context) => Tensor;

  constructor(kind: string, apply: (x: never, context: Context) => Tensor, options: LayerOptions = {}) {
    super(kind, options);
    this.#apply = apply;
  }

  protected compute(x: Tensor, context: Context): Tensor {
    return this.#apply(x as never, context);
  }
}

/**
 * Any function of a tensor as a layer without parameters. It runs when the model is traced: build tensors in it, and
 * do nothing else. Where the function says shapes, the compiler follows them.
 *
 * @example
 * ```ts
 * import type { Tensor } from "@convoke/core";
 * import { dense, input, lambda, sequential } from "@convoke/layers";
 * import type { Dim } from "@convoke/shape";
 *
 * type Rows<Width extends number> = Tensor<[Dim<"N">, Width]>;
 * const firstTwo = lambda((x: Rows<8>): Rows<2> => x.slice([{}, { end: 2 }]));
 * console.log(sequential(input(8), firstTwo, dense({ units: 3 })).outputShape); // [1, 3]
 * ```
 */
export function lambda<In extends Tensor = Tensor, Out extends Tensor = Tensor>(
  apply: (x: In, context: Context) => Out,
  options: LayerOptions = {},
): Lambda<Applying<In, Out>> {
  return new Lambda("lambda", apply, options);
}

/** The input itself. */
export function identity(options: LayerOptions = {}): Lambda<SameShape<"identity">> {
  return new Lambda("identity", (x: Tensor) => x, options);
}

/**
 * A model whose layers run as a function says: for branches, several inputs or outputs. Hand `context` on to every
 * `forward`. The names of the parts are the paths of their parameters. A class that extends `Module` does the same.
 *
 * @example
 * ```ts
 * import { dense, model } from "@convoke/layers";
 *
 * const gated = model({ value: dense({ units: 4 }), gate: dense({ units: 4 }) }, ({ value, gate }, x, context) =>
 *   value.forward(x, context).mul(gate.forward(x, context).tanh()),
 * );
 * gated.build([3]);
 * console.log(gated.outputShape, Object.keys(gated.namedVariables()));
 * // [1, 4] ["value.weight", "value.bias", "gate.weight", "gate.bias"]
 * ```
 *
 * With `inputs` the model is built at once, its inputs have known shapes, and a call in which they have not, or have
 * batches of different sizes, is refused.
 *
 * @example
 * ```ts
 * import { ones } from "@convoke/core";
 * import { dense, input, model } from "@convoke/layers";
 *
 * const sum = model(
 *   { left: dense({ units: 4 }), right: dense({ units: 4 }) },
 *   ({ left, right }, { a, b }, context) => left.forward(a, context).add(right.forward(b, context)),
 *   { inputs: { a: input(3), b: input(5) } },
 * );
 * console.log(sum.forward({ a: ones([2, 3]), b: ones([2, 5]) }).shape); // [2, 4]
 * ```
 */
export function model<Parts extends PartRecord, In = Tensor, Out = Tensor>(
  parts: Parts,
  apply: (parts: Parts, x: In, context: Context) => Out,
): FunctionalModel<Parts, In, Out>;
export function model<Parts extends PartRecord, const Inputs extends InputTree, Out>(
  parts: Parts,
  apply: (parts: Parts, x: TensorsOf<Inputs>, context: Context) => Out,
  options: { readonly inputs: Inputs },
): DeclaredModel<Parts, Inputs, Out>;
export function model<Parts extends PartRecord, X, Out>(
  parts: Parts,
  apply: (parts: Parts, x: X, context: Context) => Out,
  options?: { readonly inputs: InputTree },
): FunctionalModel<Parts, never, Out> {
  return options === undefined
    ? new FunctionalModel(parts, apply)
    : new DeclaredModel(parts, (own: Parts, x, context) => apply(own, x as X, context), options.inputs);
}
