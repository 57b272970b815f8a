// Pooling: the maximum or the mean of each window, with the transposes that make both closed under differentiation.
import {
  poolWindows,
  ShapeError,
  shapeSize,
  type Padding,
  type Fits,
  type Ok,
  type PoolBy,
  type Shape,
} from "@convoke/shape";
import type { DType } from "../dtype.js";
import { apply, applyAll } from "../graph/apply.js";
import { describeOperation } from "../graph/scope.js";
import type { Tensor } from "../tensor.js";
import type { WindowGeometry } from "./columns.js";
import { primitive } from "./definition.js";
import { floatDType, indexDType, numericDType } from "./dtype-rules.js";
import type { About } from "./operands.js";
import { forEachWindow, windowsOf } from "./plane-windows.js";
import { checkSpatialRank, type Given, type PerAxis, type SpatialRule } from "./spatial-axes.js";

/** Windows spelt out; `output` is resolved, so that kernels know nothing of ceil mode. */
export interface MaxPoolAttributes extends WindowGeometry {
  readonly size: readonly number[];
  readonly output: readonly number[];
}

export interface AvgPoolAttributes extends MaxPoolAttributes {
  /** Whether the divisor counts padding. */
  readonly countIncludePad: boolean;
}

export interface AvgPoolGradAttributes extends AvgPoolAttributes {
  /** The spatial shape of the result. */
  readonly inputSize: readonly number[];
}

/** The spatial shape that the result of an op on recorded positions has. */
export interface PlaneAttributes {
  readonly spatial: readonly number[];
}

