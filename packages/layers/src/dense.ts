// The dense layer: every output depends on every input.
import {
  describeOperation,
  linear,
  type Context,
  type Initializer,
  type Tensor,
  type Variable,
} from "@convoke/core";
import { formatShape, ShapeError, type Shape } from "@convoke/shape";
import { defaultBias, defaultWeight } from "./initializers.js";
import { Layer, wholeOption, type LayerOptions } from "./layer.js";

export interface DenseOptions extends LayerOptions {
  /** The number of outputs. */
  readonly units: number;
  /** Default true. */
  readonly bias?: boolean | undefined;
  /** Initial weights. Default: uniform in ±1/√inputs, as in PyTorch. */
  readonly init?: Initializer | undefined;
  /** Initial biases. Default: uniform in ±1/√inputs. */
  readonly biasInit?: Initializer | undefined;
}

/** A dense layer; make it with `dense`. */
export class Dense extends Layer {
  /** [units, inputs]. */
  weight!: Variable;
  /** [units], or undefined in a layer without bias. */
  bias: Variable | undefined;
  readonly options: DenseOptions;

  constructor(options: DenseOptions) {
    super("dense", options);
    wholeOption("dense", "units", options.units);
    this.options = options;
  }

  protected override setup(input: Shape): void {
    const { units, bias = true, init, biasInit } = this.options;
    const inputs = input.at(-1);
    if (inputs === undefined || input.length < 2) {
      throw new ShapeError({
        operation: describeOperation(this.kind),
        got: `input ${formatShape(input)} has no axis of features`,
        rule: ", it takes [N, …, features].",
        wayOut: "Add a batch axis in front with .unsqueeze(0).",
      });
    }
    const shape = [units, inputs];
    this.weight = this.parameter(shape, init ?? defaultWeight());
    if (bias) this.bias = this.parameter([units], biasInit ?? defaultBias(shape));
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    this.#checkFeatures(x.shape);
    return linear(x, this.weight.value, this.bias?.value);
  }

  /** In the layer's own words: most often images have another size than those that the model was built with. */
  #checkFeatures(input: Shape): void {
    const wanted = this.weight.shape[1]!;
    const features = input.at(-1) ?? 0;
    if (features === wanted) return;
    throw new ShapeError({
      operation: describeOperation(this.kind),
      got: `input ${formatShape(input)} has ${features} features`,
      rule: `, the layer expects ${wanted}.`,
      wayOut: "Give the model inputs of the size that it was built with, or build it again with this size.",
    });
  }
}

/**
 * x [N, …, inputs] · weightᵀ + bias, along the last axis: weight [units, inputs], bias [units]. Put `flatten()` in front
 * when the input is a feature map.
 *
 * @example
 * ```ts
 * import { dense } from "@convoke/layers";
 *
 * const layer = dense({ units: 10 }).build([84]);
 * console.log(layer.weight.shape, layer.outputShape); // [10, 84] [1, 10]
 * ```
 */
export function dense(options: DenseOptions): Dense {
  return new Dense(options);
}
