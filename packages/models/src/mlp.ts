// A network without convolutions, to compare with.
import { dense, dropout, flatten, input, relu, sequential, type Sequential } from "@convoke/layers";
import type { Module } from "@convoke/core";
import type { ImageModelOptions } from "./options.js";

export interface MlpOptions extends ImageModelOptions {
  /** Units of the hidden layers. Default [512]; [] is a linear classifier. */
  readonly units?: readonly number[] | undefined;
  /** Dropout behind each hidden layer. Default 0. */
  readonly dropout?: number | undefined;
  /** Default true. */
  readonly bias?: boolean | undefined;
}

/** A multilayer perceptron: `fc1`, `fc2`, … with ReLU, and `output`. It does not know which pixels are neighbours. */
export function mlp(options: MlpOptions = {}): Sequential {
  const { inputShape = [1, 28, 28], classes = 10, units = [512], dropout: rate = 0, bias = true } = options;
  const hidden = units.flatMap((count, i): [string, Module][] => [
    [`fc${i + 1}`, dense({ units: count, bias })],
    [`relu${i + 1}`, relu()],
    ...(rate > 0 ? [[`dropout${i + 1}`, dropout(rate)] as [string, Module]] : []),
  ]);
  return sequential(input(...inputShape), {
    flatten: flatten(),
    ...Object.fromEntries(hidden),
    output: dense({ units: classes, bias }),
  });
}
