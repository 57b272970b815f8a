// Transposed convolution with 1 to 3 spatial axes: the gradient of a convolution by its input, as a function of its own.
import {
  convTransposeWindows,
  type ConvTransposeBy,
  type Fits,
  type Ok,
  type Padding,
  type Shape,
} from "@convoke/shape";
import type { DType } from "../dtype.js";
import { apply } from "../graph/apply.js";
import { describeOperation } from "../graph/scope.js";
import type { Tensor } from "../tensor.js";
import { checkInputs, flipped } from "./convolution-inputs.js";
import { convolutionOps, type ConvolutionOptions } from "./convolution.js";
import type { About, SameDType } from "./operands.js";
import { checkSpatialRank, type Given, type PerAxis, type SpatialRule } from "./spatial-axes.js";

/** Options of the transposed convolutions. */
export interface ConvolutionTransposeOptions<
  D extends DType = DType,
  Stride extends PerAxis | undefined = PerAxis | undefined,
  P extends Padding | undefined = Padding | undefined,
  Dilation extends PerAxis | undefined = PerAxis | undefined,
  Groups extends number | undefined = number | undefined,
  Extra extends PerAxis | undefined = PerAxis | undefined,
> extends ConvolutionOptions<D, Stride, P, Dilation, Groups> {
  /** Lengthens the output at its end: of the sizes that a convolution with this stride makes equal, which one. */
  readonly outputPadding?: Extra;
}

type ConvTransposeResult<
  S extends Shape,
  T extends Shape,
  Axes extends 1 | 2 | 3,
  Options extends readonly unknown[],
  Op extends string,
> = SpatialRule<
  S,
  Axes,
  ConvTransposeBy<
    S,
    T,
    Given<Options[0], 1, PerAxis>,
    Given<Options[1], 0, Padding>,
    Given<Options[2], 1, PerAxis>,
    Given<Options[3], 1, number>,
    Given<Options[4], 0, PerAxis>,
    Op
  >,
  Op
>;

/** `R` is the type that the shape rule of the calling function gives: both sides of the rule are tested to agree. */
function convolveTransposed<R extends Tensor>(
  [name, axes]: readonly [string, number],
  { x, w, bias, flipKernel, ...options }: ConvolutionTransposeOptions & { x: Tensor; w: Tensor },
): R {
  const operation = describeOperation(name);
  checkSpatialRank(operation, x.shape, axes);
  const windows = convTransposeWindows(operation, x.shape, w.shape, options);
  const { stride, dilation, output, outputPadding } = windows;
  // An output padding of a whole stride (dilation allows it) would make room for one more window. It takes back padding
  // at the end first; what is left lies behind all windows, where there is nothing but the bias.
  const excess = outputPadding.map((extra, axis) => extra - (extra % stride[axis]!));
  const pads = windows.pads.map(
    ([before, after], axis) => [before, Math.max(0, after - excess[axis]!)] as const,
  );
  const behind = excess.map((extra, axis) => Math.max(0, extra - windows.pads[axis]![1]));
  const inputSize = output.map((n, axis) => n - behind[axis]!);
  const attributes = { stride, pads, dilation, groups: options.groups ?? 1, inputSize };
  const inputs = [x, flipKernel === true ? flipped(w) : w];
  checkInputs(operation, bias === undefined ? inputs : [...inputs, bias], w.shape[1]! * attributes.groups);
  if (behind.every((extra) => extra === 0)) {
    if (bias !== undefined) inputs.push(bias);
    return apply(convolutionOps.convTranspose, inputs, attributes) as R;
  }
  const y = apply(convolutionOps.convTranspose, inputs, attributes);
  const padded = y.pad([[0, 0], [0, 0], ...behind.map((extra) => [0, extra] as const)]);
  const result = bias === undefined ? padded : padded.add(bias.reshape([bias.size, ...output.map(() => 1)]));
  return result as R;
}

/** A transposed convolution with so many spatial axes. */
export interface ConvolutionTransposeFunction<Op extends string, Axes extends 1 | 2 | 3> {
  <
    S extends Shape,
    T extends Shape,
    D extends DType,
    E extends DType,
    const Stride extends PerAxis | undefined = undefined,
    const P extends Padding | undefined = undefined,
    const Dilation extends PerAxis | undefined = undefined,
    Groups extends number | undefined = undefined,
    const Extra extends PerAxis | undefined = undefined,
  >(
    x: Fits<About<"input", ConvTransposeResult<S, T, Axes, [Stride, P, Dilation, Groups, Extra], Op>>> &
      Tensor<S, D>,
    w: Fits<
      SameDType<
        D,
        E,
        About<"kernel", ConvTransposeResult<S, T, Axes, [Stride, P, Dilation, Groups, Extra], Op>>,
        Op
      >
    > &
      Tensor<T, E>,
    options?: Fits<
      About<"options", ConvTransposeResult<S, T, Axes, [Stride, P, Dilation, Groups, Extra], Op>>
    > &
      ConvolutionTransposeOptions<NoInfer<D>, Stride, P, Dilation, Groups, Extra>,
  ): Tensor<Ok<ConvTransposeResult<S, T, Axes, [Stride, P, Dilation, Groups, Extra], Op>>, D>;
}

/** 1-D transposed convolution: x [N, C, L], w [C, O / groups, k] → [N, O, L′]; see `convTranspose2d`. */
export const convTranspose1d: ConvolutionTransposeFunction<"convTranspose1d", 1> = (x, w, options) =>
  convolveTransposed(["convTranspose1d", 1], { ...options, x, w });

/**
 * 2-D transposed convolution, the gradient of `conv2d` by its input: x [N, C, H, W], w [C, O / groups, kh, kw] →
 * [N, O, H′, W′], with H′ = (H − 1)·stride − padding + dilation·(kh − 1) + 1 + outputPadding.
 *
 * @example
 * ```ts
 * import { convTranspose2d, ones } from "@convoke/core";
 *
 * const y = convTranspose2d(ones([1, 8, 7, 7]), ones([8, 4, 2, 2]), { stride: 2 });
 * console.log(y.shape); // [1, 4, 14, 14]
 * ```
 */
export const convTranspose2d: ConvolutionTransposeFunction<"convTranspose2d", 2> = (x, w, options) =>
  convolveTransposed(["convTranspose2d", 2], { ...options, x, w });

/** 3-D transposed convolution: x [N, C, D, H, W], w [C, O / groups, kd, kh, kw] → [N, O, D′, H′, W′]. */
export const convTranspose3d: ConvolutionTransposeFunction<"convTranspose3d", 3> = (x, w, options) =>
  convolveTransposed(["convTranspose3d", 3], { ...options, x, w });
