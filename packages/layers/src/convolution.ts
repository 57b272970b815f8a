// Convolution layers, and the transposed ones.
import {
  conv1d as convolve1d,
  conv2d as convolve2d,
  conv3d as convolve3d,
  convTranspose1d as transpose1d,
  convTranspose2d as transpose2d,
  convTranspose3d as transpose3d,
  describeOperation,
  type Context,
  type ConvolutionOptions,
  type ConvolutionTransposeOptions,
  type Given,
  type Initializer,
  type PerAxis,
  type Tensor,
  type Variable,
} from "@convoke/core";
import {
  convTransposeWindows,
  convWindows,
  type ConvFor,
  type ConvTransposeBy,
  type Padding,
  type Shape,
} from "@convoke/shape";
import { defaultBias, defaultWeight } from "./initializers.js";
import type { Kind } from "./kind.js";
import { channelsOf, Layer, wholeOption, type LayerOptions, type WithAxes } from "./layer.js";

type Convolve<O> = (x: Tensor, w: Tensor, options: O) => Tensor;

const convolutions: readonly Convolve<ConvolutionOptions>[] = [convolve1d, convolve2d, convolve3d];
const transpositions: readonly Convolve<ConvolutionTransposeOptions>[] = [
  transpose1d,
  transpose2d,
  transpose3d,
];

/** Options of the convolution layers; the number of input channels is inferred from the input. */
export interface ConvOptions<
  Filters extends number = number,
  Size extends PerAxis = PerAxis,
  Stride extends PerAxis | undefined = PerAxis | undefined,
  P extends Padding | undefined = Padding | undefined,
  Dilation extends PerAxis | undefined = PerAxis | undefined,
  Groups extends number | undefined = number | undefined,
> extends LayerOptions {
  /** The number of output channels. */
  readonly filters: Filters;
  /** The size of the kernel: one number, or one for each axis. */
  readonly kernelSize: Size;
  /** Default 1. */
  readonly stride?: Stride;
  /** A number, one for each axis, `"same"` or `"valid"`. Default 0. */
  readonly padding?: P;
  /** Default 1. */
  readonly dilation?: Dilation;
  /** Input and output channels in as many separate groups. Default 1. */
  readonly groups?: Groups;
  /** Default true. */
  readonly bias?: boolean | undefined;
  /** Initial weights. Default: uniform in ±1/√fanIn, as in PyTorch. */
  readonly init?: Initializer | undefined;
  /** Initial biases. Default: uniform in ±1/√fanIn of the weights. */
  readonly biasInit?: Initializer | undefined;
}

export interface ConvTransposeOptions<
  Filters extends number = number,
  Size extends PerAxis = PerAxis,
  Stride extends PerAxis | undefined = PerAxis | undefined,
  P extends Padding | undefined = Padding | undefined,
  Dilation extends PerAxis | undefined = PerAxis | undefined,
  Groups extends number | undefined = number | undefined,
  Extra extends PerAxis | undefined = PerAxis | undefined,
> extends ConvOptions<Filters, Size, Stride, P, Dilation, Groups> {
  /** Lengthens the output at its end: of the sizes that a convolution with this stride makes equal, which one. */
  readonly outputPadding?: Extra;
}

interface SpatialAxes {
  conv1d: 1;
  conv2d: 2;
  conv3d: 3;
  convTranspose1d: 1;
  convTranspose2d: 2;
  convTranspose3d: 3;
}

interface Ranks {
  1: [3];
  2: [4];
  3: [5];
}

/** The shape of kernels from their first two dimensions and their size. */
type Kernels<
  Outer extends [number, number],
  Size extends PerAxis,
  Axes extends 1 | 2 | 3,
> = Size extends Shape ? [...Outer, ...Size] : [...Outer, ...Sides<Size & number>[Axes]];

interface Sides<Size extends number> {
  1: [Size];
  2: [Size, Size];
  3: [Size, Size, Size];
}

/** The kind of the convolution layers. */
export interface Convolution<
  Name extends "conv1d" | "conv2d" | "conv3d",
  Filters extends number,
  Size extends PerAxis,
  Stride extends PerAxis | undefined = undefined,
  P extends Padding | undefined = undefined,
  Dilation extends PerAxis | undefined = undefined,
  Groups extends number | undefined = undefined,
