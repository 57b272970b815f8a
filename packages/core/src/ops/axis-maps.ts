// Linear maps along one axis, and the bins of adaptive pooling: what resizing and adaptive pooling are made of.
import { shapeSize } from "@convoke/shape";
import { allocate, type DType, type TypedArray } from "../dtype.js";
import { constantNode } from "../graph/leaf.js";
import type { Tensor } from "../tensor.js";

/** A map from an axis of `inputs` elements to one of `outputs`, row-major. */
export interface AxisMap {
  readonly outputs: number;
  readonly inputs: number;
  readonly weights: Float64Array;
}

/** A constant beside `like`. */
export function constantLike(
  like: Tensor,
  data: TypedArray,
  spec: { shape: readonly number[]; dtype: DType },
): Tensor {
  return like.derive({ node: constantNode(data, spec), index: 0 });
}

/** Applies `map` along `axis` of x; differentiable, as a matrix product with a constant. */
export function mapAxis(x: Tensor, axis: number, { outputs, inputs, weights }: AxisMap): Tensor {
  const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
  const matrix = allocate(x.dtype, weights.length);
  for (let i = 0; i < weights.length; i++) matrix[i] = weights[i] as never;
  const constant = constantLike(x, matrix, { shape: [outputs, inputs], dtype: x.dtype });
  const [outer, inner] = [shapeSize(before), shapeSize(after)];
  const mapped: Tensor =
    inner === 1
      ? x.reshape([outer, inputs]).matmul(constant.transpose())
      : constant.matmul(x.reshape([outer, inputs, inner]));
  return mapped.reshape([...before, outputs, ...after]);
}

/** Bin i of `outputs` over n elements: from ⌊i·n/outputs⌋ to before ⌈(i + 1)·n/outputs⌉ (PyTorch's adaptive pooling). */
export function adaptiveBins(n: number, outputs: number): { readonly from: number; readonly to: number }[] {
  return Array.from({ length: outputs }, (_, i) => ({
    from: Math.floor((i * n) / outputs),
    to: Math.ceil(((i + 1) * n) / outputs),
  }));
}

/** The mean of each bin. */
export function averagingMap(inputs: number, outputs: number): AxisMap {
  const weights = new Float64Array(outputs * inputs);
  adaptiveBins(inputs, outputs).forEach(({ from, to }, i) => {
    weights.fill(1 / (to - from), i * inputs + from, i * inputs + to);
  });
  return { outputs, inputs, weights };
}
