// Models from parts and a function.
import { Module, type Context } from "@convoke/core";
import { adopt } from "./children.js";

/** Parts of a model by name. */
export type PartRecord = Readonly<Record<string, unknown>>;

/** A model from parts and a function; make it with `model`. */
export class FunctionalModel<Parts extends PartRecord, In, Out> extends Module<In, Out> {
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