> extends Kind {
  readonly parameters: [Name, Filters, Size, Stride, P, Dilation, Groups];
  readonly output: this["input"] extends Shape
    ? Convolved<
        this["input"],
        Name,
        [Filters, Size, Given<Stride, 1, PerAxis>, Given<P, 0, Padding>],
        [Given<Dilation, 1, PerAxis>, Given<Groups, 1, number>]
      >
    : unknown;
  readonly gives: "same";
}

type Convolved<
  X extends Shape,
  Name extends keyof SpatialAxes,
  O extends [number, PerAxis, PerAxis, Padding],
  More extends [PerAxis, number],
> = WithAxes<
  X,
  Ranks[SpatialAxes[Name]],
  Name,
  ConvFor<X, O[0], O[1], O[2], O[3], More[0], More[1], Sides<number>[SpatialAxes[Name]], Name>
>;

/** The kind of the transposed convolution layers. */
export interface TransposedConvolution<
  Name extends "convTranspose1d" | "convTranspose2d" | "convTranspose3d",
  Filters extends number,
  Size extends PerAxis,
  Stride extends PerAxis | undefined = undefined,
  P extends Padding | undefined = undefined,
  Dilation extends PerAxis | undefined = undefined,
  Groups extends number | undefined = undefined,
  Extra extends PerAxis | undefined = undefined,
> extends Kind {
  readonly parameters: [Name, Filters, Size, Stride, P, Dilation, Groups, Extra];
  readonly output: this["input"] extends Shape
    ? Enlarged<
        this["input"],
        Name,
        [Filters, Size, Given<Stride, 1, PerAxis>, Given<P, 0, Padding>],
        [Given<Dilation, 1, PerAxis>, Given<Groups, 1, number>, Given<Extra, 0, PerAxis>]
      >
    : unknown;
  readonly gives: "same";
}

type Enlarged<
  X extends Shape,
  Name extends keyof SpatialAxes,
  O extends [number, PerAxis, PerAxis, Padding],
  More extends [PerAxis, number, PerAxis],
> = WithAxes<
  X,
  Ranks[SpatialAxes[Name]],
  Name,
  WithFilters<
    ConvTransposeBy<
      X,
      Kernels<[X[1], More[1] extends 1 ? O[0] : number], O[1], SpatialAxes[Name]>,
      O[2],
      O[3],
      More[0],
      More[1],
      More[2],
      Name
    >,
    O[0]
  >
>;

/** The rule multiplies the filters of a group; those of the whole layer are known. */
type WithFilters<Result, Filters extends number> = Result extends [
  infer N extends number,
  number,
  ...infer S extends Shape,
]
  ? [N, Filters, ...S]
  : Result;

abstract class ConvLayer<O extends ConvOptions, K extends Kind> extends Layer<K> {
  /** The kernels; see the function that makes the layer for their layout. */
  weight!: Variable;
  /** One number for each filter, or undefined in a layer without bias. */
  bias: Variable | undefined;
  readonly options: O;
  protected readonly axes: number;

  constructor([kind, axes]: readonly [string, number], options: O) {
    super(kind, options);
    wholeOption(kind, "filters", options.filters);
    wholeOption(kind, "kernelSize", options.kernelSize);
    wholeOption(kind, "groups", options.groups ?? 1);
    this.axes = axes;
    this.options = options;
  }

  protected abstract weightShape(input: Shape, kernel: Shape): Shape;

  protected override setup(input: Shape): void {
    const { filters, kernelSize, bias = true, init, biasInit } = this.options;
    channelsOf(this.kind, input, [this.axes]);
    const kernel =
      typeof kernelSize === "number" ? Array.from({ length: this.axes }, () => kernelSize) : kernelSize;
    const shape = this.weightShape(input, kernel);
    this.weight = this.parameter(shape, init ?? defaultWeight());
    if (bias) this.bias = this.parameter([filters], biasInit ?? defaultBias(shape));
  }
}

/** A convolution layer; make it with `conv1d`, `conv2d` or `conv3d`. */
export class Conv<K extends Kind = Kind> extends ConvLayer<ConvOptions, K> {
  protected weightShape(input: Shape, kernel: Shape): Shape {
    const { filters, groups = 1 } = this.options;
    const shape = [filters, input[1]! / groups, ...kernel];
    // Refuses channels that the groups do not divide, before a parameter of such a shape exists.
    convWindows(describeOperation(this.kind), input, shape, this.options);
    return shape;
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    const { stride, padding, dilation, groups } = this.options;
    const options = { stride, padding, dilation, groups, bias: this.bias?.value };
    return convolutions[this.axes - 1]!(x, this.weight.value, options);
  }
}

