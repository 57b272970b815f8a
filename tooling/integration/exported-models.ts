// A user's file that exports models and functions without saying their types: its declarations have to name them.
import {
  adaptiveAvgPool2d,
  avgPool2d,
  batchNorm,
  conv1d,
  conv2d,
  conv3d,
  convTranspose2d,
  crossEntropy,
  dense,
  denseBlock,
  dropout,
  embedding,
  flatten,
  globalAvgPool2d,
  groupNorm,
  identity,
  input,
  lambda,
  layerNorm,
  localResponseNorm,
  maxPool2d,
  model,
  type Model,
  mse,
  parallel,
  relu,
  residual,
  sequential,
  softmax,
  swapAxes,
  upsample2d,
} from "convoke";
import { type Dim, type DType, ops, type Shape, type Tensor } from "convoke";

// Layers and models.
export const same = conv2d({ filters: 8, kernelSize: 3, padding: "same" });
export const parts = [
  conv1d({ filters: 4, kernelSize: 3, stride: 2 }),
  conv3d({ filters: 4, kernelSize: [1, 3, 3], padding: [0, 1, 1] }),
  convTranspose2d({ filters: 4, kernelSize: 2, stride: 2, outputPadding: 1 }),
  dense({ units: 10 }),
  embedding({ vocabulary: 100, units: 8 }),
  maxPool2d({ size: 2, ceilMode: true }),
  avgPool2d({ size: [2, 3] }),
  adaptiveAvgPool2d({ size: 7 }),
  globalAvgPool2d(),
  batchNorm(),
  groupNorm({ groups: 2 }),
  layerNorm(),
  localResponseNorm({ size: 5 }),
  softmax(1),
  dropout(0.5),
  flatten(),
  swapAxes(),
  upsample2d({ scale: 2 }),
  identity(),
  lambda((x: Tensor) => x.neg()),
] as const;
export const body = sequential(conv2d({ filters: 8, kernelSize: 1 }), batchNorm(), relu());
export const lenet = sequential(
  input(1, 28, 28),
  conv2d({ filters: 6, kernelSize: 5, padding: 2 }),
  maxPool2d({ size: 2 }),
  flatten(),
  dense({ units: 10 }),
);
export const blocks = sequential(
  input(8, 32, 32),
  residual(body),
  residual(body, { shortcut: same }),
  parallel([body, same]),
  denseBlock([body, same]),
);
export const undeclared = sequential(body, globalAvgPool2d());
export const byName = sequential({ first: same, then: relu() });
export const siamese = model(
  { tower: sequential(flatten(), dense({ units: 8 })) },
  ({ tower }, [left, right]) => tower.forward(left).sub(tower.forward(right)),
  { inputs: [input(1, 28, 28), input(1, 28, 28)] },
);

// Functions of options, and of the shapes of tensors.
export function block<C extends number, K extends number>(filters: C, kernelSize: K) {
  return sequential(conv2d({ filters, kernelSize, padding: "same" }), batchNorm(), relu());
}
export function net<C extends number, H extends number, Units extends number>(c: C, h: H, units: Units) {
  return sequential(input(c, h, h), block(8, 3), maxPool2d({ size: 2 }), flatten(), dense({ units }));
}
export function pooled<Size extends number>(size: Size) {
  return residual(sequential(maxPool2d({ size }), upsample2d({ scale: size })));
}
export function beside<C extends number>(filters: C) {
  return parallel([conv2d({ filters, kernelSize: 1 }), conv2d({ filters, kernelSize: 3, padding: 1 })]);
}
export function behind<In extends Shape, Out extends Shape>(first: Model<In, Out>) {
  return sequential(first, flatten());
}
export const classes = <B extends number>(x: Tensor<[B, 1, 28, 28]>) => lenet.forward(x);
export const convolved = <S extends Shape>(x: Tensor<S, "float32">) => same.forward(x);
export const normed = <S extends Shape>(x: Tensor<S>) => sequential(batchNorm(), relu()).forward(x);
export const poolOf = <B extends number, H extends number>(x: Tensor<[B, 8, H, H]>) =>
  maxPool2d({ size: 2 }).forward(x);
export const meanLoss = <B extends number>(x: Tensor<[B, 10]>, y: Tensor<[B, 10]>) => mse(x, y);
export const classLoss = <B extends number>(x: Tensor<[B, 10]>, y: Tensor<[B], "int32">) =>
  crossEntropy(x, y);

// Operations on tensors whose shapes are type parameters.
type Batch = Dim<"N">;
export const flat = <B extends number>(x: Tensor<[B, 3, 32, 32]>) => x.reshape([-1, 3072]);
export const named = (x: Tensor<[Batch, 3, 32, 32]>) => x.reshape([-1, 3072]);
export const turned = <B extends number>(x: Tensor<[B, 3, 4]>) => x.permute([2, 0, 1]);
export const transposed = <A extends number, B extends number>(x: Tensor<[A, B]>) => x.transpose();
export const product = <A extends Shape, B extends Shape>(a: Tensor<A>, b: Tensor<B>) => ops.matmul(a, b);
export const linear = <B extends number>(x: Tensor<[B, 784]>, w: Tensor<[784, 10]>) => x.matmul(w);
export const sum = <A extends Shape, B extends number>(a: Tensor<A>, b: Tensor<[B]>) => a.add(b.sum());
export const added = <B extends number>(a: Tensor<[B, 10]>, b: Tensor<[10]>) => a.add(b);
export const larger = <B extends number>(a: Tensor<[B, 10]>, b: Tensor<[10]>) => a.greater(b);
export const mean = <S extends Shape, D extends DType>(x: Tensor<S, D>) => x.mean(0);
export const centred = <S extends Shape>(x: Tensor<S>) => x.sub(x.mean([0], { keepDims: true }));
export const best = <S extends Shape>(x: Tensor<S>) => x.argMax(1);
export const filtered = <S extends Shape>(x: Tensor<S, "float32">, w: Tensor<[8, 8, 3, 3], "float32">) =>
  ops.conv2d(x, w, { padding: 1 });
export const enlarged = <B extends number>(x: Tensor<[B, 8, 4, 4], "float32">) =>
  ops.convTranspose2d(x, ops.ones([8, 4, 2, 2]), { stride: 2 });
export const maxima = <S extends Shape>(x: Tensor<S, "float32">) => ops.maxPool2d(x, { size: 2 });
export const upsampled = <B extends number>(x: Tensor<[B, 8, 4, 4]>) => ops.upsample(x, 2);
export const joined = <B extends number>(a: Tensor<[B, 4]>, b: Tensor<[B, 6]>) => ops.concat([a, b], 1);
export const stacked = <S extends Shape>(a: Tensor<S>, b: Tensor<S>) => ops.stack([a, b]);
export const sliced = <B extends number>(x: Tensor<[B, 10]>) => x.slice([undefined, { start: 2, end: 8 }]);
export const padded = <B extends number>(x: Tensor<[B, 10]>) =>
  x.pad([
    [0, 0],
    [1, 2],
  ]);
export const squeezed = <B extends number>(x: Tensor<[B, 1, 10]>) => x.squeeze(1).unsqueeze(0);
export const repeated = <S extends Shape>(x: Tensor<S>) => ops.tile(ops.repeat(x, 2, 0), [2]);
export const spread = <B extends number>(x: Tensor<[B, 1]>) => x.broadcastTo([4, 5]);
export const looked = <B extends number>(x: Tensor<[B, 10]>, at: Tensor<[3], "int32">) => x.gather(at, 1);
export const known = (x: Tensor) => x.assertShape(["N", 10]);
