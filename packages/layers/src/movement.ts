// Layers that only move elements: flatten, swapped axes, larger grids.
import { interpolate, type Context, type InterpolateOptions, type Tensor } from "@convoke/core";
import { channelsOf, Layer, type LayerOptions } from "./layer.js";

/** Flattening; make it with `flatten`. */
export class Flatten extends Layer {
  constructor(options: LayerOptions = {}) {
    super("flatten", options);
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    return x.flatten();
  }
}

/** Everything but the batch axis in one: x [N, C, H, W] → [N, C·H·W]. */
export function flatten(options: LayerOptions = {}): Flatten {
  return new Flatten(options);
}

/** Swapped axes; make it with `swapAxes`. */
export class SwapAxes extends Layer {
  constructor(options: LayerOptions = {}) {
    super("swapAxes", options);
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    return x.transpose();
  }
}

/** Swaps the last two axes: [N, L, C] → [N, C, L], as a convolution over embedded words wants it. */
export function swapAxes(options: LayerOptions = {}): SwapAxes {
  return new SwapAxes(options);
}

/** Either `scale` or `size`; `mode` is nearest by default. */
export interface UpsampleOptions extends InterpolateOptions, LayerOptions {}

/** Resizing; make it with `upsample2d`. */
export class Upsample extends Layer {
  readonly options: UpsampleOptions;

  constructor(options: UpsampleOptions) {
    super("upsample2d", options);
    this.options = options;
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    channelsOf(this.kind, x.shape, [2]);
    const { scale, size, mode, alignCorners } = this.options;
    return interpolate(x, { scale, size, mode, alignCorners });
  }
}

/**
 * Resizes x [N, C, H, W] by a factor or to a size.
 *
 * @example
 * ```ts
 * import { zeros } from "@convoke/core";
 * import { upsample2d } from "@convoke/layers";
 *
 * console.log(upsample2d({ scale: 2 }).forward(zeros([1, 3, 4, 4])).shape); // [1, 3, 8, 8]
 * ```
 */
export function upsample2d(options: UpsampleOptions): Upsample {
  return new Upsample(options);
}