/** A transposed convolution layer; make it with `convTranspose1d`, `convTranspose2d` or `convTranspose3d`. */
export class ConvTranspose<K extends Kind = Kind> extends ConvLayer<ConvTransposeOptions, K> {
  protected weightShape(input: Shape, kernel: Shape): Shape {
    const { filters, groups = 1 } = this.options;
    const shape = [input[1]!, filters / groups, ...kernel];
    convTransposeWindows(describeOperation(this.kind), input, shape, this.options);
    return shape;
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    const { stride, padding, dilation, groups, outputPadding } = this.options;
    const options = { stride, padding, dilation, groups, outputPadding, bias: this.bias?.value };
    return transpositions[this.axes - 1]!(x, this.weight.value, options);
  }
}

/** Makes a convolution layer; its type keeps the options, as they are written. */
export interface ConvFunction<Name extends "conv1d" | "conv2d" | "conv3d"> {
  <
    Filters extends number,
    const Size extends PerAxis,
    const Stride extends PerAxis | undefined = undefined,
    const P extends Padding | undefined = undefined,
    const Dilation extends PerAxis | undefined = undefined,
    Groups extends number | undefined = undefined,
  >(
    options: ConvOptions<Filters, Size, Stride, P, Dilation, Groups>,
  ): Conv<Convolution<Name, Filters, Size, Stride, P, Dilation, Groups>>;
}

/** Makes a transposed convolution layer; its type keeps the options, as they are written. */
export interface ConvTransposeFunction<
  Name extends "convTranspose1d" | "convTranspose2d" | "convTranspose3d",
> {
  <
    Filters extends number,
    const Size extends PerAxis,
    const Stride extends PerAxis | undefined = undefined,
    const P extends Padding | undefined = undefined,
    const Dilation extends PerAxis | undefined = undefined,
    Groups extends number | undefined = undefined,
    const Extra extends PerAxis | undefined = undefined,
  >(
    options: ConvTransposeOptions<Filters, Size, Stride, P, Dilation, Groups, Extra>,
  ): ConvTranspose<TransposedConvolution<Name, Filters, Size, Stride, P, Dilation, Groups, Extra>>;
}

/** 1-D convolution of x [N, C, L]: weight [filters, C / groups, k], bias [filters]. */
export const conv1d: ConvFunction<"conv1d"> = (options) => new Conv(["conv1d", 1], options);

/**
 * 2-D convolution of x [N, C, H, W], as networks mean it (cross-correlation): weight [filters, C / groups, kh, kw], bias
 * [filters].
 *
 * @example
 * ```ts
 * import { conv2d } from "@convoke/layers";
 *
 * const layer = conv2d({ filters: 6, kernelSize: 5, padding: "same" }).build([1, 28, 28]);
 * console.log(layer.weight.shape, layer.outputShape); // [6, 1, 5, 5] [1, 6, 28, 28]
 * ```
 */
export const conv2d: ConvFunction<"conv2d"> = (options) => new Conv(["conv2d", 2], options);

/** 3-D convolution of x [N, C, D, H, W]: weight [filters, C / groups, kd, kh, kw], bias [filters]. */
export const conv3d: ConvFunction<"conv3d"> = (options) => new Conv(["conv3d", 3], options);

/** 1-D transposed convolution of x [N, C, L]: weight [C, filters / groups, k], bias [filters]. */
export const convTranspose1d: ConvTransposeFunction<"convTranspose1d"> = (options) =>
  new ConvTranspose(["convTranspose1d", 1], options);

/**
 * 2-D transposed convolution of x [N, C, H, W], which enlarges: weight [C, filters / groups, kh, kw], bias [filters].
 *
 * @example
 * ```ts
 * import { convTranspose2d } from "@convoke/layers";
 *
 * const layer = convTranspose2d({ filters: 4, kernelSize: 2, stride: 2 }).build([8, 7, 7]);
 * console.log(layer.outputShape); // [1, 4, 14, 14]
 * ```
 */
export const convTranspose2d: ConvTransposeFunction<"convTranspose2d"> = (options) =>
  new ConvTranspose(["convTranspose2d", 2], options);

/** 3-D transposed convolution of x [N, C, D, H, W]: weight [C, filters / groups, kd, kh, kw], bias [filters]. */
export const convTranspose3d: ConvTransposeFunction<"convTranspose3d"> = (options) =>
  new ConvTranspose(["convTranspose3d", 3], options);
