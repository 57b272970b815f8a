// From losses of single elements to the loss of a batch.
import type { DType, Tensor } from "@convoke/core";
import type { Shape } from "@convoke/shape";

/** What a loss gives: the mean, the sum, or the losses one by one. */
export type Reduction = "mean" | "sum" | "none";

/** Options that every loss takes. */
export interface LossOptions {
  /** Default `"mean"`. */
  readonly reduction?: Reduction | undefined;
}

/** Reduces the losses of single elements. */
export function reduced<D extends DType>(
  losses: Tensor<Shape, D>,
  reduction: Reduction = "mean",
): Tensor<Shape, D> {
  if (reduction === "none") return losses;
  return reduction === "sum" ? losses.sum() : losses.mean();
}
