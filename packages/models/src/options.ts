// What the models for images have in common.
import type { Shape } from "@convoke/shape";

/** Options that every model for images takes. */
export interface ImageModelOptions {
  /** [channels, height, width] of one image, without the batch axis. */
  readonly inputShape?: Shape | undefined;
  /** The number of outputs: logits, one for each class. */
  readonly classes?: number | undefined;
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
