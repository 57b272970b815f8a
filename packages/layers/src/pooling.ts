// Pooling layers: windows, whole planes, and grids of a wanted size.
import {
  adaptiveAvgPool2d as adaptiveAverage,
  adaptiveMaxPool2d as adaptiveMaximum,
  avgPool1d as average1d,
  avgPool2d as average2d,
  avgPool3d as average3d,
  globalAvgPool,
  globalMaxPool,
  maxPool1d as maximum1d,
  maxPool2d as maximum2d,
  maxPool3d as maximum3d,
  type AvgPoolOptions as AverageWindows,
  type Context,
  type MaxPoolOptions as MaximumWindows,
  type Tensor,
} from "@convoke/core";
import { channelsOf, Layer, wholeOption, type LayerOptions } from "./layer.js";

/** Size, stride (default: the size), padding, dilation and ceilMode of the windows. */
export interface MaxPoolOptions extends MaximumWindows, LayerOptions {}

/** As for max pooling, and whether padding counts in the means (default true). */
export interface AvgPoolOptions extends AverageWindows, LayerOptions {}

interface PoolParts<O extends object> {
  readonly kind: string;
  /** The number of spatial axes. */
  readonly axes: number;
  readonly options: O & LayerOptions;
  readonly apply: (x: Tensor, options: O) => Tensor;
}

/** A pooling layer: it has no parameters. */
export class Pool<O extends object = object> extends Layer {
  readonly options: O;
  readonly #axes: number;
  readonly #apply: (x: Tensor, options: O) => Tensor;

  constructor({ kind, axes, options, apply }: PoolParts<O>) {
    super(kind, options);
    this.options = options;
    this.#axes = axes;
    this.#apply = apply;
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    channelsOf(this.kind, x.shape, [this.#axes]);
    return this.#apply(x, this.options);
  }
}

function windowed<O extends MaxPoolOptions>(parts: PoolParts<O>): Pool<O> {
  wholeOption(parts.kind, "size", parts.options.size);
  return new Pool(parts);
}

/** The maximum of each window of x [N, C, L]. */
export function maxPool1d(options: MaxPoolOptions): Pool<MaxPoolOptions> {
  return windowed({ kind: "maxPool1d", axes: 1, options, apply: maximum1d });
}

/**
 * The maximum of each window of x [N, C, H, W]. A stride smaller than the size makes the windows overlap.
 *
 * @example
 * ```ts
 * import { zeros } from "@convoke/core";
 * import { maxPool2d } from "@convoke/layers";
 *
 * console.log(maxPool2d({ size: 3, stride: 2 }).forward(zeros([1, 96, 55, 55])).shape); // [1, 96, 27, 27]
 * ```
 */
export function maxPool2d(options: MaxPoolOptions): Pool<MaxPoolOptions> {
  return windowed({ kind: "maxPool2d", axes: 2, options, apply: maximum2d });
}

/** The maximum of each window of x [N, C, D, H, W]. */
export function maxPool3d(options: MaxPoolOptions): Pool<MaxPoolOptions> {
  return windowed({ kind: "maxPool3d", axes: 3, options, apply: maximum3d });
}

/** The mean of each window of x [N, C, L]. */
export function avgPool1d(options: AvgPoolOptions): Pool<AvgPoolOptions> {
  return windowed({ kind: "avgPool1d", axes: 1, options, apply: average1d });
}

/** The mean of each window of x [N, C, H, W]. */
export function avgPool2d(options: AvgPoolOptions): Pool<AvgPoolOptions> {
  return windowed({ kind: "avgPool2d", axes: 2, options, apply: average2d });
}

/** The mean of each window of x [N, C, D, H, W]. */
export function avgPool3d(options: AvgPoolOptions): Pool<AvgPoolOptions> {
  return windowed({ kind: "avgPool3d", axes: 3, options, apply: average3d });
}

/** The mean of each channel: x [N, C, L] → [N, C]. */
export function globalAvgPool1d(options: LayerOptions = {}): Pool {
  return new Pool({ kind: "globalAvgPool1d", axes: 1, options, apply: globalAvgPool });
}

/** The mean of each channel: x [N, C, H, W] → [N, C]; no `flatten()` is needed behind it. */
export function globalAvgPool2d(options: LayerOptions = {}): Pool {
  return new Pool({ kind: "globalAvgPool2d", axes: 2, options, apply: globalAvgPool });
}

/** The maximum of each channel: x [N, C, L] → [N, C]. */
export function globalMaxPool1d(options: LayerOptions = {}): Pool {
  return new Pool({ kind: "globalMaxPool1d", axes: 1, options, apply: globalMaxPool });
}

/** The maximum of each channel: x [N, C, H, W] → [N, C]. */
export function globalMaxPool2d(options: LayerOptions = {}): Pool {
  return new Pool({ kind: "globalMaxPool2d", axes: 2, options, apply: globalMaxPool });
}

export interface AdaptivePoolOptions extends LayerOptions {
  /** Height and width of the output: one number, or two. */
  readonly size: number | readonly number[];
}

/** Means over a grid of the wanted size, whatever the size of x [N, C, H, W]. */
export function adaptiveAvgPool2d(options: AdaptivePoolOptions): Pool<AdaptivePoolOptions> {
  return new Pool({
    kind: "adaptiveAvgPool2d",
    axes: 2,
    options,
    apply: (x, { size }) => adaptiveAverage(x, size),
  });
}

/** Maxima over a grid of the wanted size, whatever the size of x [N, C, H, W]. */
export function adaptiveMaxPool2d(options: AdaptivePoolOptions): Pool<AdaptivePoolOptions> {
  return new Pool({
    kind: "adaptiveMaxPool2d",
    axes: 2,
    options,
    apply: (x, { size }) => adaptiveMaximum(x, size),
  });
}
