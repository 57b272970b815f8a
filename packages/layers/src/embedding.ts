// A learned vector for each entry of a vocabulary.
import type { Context, Initializer, Tensor, Variable } from "@convoke/core";
import type { Shape } from "@convoke/shape";
import { normal } from "./initializers.js";
import type { Kind } from "./kind.js";
import { Layer, wholeOption, type LayerOptions } from "./layer.js";

/** The kind of `embedding`. */
export interface Embedded<Units extends number> extends Kind {
  readonly parameters: ["embedding", Units];
  readonly output: this["input"] extends Shape ? [...this["input"], Units] : unknown;
  readonly gives: "float32";
  readonly takes: "int32" | "int64";
}

export interface EmbeddingOptions<Units extends number = number> extends LayerOptions {
  /** How many entries there are: inputs are whole numbers from 0 to vocabulary − 1. */
  readonly vocabulary: number;
  /** The length of each vector. */
  readonly units: Units;
  /** Initial vectors. Default: standard normal, as in PyTorch. */
  readonly init?: Initializer | undefined;
}

/** An embedding; make it with `embedding`. */
export class Embedding<K extends Kind = Kind> extends Layer<K> {
  /** [vocabulary, units]. */
  weight!: Variable;
  readonly options: EmbeddingOptions;

  constructor(options: EmbeddingOptions) {
    super("embedding", options);
    wholeOption("embedding", "vocabulary", options.vocabulary);
    wholeOption("embedding", "units", options.units);
    this.options = options;
  }

  protected override setup(): void {
    const { vocabulary, units, init = normal({ deviation: 1 }) } = this.options;
    this.weight = this.parameter([vocabulary, units], init);
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    return this.weight.value.gather(x as Tensor<Shape, "int32">);
  }
}

/**
 * The vector of each entry: x of int32 [N, L] → [N, L, units]. A convolution over them wants [N, units, L]: swap the
 * axes with `swapAxes()`.
 *
 * @example
 * ```ts
 * import { tensor } from "@convoke/core";
 * import { embedding, input, sequential } from "@convoke/layers";
 *
 * const model = sequential(input(3, { dtype: "int32" }), embedding({ vocabulary: 100, units: 8 }));
 * console.log(model.forward(tensor([[5, 0, 99]], { dtype: "int32" })).shape); // [1, 3, 8]
 * ```
 */
export function embedding<Units extends number>(
  options: EmbeddingOptions<Units>,
): Embedding<Embedded<Units>> {
  return new Embedding(options);
}
