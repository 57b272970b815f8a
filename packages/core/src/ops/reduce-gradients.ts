// The gradients of reductions to an extremum and to a product.
import { reduce, shapeSize } from "@convoke/shape";
import type { Tensor } from "../tensor.js";
import type { GradientRule } from "./definition.js";
import type { ReduceAttributes } from "./reduce-kernels.js";

/** A result of reducing x, with the reduced axes as 1. */
export function withKeptDims(value: Tensor, x: Tensor, { axes, keepDims }: ReduceAttributes): Tensor {
  return keepDims ? value : value.reshape(reduce("reduce", x.shape, axes, true));
}

/** Number of elements that are folded into one. */
export function foldedCount(x: Tensor, axes: readonly number[]): number {
  return shapeSize(axes.map((axis) => x.shape[axis]!));
}

// d max/dx: the gradient is shared evenly among the elements that reach the extremum, as PyTorch's amax does.
export const extremumGradient: GradientRule<ReduceAttributes> = ({
  inputs: [x],
  outputs: [y],
  gradients: [g],
  attributes,
}) => {
  const winners = x!.equal(withKeptDims(y!, x!, attributes)).cast(x!.dtype);
  const count = winners.sum(attributes.axes, { keepDims: true });
  return [winners.mul(withKeptDims(g!, x!, attributes).div(count))];
};

/**
 * d(∏ x)/dxᵢ is the product of all the others. Division by xᵢ fails at zeros, so the product is taken as a tree of
 * pairs and differentiated level by level: linear work, and right to every order.
 */
export function prodGradient(x: Tensor, g: Tensor, axes: readonly number[]): Tensor {
  if (x.size === 0) return x;
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const order = [...axes, ...kept];
  const moved = x.permute(order);
  const count = foldedCount(x, axes);
  const rest = x.size / count;
  let half = 1;
  while (half < count) half *= 2;
  let level: Tensor = moved.reshape([count, rest]).pad(
    [
      [0, half - count],
      [0, 0],
    ],
    1,
  );
  const partners: Tensor[] = [];
  while (half > 1) {
    half /= 2;
    const pairs = level.reshape([2, half, rest]);
    partners.push(pairs.flip(0));
    level = pairs.slice([{ end: 1 }]).mul(pairs.slice([{ start: 1 }]));
  }
  let gradient: Tensor = g.reshape([1, 1, rest]);
  for (const partner of partners.reverse()) {
    gradient = partner.mul(gradient).reshape([1, 2 * partner.shape[1]!, rest]);
  }
  const back = order.map((_, axis) => order.indexOf(axis));
  return gradient
    .slice([undefined, { end: count }])
    .reshape(moved.shape)
    .permute(back);
}