export const poolingOps = {
  /**
   * x [N, C, …] → the maxima [N, C, …output] and where they lie in their plane (int32). The first of equal elements wins,
   * NaN wins over numbers, and padding never does.
   */
  maxPool: primitive<"maxPool", MaxPoolAttributes>({
    name: "maxPool",
    infer: (operation, [x], { output }) => {
      const shape = [...x!.shape.slice(0, 2), ...output];
      return [
        { shape, dtype: numericDType(operation, x!) },
        { shape, dtype: "int32" },
      ];
    },
    gradient: ({ inputs: [x], outputs: [, indices], gradients: [g] }): (Tensor | undefined)[] => [
      g === undefined
        ? undefined
        : apply(poolingOps.scatterToPlane, [g, indices!], { spatial: x!.shape.slice(2) }),
    ],
    reference: ([x], [values, indices], attributes) => {
      const windows = windowsOf(x!.shape.slice(2), attributes);
      const [source, best, where] = [x!.data, values!.data, indices!.data];
      forEachWindow(x!.shape, windows, ({ plane, window, taps }) => {
        let at = plane + taps[0]!;
        for (let i = 1; i < taps.length; i++) {
          const candidate = source[plane + taps[i]!]!;
          if (candidate > source[at]! || candidate !== candidate) at = plane + taps[i]!;
        }
        best[window] = source[at] as never;
        where[window] = at - plane;
      });
    },
  }),
  /** Adds each element of g [N, C, …] to the element of its plane that `indices` names: the gradient of maxPool. */
  scatterToPlane: primitive<"scatterToPlane", PlaneAttributes>({
    name: "scatterToPlane",
    infer: (operation, [g, indices], { spatial }) => {
      indexDType(operation, indices!);
      return [{ shape: [...g!.shape.slice(0, 2), ...spatial], dtype: floatDType(operation, g!) }];
    },
    gradient: ({ inputs: [g, indices], gradients: [u] }): Tensor[] => [
      apply(poolingOps.gatherFromPlane, [u!, indices!], { spatial: g!.shape.slice(2) }),
    ],
    reference: ([g, indices], [y]) => {
      const [source, where, target] = [
        g!.data as Float64Array,
        indices!.data,
        new Float64Array(y!.data.length),
      ];
      const [inner, plane] = [shapeSize(g!.shape.slice(2)), shapeSize(y!.shape.slice(2))];
      for (let i = 0; i < source.length; i++)
        target[Math.floor(i / inner) * plane + Number(where[i])]! += source[i]!;
      (y!.data as Float64Array).set(target);
    },
  }),
  /** The elements of the planes of x [N, C, …] that `indices` names: the transpose of scatterToPlane. */
  gatherFromPlane: primitive<"gatherFromPlane", PlaneAttributes>({
    name: "gatherFromPlane",
    infer: (operation, [x, indices], { spatial }) => {
      indexDType(operation, indices!);
      return [{ shape: [...x!.shape.slice(0, 2), ...spatial], dtype: floatDType(operation, x!) }];
    },
    gradient: ({ inputs: [x, indices], gradients: [g] }): Tensor[] => [
      apply(poolingOps.scatterToPlane, [g!, indices!], { spatial: x!.shape.slice(2) }),
    ],
    reference: ([x, indices], [y]) => {
      const [source, where, target] = [x!.data as Float64Array, indices!.data, y!.data];
      const [inner, plane] = [shapeSize(y!.shape.slice(2)), shapeSize(x!.shape.slice(2))];
      for (let i = 0; i < target.length; i++)
        target[i] = source[Math.floor(i / inner) * plane + Number(where[i])]!;
    },
  }),
  /** x [N, C, …] → the means [N, C, …output]. */
  avgPool: primitive<"avgPool", AvgPoolAttributes>({
    name: "avgPool",
    infer: (operation, [x], { output }) => [
      { shape: [...x!.shape.slice(0, 2), ...output], dtype: floatDType(operation, x!) },
    ],
    gradient: ({ inputs: [x], attributes, gradients: [g] }): Tensor[] => [
      apply(poolingOps.avgPoolGrad, [g!], { ...attributes, inputSize: x!.shape.slice(2) }),
    ],
    multiplyAdds: (_, [y], { size }) => shapeSize(y!.shape) * shapeSize(size),
    reference: ([x], [y], attributes) => {
      const [source, target] = [x!.data as Float64Array, y!.data];
      forEachWindow(
        x!.shape,
        windowsOf(x!.shape.slice(2), attributes),
        ({ plane, window, taps, divisor }) => {
          let sum = 0;
          for (let i = 0; i < taps.length; i++) sum += source[plane + taps[i]!]!;
          target[window] = sum / divisor;
        },
      );
    },
  }),
  /** The transpose of avgPool: shares each element of g [N, C, …output] out over its window. */
  avgPoolGrad: primitive<"avgPoolGrad", AvgPoolGradAttributes>({
    name: "avgPoolGrad",
    infer: (operation, [g], { inputSize }) => [
      { shape: [...g!.shape.slice(0, 2), ...inputSize], dtype: floatDType(operation, g!) },
    ],
    gradient: ({ attributes: { inputSize: _, ...attributes }, gradients: [u] }): Tensor[] => [
      apply(poolingOps.avgPool, [u!], attributes),
    ],
    multiplyAdds: ([g], _, { size }) => shapeSize(g!.shape) * shapeSize(size),
    reference: ([g], [y], attributes) => {
      const [source, target] = [g!.data as Float64Array, new Float64Array(y!.data.length)];
      forEachWindow(
        y!.shape,
        windowsOf(attributes.inputSize, attributes),
        ({ plane, window, taps, divisor }) => {
          const share = source[window]! / divisor;
          for (let i = 0; i < taps.length; i++) target[plane + taps[i]!]! += share;
        },
      );
      (y!.data as Float64Array).set(target);
    },
  }),
};

/** Options of max pooling; absent: stride = size, padding 0, dilation 1, no ceil mode. */
export interface MaxPoolOptions<
  Size extends PerAxis = PerAxis,
  Stride extends PerAxis | undefined = PerAxis | undefined,
  P extends Padding | undefined = Padding | undefined,
  Dilation extends PerAxis | undefined = PerAxis | undefined,
  Ceil extends boolean | undefined = boolean | undefined,
> {
  readonly size: Size;
  readonly stride?: Stride;
  readonly padding?: P;
  readonly dilation?: Dilation;
  /** Lets the last window reach over the end of the input. */
  readonly ceilMode?: Ceil;
}

/** Options of average pooling; absent as in `MaxPoolOptions`, and padding counts. */
export interface AvgPoolOptions<
  Size extends PerAxis = PerAxis,
  Stride extends PerAxis | undefined = PerAxis | undefined,
  P extends Padding | undefined = Padding | undefined,
  Dilation extends PerAxis | undefined = PerAxis | undefined,
  Ceil extends boolean | undefined = boolean | undefined,
> extends MaxPoolOptions<Size, Stride, P, Dilation, Ceil> {
  /** Whether a mean divides by the padding in its window too. */
  readonly countIncludePad?: boolean | undefined;
}

type PoolResult<
  S extends Shape,
  Axes extends 1 | 2 | 3,
  Options extends readonly [PerAxis, ...unknown[]],
  Op extends string,
