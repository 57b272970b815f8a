// Modules from functions.
import { Module, type Context, type Tensor } from "@convoke/core";
import { adopt } from "./children.js";
import { Layer, type LayerOptions } from "./layer.js";

/** A layer that is a plain function; make it with `lambda`. */
export class Lambda extends Layer {
  readonly #apply: (x: Tensor, context: Context) => Tensor;

  constructor(apply: (x: Tensor, context: Context) => Tensor, options: LayerOptions = {}) {
    super("lambda", options);
    this.#apply = apply;
  }

  protected compute(x: Tensor, context: Context): Tensor {
    return this.#apply(x, context);
  }
}

/**
 * Any function of a tensor as a layer without parameters. It runs when the model is traced: build tensors in it, and
 * do nothing else.
 */
export function lambda(apply: (x: Tensor, context: Context) => Tensor, options: LayerOptions = {}): Lambda {
  return new Lambda(apply, options);
}

/** The input itself. */
export function identity(options: LayerOptions = {}): Lambda {
  return new Lambda((x) => x, options);
}

/** A model from parts and a function; make it with `model`. */
export class FunctionalModel<Parts extends Readonly<Record<string, unknown>>, In, Out> extends Module<
  In,
  Out
> {
  readonly #parts: Parts;
  readonly #apply: (parts: Parts, x: In, context: Context) => Out;

  constructor(parts: Parts, apply: (parts: Parts, x: In, context: Context) => Out) {
    super();
    adopt(this, Object.entries(parts));
    this.#parts = parts;
    this.#apply = apply;
  }

  override get kind(): string {
    return "model";
  }

  protected compute(x: In, context: Context): Out {
    return this.#apply(this.#parts, x, context);
  }
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
 */
export function model<Parts extends Readonly<Record<string, unknown>>, In = Tensor, Out = Tensor>(
  parts: Parts,
  apply: (parts: Parts, x: In, context: Context) => Out,
): FunctionalModel<Parts, In, Out> {
  return new FunctionalModel(parts, apply);
}
