// Dropout: a pure function of the key that the forward pass is given.
import { bernoulli, describeOperation, ModuleError, type Context, type Tensor } from "@convoke/core";
import type { SameShape } from "./kind.js";
import { Layer, type LayerOptions } from "./layer.js";

/** Dropout; make it with `dropout`. */
export class Dropout extends Layer<SameShape<"dropout">> {
  /** The probability that an element is dropped. */
  readonly rate: number;

  constructor(rate: number, options: LayerOptions = {}) {
    super("dropout", options);
    if (!(rate >= 0 && rate <= 1)) {
      throw new ModuleError({
        operation: "dropout",
        problem: `the rate is ${rate}, it must lie between 0 and 1: the probability that an element is dropped.`,
        wayOut: "Write for instance dropout(0.5).",
      });
    }
    this.rate = rate;
  }

  protected compute(x: Tensor, { training, key }: Context): Tensor {
    if (!training || this.rate === 0) return x;
    if (key === undefined) {
      throw new ModuleError({
        operation: describeOperation(this.kind),
        problem: "in training it drops at random, but the context has no key.",
        wayOut:
          "Call forward(x, { training: true, key: randomKey(seed) }), with foldIn(key, step) for each step.",
      });
    }
    const keep = 1 - this.rate;
    const kept = bernoulli(key, x.shape, keep);
    return kept.where(keep === 0 ? x : x.div(keep), 0);
  }
}

/**
 * In training each element becomes 0 with probability `rate`, and the others are divided by 1 − rate, so that the
 * expectation stays; in inference nothing happens (Srivastava et al., JMLR 15, 2014). Which elements drop is a pure
 * function of the context's key and the layer's path.
 *
 * @example
 * ```ts
 * import { ones, randomKey } from "@convoke/core";
 * import { dropout } from "@convoke/layers";
 *
 * const y = dropout(0.5).forward(ones([1000]), { training: true, key: randomKey(1) });
 * console.log(y.shape, await y.max().item()); // [1000] 2
 * ```
 */
export function dropout(rate: number, options: LayerOptions = {}): Dropout {
  return new Dropout(rate, options);
}