> = SpatialRule<
  S,
  Axes,
  PoolBy<
    S,
    Options[0],
    Given<Options[1], Options[0], PerAxis>,
    Given<Options[2], 0, Padding>,
    Given<Options[3], 1, PerAxis>,
    Given<Options[4], false, boolean>,
    Op
  >,
  Op
>;

function windowAttributes(
  [name, axes]: readonly [string, number],
  x: Tensor,
  options: MaxPoolOptions,
): MaxPoolAttributes {
  const operation = describeOperation(name);
  checkSpatialRank(operation, x.shape, axes);
  const { size, stride, ceilMode, padding, dilation } = options;
  const windows = poolWindows(operation, x.shape, {
    size,
    stride: stride ?? size,
    padding,
    dilation,
    ceilMode,
  });
  windows.output.forEach((count, axis) => {
    checkSeesInput(operation, x.shape[axis + 2]!, { windows, axis, count });
  });
  return {
    size: windows.size,
    stride: windows.stride,
    pads: windows.pads,
    dilation: windows.dilation,
    output: windows.output,
  };
}

/** Dilation can make a window step over a short input; it would hold nothing but padding. */
function checkSeesInput(
  operation: string,
  n: number,
  { windows, axis, count }: { windows: MaxPoolAttributes; axis: number; count: number },
): void {
  const [size, stride, dilation] = [windows.size[axis]!, windows.stride[axis]!, windows.dilation[axis]!];
  for (let o = 0; dilation > 1 && o < count; o++) {
    const start = o * stride - windows.pads[axis]![0];
    const first = start + Math.max(0, Math.ceil(-start / dilation)) * dilation;
    if (first < n && first <= start + (size - 1) * dilation) continue;
    throw new ShapeError({
      operation,
      got: `window ${o} along an axis of ${n}, of size ${size} with dilation ${dilation}, sees nothing but padding`,
      rule: ", each window must see an element of the input.",
      wayOut: "Use a smaller dilation, or less padding.",
    });
  }
}

function maxPoolAlong(op: readonly [string, number], x: Tensor, options: MaxPoolOptions): readonly Tensor[] {
  return applyAll(poolingOps.maxPool, [x], windowAttributes(op, x, options));
}

/** `R` is the type that the shape rule of the calling function gives: both sides of the rule are tested to agree. */
function maximaAlong<R extends Tensor>(op: readonly [string, number], x: Tensor, options: MaxPoolOptions): R {
  return maxPoolAlong(op, x, options)[0] as R;
}

/** As `maximaAlong`. */
function avgPoolAlong<R extends Tensor>(
  op: readonly [string, number],
  x: Tensor,
  options: AvgPoolOptions,
): R {
  const attributes = {
    ...windowAttributes(op, x, options),
    countIncludePad: options.countIncludePad ?? true,
  };
  return apply(poolingOps.avgPool, [x], attributes) as R;
}

/** Max pooling over so many spatial axes. */
export interface MaxPoolingFunction<Op extends string, Axes extends 1 | 2 | 3> {
  <
    S extends Shape,
    D extends DType,
    const Size extends PerAxis,
    const Stride extends PerAxis | undefined = undefined,
    const P extends Padding | undefined = undefined,
    const Dilation extends PerAxis | undefined = undefined,
    Ceil extends boolean | undefined = undefined,
  >(
    x: Fits<About<"input", PoolResult<S, Axes, [Size, Stride, P, Dilation, Ceil], Op>>> & Tensor<S, D>,
    options: Fits<About<"options" | "kernel", PoolResult<S, Axes, [Size, Stride, P, Dilation, Ceil], Op>>> &
      MaxPoolOptions<Size, Stride, P, Dilation, Ceil>,
  ): Tensor<Ok<PoolResult<S, Axes, [Size, Stride, P, Dilation, Ceil], Op>>, D>;
}

/** The maximum of each window of x [N, C, L]; see `maxPool2d`. */
export const maxPool1d: MaxPoolingFunction<"maxPool1d", 1> = (x, options) =>
  maximaAlong(["maxPool1d", 1], x, options);

/**
 * The maximum of each window of x [N, C, H, W]. The gradient goes to the recorded maximiser only, the first of equals.
 *
 * @example
 * ```ts
 * import { maxPool2d, tensor } from "@convoke/core";
 *
 * const x = tensor([[[[4, 3, 1, 5], [1, 3, 4, 8], [4, 5, 4, 3], [6, 5, 9, 4]]]]);
 * console.log(await maxPool2d(x, { size: 2 }).data()); // Float32Array [4, 8, 6, 9]
 * ```
 */
