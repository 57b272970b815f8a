// Layers that only move elements: flatten, swapped axes, larger grids.
import {
  describeOperation,
  interpolate,
  type Context,
  type InterpolateOptions,
  type PerAxis,
  type Tensor,
} from "@convoke/core";
import {
  transpose,
  upsample,
  type Flatten as FlattenShape,
  type Shape,
  type Transpose,
  type Upsample as UpsampleShape,
} from "@convoke/shape";
import type { Kind } from "./kind.js";
import { channelsOf, Layer, type LayerOptions, type WithAxes } from "./layer.js";

/** The kind of `flatten`. */
export interface Flattened extends Kind {
  readonly parameters: ["flatten"];
  readonly output: this["input"] extends Shape ? FlattenShape<this["input"]> : unknown;
  readonly gives: "same";
}

/** Flattening; make it with `flatten`. */
export class Flatten extends Layer<Flattened> {
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

/** The kind of `swapAxes`. */
export interface SwappedAxes extends Kind {
  readonly parameters: ["swapAxes"];
  readonly output: this["input"] extends Shape ? Transpose<this["input"], "swapAxes"> : unknown;
  readonly gives: "same";
}

/** Swapped axes; make it with `swapAxes`. */
export class SwapAxes extends Layer<SwappedAxes> {
  constructor(options: LayerOptions = {}) {
    super("swapAxes", options);
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    transpose(describeOperation(this.kind), x.shape);
    return x.transpose();
  }
}

/** Swaps the last two axes: [N, L, C] → [N, C, L], as a convolution over embedded words wants it. */
export function swapAxes(options: LayerOptions = {}): SwapAxes {
  return new SwapAxes(options);
}

/** Either `scale` or `size`; `mode` is nearest by default. */
export interface UpsampleOptions<
  Scale extends PerAxis | undefined = PerAxis | undefined,
  Size extends PerAxis | undefined = PerAxis | undefined,
>
  extends Omit<InterpolateOptions, "scale" | "size">, LayerOptions {
  /** Output elements per input element; the size is rounded down. */
  readonly scale?: Scale;
  /** Height and width of the output: one number, or two. */
  readonly size?: Size;
}

/** The kind of `upsample2d`. */
export interface Upsampling<
  Scale extends PerAxis | undefined,
  Size extends PerAxis | undefined = undefined,
> extends Kind {
  readonly parameters: [Scale, Size];
  readonly output: this["input"] extends Shape
    ? WithAxes<this["input"], [4], "upsample2d", Resized<this["input"], Scale, Size>>
    : unknown;
  readonly gives: "same";
}

type Resized<X extends Shape, Scale extends PerAxis | undefined, Size extends PerAxis | undefined> = [
  Size,
] extends [undefined]
  ? UpsampleShape<X, [Scale] extends [undefined] ? number : Extract<Scale, PerAxis>, "upsample2d">
  : Size extends readonly [infer H extends number, infer W extends number]
    ? [X[0], X[1], H, W]
    : [Size] extends [number]
      ? [X[0], X[1], Size, Size]
      : [X[0], X[1], number, number];

/** Resizing; make it with `upsample2d`. */
export class Upsample<K extends Kind = Kind> extends Layer<K> {
  readonly options: UpsampleOptions;

  constructor(options: UpsampleOptions) {
    super("upsample2d", options);
    this.options = options;
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    channelsOf(this.kind, x.shape, [2]);
    const { scale, size, mode, alignCorners } = this.options;
    if (scale !== undefined && size === undefined) upsample(describeOperation(this.kind), x.shape, scale);
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
export function upsample2d<
  const Scale extends PerAxis | undefined = undefined,
  const Size extends PerAxis | undefined = undefined,
>(options: UpsampleOptions<Scale, Size>): Upsample<Upsampling<Scale, Size>> {
  return new Upsample(options);
}
