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
  type Initializer,
  type Tensor,
  type Variable,
} from "@convoke/core";
import { convTransposeWindows, convWindows, type Padding, type Shape } from "@convoke/shape";
import { defaultBias, defaultWeight } from "./initializers.js";
import { channelsOf, Layer, wholeOption, type LayerOptions } from "./layer.js";

type PerAxis = number | readonly number[];
type Convolve<O> = (x: Tensor, w: Tensor, options: O) => Tensor;

const convolutions: readonly Convolve<ConvolutionOptions>[] = [convolve1d, convolve2d, convolve3d];
const transpositions: readonly Convolve<ConvolutionTransposeOptions>[] = [
  transpose1d,
  transpose2d,
  transpose3d,
];

/** Options of the convolution layers; the number of input channels is inferred from the input. */
export interface ConvOptions extends LayerOptions {
  /** The number of output channels. */
  readonly filters: number;
  /** The size of the kernel: one number, or one for each axis. */
  readonly kernelSize: PerAxis;
  /** Default 1. */
  readonly stride?: PerAxis | undefined;
  /** A number, one for each axis, `"same"` or `"valid"`. Default 0. */
  readonly padding?: Padding | undefined;
  /** Default 1. */
  readonly dilation?: PerAxis | undefined;
  /** Input and output channels in as many separate groups. Default 1. */
  readonly groups?: number | undefined;
  /** Default true. */
  readonly bias?: boolean | undefined;
  /** Initial weights. Default: uniform in ±1/√fanIn, as in PyTorch. */
  readonly init?: Initializer | undefined;
  /** Initial biases. Default: uniform in ±1/√fanIn of the weights. */
  readonly biasInit?: Initializer | undefined;
}

export interface ConvTransposeOptions extends ConvOptions {
  /** Lengthens the output at its end: of the sizes that a convolution with this stride makes equal, which one. */
  readonly outputPadding?: PerAxis | undefined;
}

abstract class ConvLayer<O extends ConvOptions> extends Layer {
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
export class Conv extends ConvLayer<ConvOptions> {
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
export class ConvTranspose extends ConvLayer<ConvTransposeOptions> {
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

/** 1-D convolution of x [N, C, L]: weight [filters, C / groups, k], bias [filters]. */
export function conv1d(options: ConvOptions): Conv {
  return new Conv(["conv1d", 1], options);
}

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
export function conv2d(options: ConvOptions): Conv {
  return new Conv(["conv2d", 2], options);
}

/** 3-D convolution of x [N, C, D, H, W]: weight [filters, C / groups, kd, kh, kw], bias [filters]. */
export function conv3d(options: ConvOptions): Conv {
  return new Conv(["conv3d", 3], options);
}

/** 1-D transposed convolution of x [N, C, L]: weight [C, filters / groups, k], bias [filters]. */
export function convTranspose1d(options: ConvTransposeOptions): ConvTranspose {
  return new ConvTranspose(["convTranspose1d", 1], options);
}

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
export function convTranspose2d(options: ConvTransposeOptions): ConvTranspose {
  return new ConvTranspose(["convTranspose2d", 2], options);
}

/** 3-D transposed convolution of x [N, C, D, H, W]: weight [C, filters / groups, kd, kh, kw], bias [filters]. */
export function convTranspose3d(options: ConvTransposeOptions): ConvTranspose {
  return new ConvTranspose(["convTranspose3d", 3], options);
}
