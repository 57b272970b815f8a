// A network without convolutions, to compare with.
import { dense, dropout, flatten, input, relu, sequential } from "@convoke/layers";
import type { Shape } from "@convoke/shape";
import type { Module } from "@convoke/core";
import { classifier, type Classifier, type ImageModelOptions } from "./options.js";

export interface MlpOptions<
  S extends Shape = Shape,
  Classes extends number = number,
> extends ImageModelOptions<S, Classes> {
  /** Units of the hidden layers. Default [512]; [] is a linear classifier. */
  readonly units?: readonly number[] | undefined;
  /** Dropout behind each hidden layer. Default 0. */
  readonly dropout?: number | undefined;
  /** Default true. */
  readonly bias?: boolean | undefined;
}

/** A multilayer perceptron: `fc1`, `fc2`, … with ReLU, and `output`. It does not know which pixels are neighbours. */
export function mlp<const S extends Shape = [1, 28, 28], Classes extends number = 10>(
  options: MlpOptions<S, Classes> = {},
): Classifier<S, Classes> {
  const { inputShape = [1, 28, 28], classes = 10, units = [512], dropout: rate = 0, bias = true } = options;
  const hidden = units.flatMap((count, i): [string, Module][] => [
    [`fc${i + 1}`, dense({ units: count, bias })],
    [`relu${i + 1}`, relu()],
    ...(rate > 0 ? [[`dropout${i + 1}`, dropout(rate)] as [string, Module]] : []),
  ]);
  return classifier(
    sequential(input(...inputShape), {
      flatten: flatten(),
      ...Object.fromEntries(hidden),
      output: dense({ units: classes, bias }),
    }),
  );
}
