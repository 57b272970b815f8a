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
  type Given,
  type MaxPoolOptions as MaximumWindows,
  type PerAxis,
  type Tensor,
} from "@convoke/core";
import type { GlobalPool, Padding, PoolBy, Shape } from "@convoke/shape";
import type { Kind } from "./kind.js";
import { channelsOf, Layer, wholeOption, type LayerOptions, type WithAxes } from "./layer.js";

/** Size, stride (default: the size), padding, dilation and ceilMode of the windows. */
export interface MaxPoolOptions<
  Size extends PerAxis = PerAxis,
  Stride extends PerAxis | undefined = PerAxis | undefined,
  P extends Padding | undefined = Padding | undefined,
  Dilation extends PerAxis | undefined = PerAxis | undefined,
  Ceil extends boolean | undefined = boolean | undefined,
>
  extends MaximumWindows<Size, Stride, P, Dilation, Ceil>, LayerOptions {}

/** As for max pooling, and whether padding counts in the means (default true). */
export interface AvgPoolOptions<
  Size extends PerAxis = PerAxis,
  Stride extends PerAxis | undefined = PerAxis | undefined,
  P extends Padding | undefined = Padding | undefined,
  Dilation extends PerAxis | undefined = PerAxis | undefined,
  Ceil extends boolean | undefined = boolean | undefined,
>
  extends AverageWindows<Size, Stride, P, Dilation, Ceil>, LayerOptions {}

interface Ranks {
  maxPool1d: [3];
  maxPool2d: [4];
  maxPool3d: [5];
  avgPool1d: [3];
  avgPool2d: [4];
  avgPool3d: [5];
  globalAvgPool1d: [3];
  globalAvgPool2d: [4];
  globalMaxPool1d: [3];
  globalMaxPool2d: [4];
}

/** The kind of pooling over windows. */
export interface Pooling<
  Name extends keyof Ranks,
  Size extends PerAxis,
  Stride extends PerAxis | undefined = undefined,
  P extends Padding | undefined = undefined,
  Dilation extends PerAxis | undefined = undefined,
  Ceil extends boolean | undefined = undefined,
> extends Kind {
  readonly parameters: [Name, Size, Stride, P, Dilation, Ceil];
  readonly output: this["input"] extends Shape
    ? WithAxes<
        this["input"],
        Ranks[Name],
        Name,
        PoolBy<
          this["input"],
          Size,
          Given<Stride, Size, PerAxis>,
          Given<P, 0, Padding>,
          Given<Dilation, 1, PerAxis>,
          Given<Ceil, false, boolean>,
          Name
        >
      >
    : unknown;
  readonly gives: "same";
}

/** The kind of pooling over whole planes. */
export interface GlobalPooling<Name extends keyof Ranks> extends Kind {
  readonly parameters: [Name];
  readonly output: this["input"] extends Shape
    ? WithAxes<this["input"], Ranks[Name], Name, GlobalPool<this["input"], Name>>
    : unknown;
  readonly gives: "same";
}

/** The kind of pooling to a grid of a wanted size. */
export interface AdaptivePooling<Name extends string, Size extends PerAxis> extends Kind {
  readonly parameters: [Name, Size];
  readonly output: this["input"] extends Shape
    ? WithAxes<this["input"], [4], Name, Grid<this["input"], Size>>
    : unknown;
  readonly gives: "same";
}

type Grid<X extends Shape, Size extends PerAxis> = Size extends readonly [
  infer H extends number,
  infer W extends number,
]
  ? [X[0], X[1], H, W]
  : Size extends number
    ? [X[0], X[1], Size, Size]
    : [X[0], X[1], number, number];

interface PoolParts<O extends object> {
  readonly kind: string;
  /** The number of spatial axes. */
  readonly axes: number;
  readonly options: O & LayerOptions;
  readonly apply: (x: Tensor, options: O) => Tensor;
}