export const maxPool2d: MaxPoolingFunction<"maxPool2d", 2> = (x, options) =>
  maximaAlong(["maxPool2d", 2], x, options);

/** The maximum of each window of x [N, C, D, H, W]; see `maxPool2d`. */
export const maxPool3d: MaxPoolingFunction<"maxPool3d", 3> = (x, options) =>
  maximaAlong(["maxPool3d", 3], x, options);

/** The maxima of `maxPool2d`, and where each lies in its H×W plane (row · W + column). */
export function maxPool2dWithIndices<
  S extends Shape,
  D extends DType,
  const Size extends PerAxis,
  const Stride extends PerAxis | undefined = undefined,
  const P extends Padding | undefined = undefined,
  const Dilation extends PerAxis | undefined = undefined,
  Ceil extends boolean | undefined = undefined,
>(
  x: Fits<About<"input", PoolResult<S, 2, [Size, Stride, P, Dilation, Ceil], "maxPool2d">>> & Tensor<S, D>,
  options: Fits<
    About<"options" | "kernel", PoolResult<S, 2, [Size, Stride, P, Dilation, Ceil], "maxPool2d">>
  > &
    MaxPoolOptions<Size, Stride, P, Dilation, Ceil>,
): readonly [
  values: Tensor<Ok<PoolResult<S, 2, [Size, Stride, P, Dilation, Ceil], "maxPool2d">>, D>,
  indices: Tensor<Ok<PoolResult<S, 2, [Size, Stride, P, Dilation, Ceil], "maxPool2d">>, "int32">,
] {
  const [values, indices] = maxPoolAlong(["maxPool2d", 2], x, options);
  return [
    values as Tensor<Ok<PoolResult<S, 2, [Size, Stride, P, Dilation, Ceil], "maxPool2d">>, D>,
    indices as Tensor<Ok<PoolResult<S, 2, [Size, Stride, P, Dilation, Ceil], "maxPool2d">>, "int32">,
  ];
}

/** Mean pooling over so many spatial axes. */
export interface AvgPoolingFunction<Op extends string, Axes extends 1 | 2 | 3> {
  <
    S extends Shape,
    D extends DType,
    const Size extends PerAxis,
    const Stride extends PerAxis | undefined = undefined,
    const P extends Padding | undefined = undefined,
    const Dilation extends PerAxis | undefined = undefined,
    Ceil extends boolean | undefined = undefined,
  >(
    x: Fits<About<"input", PoolResult<S, Axes, [Size, Stride, P, Dilation, Ceil], Op>>> & Tensor<S, D>,
    options: Fits<About<"options" | "kernel", PoolResult<S, Axes, [Size, Stride, P, Dilation, Ceil], Op>>> &
      AvgPoolOptions<Size, Stride, P, Dilation, Ceil>,
  ): Tensor<Ok<PoolResult<S, Axes, [Size, Stride, P, Dilation, Ceil], Op>>, D>;
}

/** The mean of each window of x [N, C, L]; see `avgPool2d`. */
export const avgPool1d: AvgPoolingFunction<"avgPool1d", 1> = (x, options) =>
  avgPoolAlong(["avgPool1d", 1], x, options);

/**
 * The mean of each window of x [N, C, H, W]. Padding counts as zeros unless `countIncludePad` is false; what a window in
 * ceil mode sees beyond the padding never counts (PyTorch's rule).
 *
 * @example
 * ```ts
 * import { avgPool2d, tensor } from "@convoke/core";
 *
 * const x = tensor([[[[4, 3, 1, 5], [1, 3, 4, 8], [4, 5, 4, 3], [6, 5, 9, 4]]]]);
 * console.log(await avgPool2d(x, { size: 2 }).data()); // Float32Array [2.75, 4.5, 5, 5]
 * ```
 */
export const avgPool2d: AvgPoolingFunction<"avgPool2d", 2> = (x, options) =>
  avgPoolAlong(["avgPool2d", 2], x, options);

/** The mean of each window of x [N, C, D, H, W]; see `avgPool2d`. */
export const avgPool3d: AvgPoolingFunction<"avgPool3d", 3> = (x, options) =>
  avgPoolAlong(["avgPool3d", 3], x, options);
