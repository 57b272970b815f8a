// LeNet-5, the first convolutional network in wide use.
import { avgPool2d, conv2d, dense, flatten, input, maxPool2d, relu, sequential, tanh } from "@convoke/layers";
import type { Shape } from "@convoke/shape";
import { classifier, type Classifier, type ImageModelOptions } from "./options.js";

export interface LeNet5Options<
  S extends Shape = Shape,
  Classes extends number = number,
> extends ImageModelOptions<S, Classes> {
  /** Default relu; the original has tanh. */
  readonly activation?: "relu" | "tanh" | undefined;
  /** Default max; the original averages. */
  readonly pooling?: "max" | "average" | undefined;
  /** Padding of the first convolution. Default 2 for images below 32 pixels, which makes 28×28 the original's 32×32. */
  readonly padding?: number | undefined;
}

/**
 * LeNet-5 (LeCun et al., Gradient-based learning applied to document recognition, 1998), in the form in common use:
 * the second convolution sees all channels, and the output is a dense layer. The paper's C1, S2, C3, S4, C5 and F6 are
 * `conv1`, `pool1`, `conv2`, `pool2`, `fc1` and `fc2`. 61,706 parameters for 28×28 grey images and 10 classes.
 *
 * @example
 * ```ts
 * import { lenet5 } from "@convoke/models";
 *
 * const model = lenet5();
 * console.log(model.inputShapes[0], model.outputShape); // [1, 1, 28, 28] [1, 10]
 * ```
 */
export function lenet5<const S extends Shape = [1, 28, 28], Classes extends number = 10>(
  options: LeNet5Options<S, Classes> = {},
): Classifier<S, Classes> {
  const { inputShape = [1, 28, 28], classes = 10, activation = "relu", pooling = "max" } = options;
  const { padding = Math.min(...inputShape.slice(1)) < 32 ? 2 : 0 } = options;
  const active = activation === "relu" ? relu : tanh;
  const pool = pooling === "max" ? maxPool2d : avgPool2d;
  return classifier(
    sequential(input(...inputShape), {
      conv1: conv2d({ filters: 6, kernelSize: 5, padding }),
      [`${activation}1`]: active(),
      pool1: pool({ size: 2 }),
      conv2: conv2d({ filters: 16, kernelSize: 5 }),
      [`${activation}2`]: active(),
      pool2: pool({ size: 2 }),
      flatten: flatten(),
      fc1: dense({ units: 120 }),
      [`${activation}3`]: active(),
      fc2: dense({ units: 84 }),
      [`${activation}4`]: active(),
      output: dense({ units: classes }),
    }),
  );
}
