// Programs in half precision: every way in which elements of 16 bits are read and written.
import {
  avgPool2d,
  conv2d,
  cumsum,
  gather,
  gradients,
  maxPool2d,
  relu,
  tensor,
  type Tensor,
  type Variable,
} from "@convoke/core";
import type { Shape } from "@convoke/shape";

export interface Float16Program {
  readonly name: string;
  /** Of its inputs, which are half-precision numbers. */
  readonly shapes: readonly Shape[];
  readonly compute: (...inputs: Tensor[]) => Tensor[];
}

export const float16Programs: readonly Float16Program[] = [
  {
    name: "a chain of element-wise ops, of an odd number of elements",
    shapes: [[3, 5], [5]],
    compute: (x, y) => [x!.mul(y!).add(0.1).exp().sub(y!), x!.maximum(y!).less(0.5).where(x!, y!)],
  },
  {
    name: "to and from other types",
    shapes: [[7]],
    compute: (x) => [
      x!.mul(100).cast("int32"),
      x!.cast("float32").div(3),
      x!.cast("float32").div(3).cast("float16"),
    ],
  },
  {
    name: "many small sums, and one long one",
    shapes: [[40, 3], [9001]],
    compute: (x, long) => [x!.sum([0]), x!.max([1]), x!.mean(), long!.sum(), long!.abs().mean()],
  },
  {
    name: "products of matrices, with a gradient",
    shapes: [
      [37, 70],
      [70, 33],
    ],
    compute: (a, b) => [a!.matmul(b!), ...gradients(a!.matmul(b!).mul(0.01).sum(), [a!, b!])],
  },
  {
    name: "a deep product of few results",
    shapes: [
      [4, 1500],
      [1500, 4],
    ],
    compute: (a, b) => [a!.matmul(b!)],
  },
  {
    name: "a convolution that is rectified, and its gradients",
    shapes: [[2, 5, 9, 9], [6, 5, 3, 3], [6]],
    compute: (x, w, bias) => {
      const y = relu(conv2d(x!, w!, { bias: bias!, padding: 1, stride: 2 }));
      return [y, ...gradients(y.mul(0.1).sum(), [x!, w!, bias!])];
    },
  },
  {
    name: "a depthwise convolution, and its gradients",
    shapes: [
      [2, 4, 7, 7],
      [4, 1, 3, 3],
    ],
    compute: (x, w) => {
      const y = conv2d(x!, w!, { groups: 4 });
      return [y, ...gradients(y.mul(0.1).sum(), [x!, w!])];
    },
  },
  {
    name: "pooling, and its gradients",
    shapes: [[1, 3, 9, 7]],
    compute: (x) => {
      const [most, mean] = [maxPool2d(x!, { size: 3, stride: 2 }), avgPool2d(x!, { size: 2 })];
      return [most, mean, ...gradients(most.sum().add(mean.sum()), [x!])];
    },
  },
  {
    name: "look-ups, and sums by index",
    shapes: [[6, 3]],
    compute: (x) => {
      const found = gather(x!, tensor([5, 0, 5], { dtype: "int32" }));
      return [found, ...gradients(found.square().sum(), [x!]), cumsum(x!, 0)];
    },
  },
];

/** A step of state: half-precision moments beside a float32 parameter. */
export function momentStep(parameter: Variable, moment: Variable): (gradient: Tensor) => Tensor {
  return (gradient) => {
    const next = moment.value.mul(0.5).add(gradient.cast("float16"));
    moment.assign(next);
    parameter.assign(parameter.value.sub(next.cast("float32").mul(0.1)));
    return next.abs().max();
  };
}
