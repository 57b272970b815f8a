// What the models for images have in common.
import type { Model } from "@convoke/layers";
import type { Dim, Shape } from "@convoke/shape";

/** Options that every model for images takes. */
export interface ImageModelOptions<S extends Shape = Shape, Classes extends number = number> {
  /** [channels, height, width] of one image, without the batch axis. */
  readonly inputShape?: S | undefined;
  /** The number of outputs: logits, one for each class. */
  readonly classes?: Classes | undefined;
}

/** A model from batches of samples of shape `S` to `Classes` numbers for each. */
export type Classifier<S extends Shape, Classes extends number> = Model<
  [Dim<"N">, ...S],
  [Dim<"N">, Classes]
>;

/**
 * A model with the shapes that its options say. The compiler cannot follow it, because its layers have names, or are
 * made in a loop; that the input is `S` and the last layer has `Classes` units, the functions that call this see to.
 */
export function classifier<S extends Shape, Classes extends number>(model: Model): Classifier<S, Classes> {
  return model as Classifier<S, Classes>;
}

/** Options of models that come narrower and wider than the paper's. */
export interface WidthOptions {
  /** Multiplies the number of filters and units. Default 1. */
  readonly width?: number | undefined;
}

/** `count` times the width, as the nearest multiple of `divisor` above 0. */
export function widened(count: number, width = 1, divisor = 1): number {
  return Math.max(1, Math.round((count * width) / divisor)) * divisor;
}