/** A pooling layer: it has no parameters. */
export class Pool<O extends object = object, K extends Kind = Kind> extends Layer<K> {
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

/** Makes a layer of max pooling; its type keeps the options, as they are written. */
export interface MaxPoolFunction<Name extends keyof Ranks> {
  <
    const Size extends PerAxis,
    const Stride extends PerAxis | undefined = undefined,
    const P extends Padding | undefined = undefined,
    const Dilation extends PerAxis | undefined = undefined,
    Ceil extends boolean | undefined = undefined,
  >(
    options: MaxPoolOptions<Size, Stride, P, Dilation, Ceil>,
  ): Pool<MaxPoolOptions, Pooling<Name, Size, Stride, P, Dilation, Ceil>>;
}

/** Makes a layer of mean pooling; its type keeps the options, as they are written. */
export interface AvgPoolFunction<Name extends keyof Ranks> {
  <
    const Size extends PerAxis,
    const Stride extends PerAxis | undefined = undefined,
    const P extends Padding | undefined = undefined,
    const Dilation extends PerAxis | undefined = undefined,
    Ceil extends boolean | undefined = undefined,
  >(
    options: AvgPoolOptions<Size, Stride, P, Dilation, Ceil>,
  ): Pool<AvgPoolOptions, Pooling<Name, Size, Stride, P, Dilation, Ceil>>;
}

// O is what the layer shows of its options, whatever literals they were given with: the result's type says it.
function windowed<O extends MaxPoolOptions, K extends Kind>(parts: PoolParts<NoInfer<O>>): Pool<O, K> {
  wholeOption(parts.kind, "size", parts.options.size);
  return new Pool(parts);
}

/** The maximum of each window of x [N, C, L]. */
export const maxPool1d: MaxPoolFunction<"maxPool1d"> = (options) =>
  windowed({ kind: "maxPool1d", axes: 1, options, apply: maximum1d });

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
export const maxPool2d: MaxPoolFunction<"maxPool2d"> = (options) =>
  windowed({ kind: "maxPool2d", axes: 2, options, apply: maximum2d });

/** The maximum of each window of x [N, C, D, H, W]. */
export const maxPool3d: MaxPoolFunction<"maxPool3d"> = (options) =>
  windowed({ kind: "maxPool3d", axes: 3, options, apply: maximum3d });

/** The mean of each window of x [N, C, L]. */
export const avgPool1d: AvgPoolFunction<"avgPool1d"> = (options) =>
  windowed({ kind: "avgPool1d", axes: 1, options, apply: average1d });

/** The mean of each window of x [N, C, H, W]. */
export const avgPool2d: AvgPoolFunction<"avgPool2d"> = (options) =>
  windowed({ kind: "avgPool2d", axes: 2, options, apply: average2d });

/** The mean of each window of x [N, C, D, H, W]. */
export const avgPool3d: AvgPoolFunction<"avgPool3d"> = (options) =>
  windowed({ kind: "avgPool3d", axes: 3, options, apply: average3d });

/** The mean of each channel: x [N, C, L] → [N, C]. */
export function globalAvgPool1d(options: LayerOptions = {}): Pool<object, GlobalPooling<"globalAvgPool1d">> {
  return new Pool({ kind: "globalAvgPool1d", axes: 1, options, apply: globalAvgPool });
}

/** The mean of each channel: x [N, C, H, W] → [N, C]; no `flatten()` is needed behind it. */
export function globalAvgPool2d(options: LayerOptions = {}): Pool<object, GlobalPooling<"globalAvgPool2d">> {
  return new Pool({ kind: "globalAvgPool2d", axes: 2, options, apply: globalAvgPool });
}

/** The maximum of each channel: x [N, C, L] → [N, C]. */
export function globalMaxPool1d(options: LayerOptions = {}): Pool<object, GlobalPooling<"globalMaxPool1d">> {
  return new Pool({ kind: "globalMaxPool1d", axes: 1, options, apply: globalMaxPool });
}

/** The maximum of each channel: x [N, C, H, W] → [N, C]. */
export function globalMaxPool2d(options: LayerOptions = {}): Pool<object, GlobalPooling<"globalMaxPool2d">> {
  return new Pool({ kind: "globalMaxPool2d", axes: 2, options, apply: globalMaxPool });
}

export interface AdaptivePoolOptions<Size extends PerAxis = PerAxis> extends LayerOptions {
  /** Height and width of the output: one number, or two. */
  readonly size: Size;
}

/** Means over a grid of the wanted size, whatever the size of x [N, C, H, W]. */
export function adaptiveAvgPool2d<const Size extends PerAxis>(
  options: AdaptivePoolOptions<Size>,
): Pool<AdaptivePoolOptions, AdaptivePooling<"adaptiveAvgPool2d", Size>> {
  return new Pool<AdaptivePoolOptions, AdaptivePooling<"adaptiveAvgPool2d", Size>>({
    kind: "adaptiveAvgPool2d",
    axes: 2,
    options,
    apply: (x, { size }) => adaptiveAverage(x, size),
  });
}

/** Maxima over a grid of the wanted size, whatever the size of x [N, C, H, W]. */
export function adaptiveMaxPool2d<const Size extends PerAxis>(
  options: AdaptivePoolOptions<Size>,
): Pool<AdaptivePoolOptions, AdaptivePooling<"adaptiveMaxPool2d", Size>> {
  return new Pool<AdaptivePoolOptions, AdaptivePooling<"adaptiveMaxPool2d", Size>>({
    kind: "adaptiveMaxPool2d",
    axes: 2,
    options,
    apply: (x, { size }) => adaptiveMaximum(x, size),
  });
}
