// Pooling to a given size: one value a channel, or a grid of bins whatever the size of the input.
import { globalPool, ShapeError, type Fits, type GlobalPool, type Ok, type Shape } from "@convoke/shape";
import { allocate, type DType } from "../dtype.js";
import { apply } from "../graph/apply.js";
import { describeOperation } from "../graph/scope.js";
import type { Tensor } from "../tensor.js";
import { adaptiveBins, averagingMap, constantLike, mapAxis } from "./axis-maps.js";
import { avgPool2d, maxPool2d, poolingOps } from "./pooling.js";
import { mean } from "./reduce.js";
import { checkSpatialRank, type PerAxis } from "./spatial-axes.js";

/** The mean of each channel: x [N, C, …spatial] → [N, C]. */
export function globalAvgPool<S extends Shape, D extends DType>(
  x: Fits<GlobalPool<S, "globalAvgPool">> & Tensor<S, D>,
): Tensor<Ok<GlobalPool<S, "globalAvgPool">>, D> {
  globalPool(describeOperation("globalAvgPool"), x.shape);
  const spatial: Shape = x.shape.flatMap((_, axis) => (axis < 2 ? [] : [axis]));
  return mean<Shape, D, Shape>(x, spatial) as Tensor<Ok<GlobalPool<S, "globalAvgPool">>, D>;
}

/** The maximum of each channel: x [N, C, …spatial] → [N, C]. The gradient goes to the first of equal maxima. */
export function globalMaxPool<S extends Shape, D extends DType>(
  x: Fits<GlobalPool<S, "globalMaxPool">> & Tensor<S, D>,
): Tensor<Ok<GlobalPool<S, "globalMaxPool">>, D> {
  const shape = globalPool(describeOperation("globalMaxPool"), x.shape);
  const size = x.shape.slice(2);
  const once = size.map(() => 1);
  const attributes = {
    size,
    stride: size,
    pads: size.map(() => [0, 0] as const),
    dilation: once,
    output: once,
  };
  return apply(poolingOps.maxPool, [x], attributes).reshape(shape) as Tensor<
    Ok<GlobalPool<S, "globalMaxPool">>,
    D
  >;
}

/** The output of adaptive pooling per axis; windows of one size where it divides the input. */
function adaptiveTarget(
  name: string,
  x: Shape,
  output: PerAxis,
): { output: readonly number[]; even: number[] | undefined } {
  const operation = describeOperation(name);
  checkSpatialRank(operation, x, 2);
  const target = typeof output === "number" ? [output, output] : output;
  if (target.length !== 2 || target.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new ShapeError({
      operation,
      got: `output [${target.join(", ")}]`,
      rule: ", it must be one or two whole numbers of at least 1.",
      wayOut: "Give the wanted height and width, for example [1, 1].",
    });
  }
  const size = target.map((n, axis) => x[axis + 2]! / n);
  return { output: target, even: size.every((n) => Number.isInteger(n) && n > 0) ? size : undefined };
}

/**
 * Means over a grid of `output` bins, whatever the size of x [N, C, H, W]: bin i spans ⌊i·H/h⌋ to ⌈(i + 1)·H/h⌉.
 *
 * @example
 * ```ts
 * import { adaptiveAvgPool2d, tensor } from "@convoke/core";
 *
 * const y = adaptiveAvgPool2d(tensor([[[[1, 2, 3]]]]), [1, 2]);
 * console.log(await y.data()); // Float32Array [1.5, 2.5]
 * ```
 */
export function adaptiveAvgPool2d<S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  output: PerAxis,
): Tensor<Shape, D> {
  const target = adaptiveTarget("adaptiveAvgPool2d", x.shape, output);
  if (target.even !== undefined) return avgPool2d(x, { size: target.even });
  return target.output.reduce<Tensor>(
    (y, n, i) => mapAxis(y, i + 2, averagingMap(x.shape[i + 2]!, n)),
    x,
  ) as Tensor<Shape, D>;
}

/** Maxima over a grid of `output` bins, whatever the size of x [N, C, H, W]; bins as in `adaptiveAvgPool2d`. */
export function adaptiveMaxPool2d<S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  output: PerAxis,
): Tensor<Shape, D> {
  const target = adaptiveTarget("adaptiveMaxPool2d", x.shape, output);
  if (target.even !== undefined) return maxPool2d(x, { size: target.even });
  // Bins overlap and differ in length: laid side by side, the shorter ones filled up with their last element (which as
  // a repetition never wins), they are windows of one size.
  const size = [1, 1];
  let spread: Tensor = x;
  target.output.forEach((n, i) => {
    const bins = adaptiveBins(x.shape[i + 2]!, n);
    const longest = Math.max(...bins.map(({ from, to }) => to - from));
    const indices = allocate("int32", n * longest);
    bins.forEach(({ from, to }, bin) => {
      for (let k = 0; k < longest; k++) indices[bin * longest + k] = Math.min(from + k, to - 1);
    });
    const constant = constantLike(x, indices, { shape: [indices.length], dtype: "int32" });
    spread = spread.gather(constant as Tensor<Shape, "int32">, i + 2);
    size[i] = longest;
  });
  return maxPool2d(spread, { size }) as Tensor<Shape, D>;
}
