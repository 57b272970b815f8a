// The dense layer: every output depends on every input.
import {
  describeOperation,
  linear,
  type Context,
  type Initializer,
  type Tensor,
  type Variable,
} from "@convoke/core";
import { formatShape, ShapeError, type FormatShape, type Shape } from "@convoke/shape";
import { defaultBias, defaultWeight } from "./initializers.js";
import type { Kind } from "./kind.js";
import { Layer, wholeOption, type AxesText, type LayerOptions } from "./layer.js";

/** The kind of `dense`. */
export interface FullyConnected<Units extends number> extends Kind {
  readonly parameters: ["dense", Units];
  readonly output: this["input"] extends Shape ? Connected<this["input"], Units> : unknown;
  readonly gives: "same";
}

type Connected<X extends Shape, Units extends number> = [X[number]] extends [number]
  ? number extends X["length"]
    ? Shape
    : X extends readonly [...infer Rest extends Shape, number]
      ? Rest["length"] extends 1 | 2
        ? [...Rest, Units]
        : NoFeatures<X>
      : NoFeatures<X>
  : never;

type NoFeatures<X extends Shape> =
  `dense: input ${FormatShape<X>} has ${AxesText<X["length"]>}, it takes [N, features] or [N, L, features]${X["length"] extends 0 | 1 ? "" : "; put flatten() or globalAvgPool2d() before it"}.`;

export interface DenseOptions<Units extends number = number> extends LayerOptions {
  /** The number of outputs. */
  readonly units: Units;
  /** Default true. */
  readonly bias?: boolean | undefined;
  /** Initial weights. Default: uniform in ±1/√inputs, as in PyTorch. */
  readonly init?: Initializer | undefined;
  /** Initial biases. Default: uniform in ±1/√inputs. */
  readonly biasInit?: Initializer | undefined;
}

/** A dense layer; make it with `dense`. */
export class Dense<K extends Kind = Kind> extends Layer<K> {
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
    this.#checkAxes(input);
    const shape = [units, input.at(-1)!];
    this.weight = this.parameter(shape, init ?? defaultWeight());
    if (bias) this.bias = this.parameter([units], biasInit ?? defaultBias(shape));
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    this.#checkAxes(x.shape);
    this.#checkFeatures(x.shape);
    return linear(x, this.weight.value, this.bias?.value);
  }

  /** Feature maps would do as well, along their last axis: but nobody means that who forgets to flatten them. */
  #checkAxes(input: Shape): void {
    if (input.length === 2 || input.length === 3) return;
    const isShort = input.length < 2;
    throw new ShapeError({
      operation: describeOperation(this.kind),
      got: `input ${formatShape(input)} has ${input.length} ${input.length === 1 ? "axis" : "axes"}`,
      rule: `, it takes [N, features] or [N, L, features]${isShort ? "" : "; put flatten() or globalAvgPool2d() before it"}.`,
      wayOut: isShort
        ? "Add a batch axis in front with .unsqueeze(0)."
        : "To use it along the last axis all the same, reshape the input to [N, L, features].",
    });
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
 * x · weightᵀ + bias for x [N, inputs], or at each place of a sequence [N, L, inputs]: weight [units, inputs], bias
 * [units]. Put `flatten()` or `globalAvgPool2d()` in front when the input is a feature map.
 *
 * @example
 * ```ts
 * import { dense } from "@convoke/layers";
 *
 * const layer = dense({ units: 10 }).build([84]);
 * console.log(layer.weight.shape, layer.outputShape); // [10, 84] [1, 10]
 * ```
 */
export function dense<Units extends number>(options: DenseOptions<Units>): Dense<FullyConnected<Units>> {
  return new Dense(options);
}
