// Everything here is right: literal, symbolic and unknown dimensions, generic functions, and results with their shapes.
import {
  add,
  arange,
  avgPool2d,
  broadcastTo,
  concat,
  conv1d,
  conv2d,
  conv3d,
  type ConvolutionOptions,
  convTranspose2d,
  type DType,
  full,
  gather,
  globalAvgPool,
  globalMaxPool,
  matmul,
  maxPool2d,
  maxPool2dWithIndices,
  oneHot,
  ones,
  onesLike,
  randomKey,
  randomNormal,
  relu,
  repeat,
  reshape,
  softmax,
  stack,
  sum,
  tensor,
  type Tensor,
  tile,
  upsample,
  variance,
  zeros,
} from "@convoke/core";
import type { Dim, Fits, Matmul, Ok, Shape } from "@convoke/shape";
import { type F, type N, same } from "./same.js";

declare const unknown: Tensor;
declare const batch: F<[N, 784]>;
declare const images: F<[N, 3, 224, 224]>;
declare const someHeight: F<[N, 3, Dim<"H">, Dim<"W">]>;
declare const rows: F<[number, 784]>;
declare const size: number;
declare const shape: number[];
declare const flag: boolean;
declare const anyShape: Shape;
const matrix = zeros([2, 3]);
const image = zeros([8, 3, 32, 32]);

// creation
same<typeof matrix, F<[2, 3]>>();
same<ReturnType<typeof scalar>, F<[]>>();
export const scalar = () => tensor(3);
const typed = tensor(new Float32Array(6), { shape: [2, 3] });
same<typeof typed, F<[2, 3]>>();
const nested = tensor([
  [1, 2],
  [3, 4],
]);
same<typeof nested, F<Shape>>();
const whole = full([2, 2], 1n);
same<typeof whole, Tensor<[2, 2], "int64">>();
const sized = zeros([size, 3]);
same<typeof sized, F<[number, 3]>>();
const listed = zeros(shape);
same<typeof listed, F<Shape>>();
const given = zeros(anyShape);
same<typeof given, F<Shape>>();
const alike = onesLike(matrix);
same<typeof alike, F<[2, 3]>>();
const noise = randomNormal(randomKey(1), [4, 4]);
same<typeof noise, F<[4, 4]>>();
const positions = arange(0, 6, { dtype: "int32" });
same<typeof positions, Tensor<[number], "int32">>();

// element-wise
const sum1 = matrix
  .add(zeros([3]))
  .mul(2)
  .sub(zeros([2, 1]));
same<typeof sum1, F<[2, 3]>>();
const outer = zeros([4, 1]).mul(zeros([1, 5]));
same<typeof outer, F<[4, 5]>>();
const compared = matrix.less(0);
same<typeof compared, Tensor<[2, 3], "bool">>();
const chosen = compared.where(matrix, 0);
same<typeof chosen, F<[2, 3]>>();
const chosen2 = matrix.greater(0).where(matrix, zeros([1, 3]));
same<typeof chosen2, F<[2, 3]>>();
const shifted = add(batch, zeros([784]));
same<typeof shifted, F<[N, 784]>>();
const withUnknown = matrix.add(unknown);
same<typeof withUnknown, F<Shape>>();
const fromUnknown = unknown.add(matrix).mul(unknown).sub(1);
same<typeof fromUnknown, Tensor>();
const met = rows.add(batch);
same<typeof met, F<[number, 784]>>();
const other: F<[Dim<"N">, 5]> = zeros([3, 5]).assertShape(["N", 5]);
const otherName: F<[Dim<"M">, 5]> = zeros([3, 5]).assertShape(["M", 5]);
const checkedLater = other.add(otherName);
same<typeof checkedLater, F<[number, 5]>>();
const activated = softmax(relu(batch.tanh()));
same<typeof activated, F<[N, 784]>>();

// matrices
const logits = batch.matmul(zeros([784, 10])).add(zeros([10]));
same<typeof logits, F<[N, 10]>>();
const batched = zeros([8, 1, 2, 3]).matmul(zeros([5, 3, 4]));
same<typeof batched, F<[8, 5, 2, 4]>>();
const dot = zeros([3]).matmul(zeros([3]));
same<typeof dot, F<[]>>();
const unknownInner = matmul(zeros([2, size]), zeros([7, 4]));
same<typeof unknownInner, F<[2, 4]>>();
const symbolicInner = batch.transpose().matmul(batch);
same<typeof symbolicInner, F<[784, 784]>>();

// movement
const flat = images.reshape([-1, 150_528]);
same<typeof flat, F<[N, 150_528]>>();
const inferred = reshape(image, [8, -1]);
same<typeof inferred, F<[8, 3072]>>();
const split = batch.reshape([-1, 1, 28, 28]);
same<typeof split, F<[N, 1, 28, 28]>>();
const back = split.flatten();
same<typeof back, F<[N, 784]>>();
const all = images.flatten(0);
same<typeof all, F<[number]>>();
const reshapedByList = image.reshape(shape);
same<typeof reshapedByList, F<Shape>>();
const last = image.permute([0, 2, 3, 1]);
same<typeof last, F<[8, 32, 32, 3]>>();
const turned = zeros([8, 2, 3]).transpose();
same<typeof turned, F<[8, 3, 2]>>();
const wide = broadcastTo(zeros([3, 1]), [2, 3, 4]);
same<typeof wide, F<[2, 3, 4]>>();
const part = image.slice([{ start: 1, end: -1 }, undefined, { step: 2 }, { start: -3 }]);
same<typeof part, F<[6, 3, 16, 3]>>();
const first = batch.slice([{ end: 10 }]);
same<typeof first, F<[number, 784]>>();
const padded = image.pad([
  [0, 0],
  [0, 0],
  [1, 1],
  [2, 2],
]);
same<typeof padded, F<[8, 3, 34, 36]>>();
const squeezed = zeros([8, 10, 1, 1]).squeeze([2, 3]);
same<typeof squeezed, F<[8, 10]>>();
const noOnes = zeros([1, 8, 1]).squeeze();
same<typeof noOnes, F<[8]>>();
const unsqueezed = matrix.unsqueeze([0, -1]);
same<typeof unsqueezed, F<[1, 2, 3, 1]>>();
const flipped = image.flip(-1);
same<typeof flipped, F<[8, 3, 32, 32]>>();
const joined = concat([zeros([8, 64, 7, 7]), zeros([8, 32, 7, 7])], 1);
same<typeof joined, F<[8, 96, 7, 7]>>();
const joinedUnknown = concat([batch, batch]);
same<typeof joinedUnknown, F<[number, 784]>>();
const many: Tensor<Shape, "float32">[] = [matrix, matrix];
const joinedMany = concat(many);
same<typeof joinedMany, F<Shape>>();
const stacked = stack([matrix, matrix, matrix], -1);
same<typeof stacked, F<[2, 3, 3]>>();
const tiled = tile(matrix, [1, 4]);
same<typeof tiled, F<[2, 12]>>();
const repeated = repeat(batch, 2, 1);
same<typeof repeated, F<[N, 1568]>>();
const embedded = gather(zeros([5000, 64]), zeros([8, 20], { dtype: "int32" }));
same<typeof embedded, F<[8, 20, 64]>>();
const hot = oneHot(zeros([8], { dtype: "int32" }), 10);
same<typeof hot, F<[8, 10]>>();

// reductions
const total = image.sum();
same<typeof total, F<[]>>();
const means = image.mean([0, 2, 3], { keepDims: true });
same<typeof means, F<[1, 3, 1, 1]>>();
const perRow = sum(batch, -1);
same<typeof perRow, F<[N]>>();
const spread = variance(batch, 0, { correction: 0 });
same<typeof spread, F<[784]>>();
const best = logits.argMax(-1);
same<typeof best, Tensor<[N], "int32">>();
const perhapsKept = matrix.max(0, { keepDims: flag });
same<typeof perhapsKept, F<Shape>>();
const byList = image.min(shape);
same<typeof byList, F<Shape>>();

// windows
const lenet = conv2d(zeros([64, 1, 28, 28]), zeros([6, 1, 5, 5]), { padding: 2, bias: zeros([6]) });
same<typeof lenet, F<[64, 6, 28, 28]>>();
const alex = conv2d(images, zeros([96, 3, 11, 11]), { stride: 4, padding: 2 });
same<typeof alex, F<[N, 96, 55, 55]>>();
const kept = conv2d(someHeight, zeros([8, 3, 3, 3]), { padding: 1 });
same<typeof kept, F<[N, 8, Dim<"H">, Dim<"W">]>>();
const strided = conv2d(someHeight, zeros([8, 3, 3, 3]), { stride: 2, padding: "same" });
same<typeof strided, F<[N, 8, number, number]>>();
const grouped = conv2d(zeros([2, 8, 9, 9]), zeros([8, 1, 3, 3]), { groups: 8, padding: "same" });
same<typeof grouped, F<[2, 8, 9, 9]>>();
const lines = conv1d(zeros([2, 64, 20]), zeros([100, 64, 3]));
same<typeof lines, F<[2, 100, 18]>>();
const volumes = conv3d(zeros([2, 3, 8, 9, 10]), zeros([4, 3, 3, 3, 3]), { dilation: [1, 2, 3] });
same<typeof volumes, F<[2, 4, 6, 5, 4]>>();
const widened = { stride: 2 };
const byWidened = conv2d(image, zeros([4, 3, 2, 2]), widened);
same<typeof byWidened, F<[8, 4, number, number]>>();
const unknownKernel = conv2d(image, unknown.cast("float32"));
same<typeof unknownKernel, F<[8, number, number, number]>>();
const larger = convTranspose2d(zeros([1, 8, 7, 7]), zeros([8, 4, 3, 3]), {
  stride: 2,
  padding: 1,
  outputPadding: 1,
});
same<typeof larger, F<[1, 4, 14, 14]>>();
const pooled = maxPool2d(alex, { size: 3, stride: 2 });
same<typeof pooled, F<[N, 96, 27, 27]>>();
const ceiled = avgPool2d(zeros([1, 4, 15, 15]), { size: 2, ceilMode: true });
same<typeof ceiled, F<[1, 4, 8, 8]>>();
const [, where] = maxPool2dWithIndices(image, { size: 2 });
same<typeof where, Tensor<[8, 3, 16, 16], "int32">>();
const pooledAll = globalAvgPool(someHeight);
same<typeof pooledAll, F<[N, 3]>>();
const pooledUnknown = globalMaxPool(unknown);
same<typeof pooledUnknown, Tensor<[number, number]>>();
const doubled = upsample(images, 2);
same<typeof doubled, F<[N, 3, 448, 448]>>();

// from unknown to known
const known = unknown.assertShape([2, 3]).matmul(zeros([3, 4]));
same<typeof known, Tensor<[2, 4]>>();
const namedRows = unknown.assertShape(["N", 784]).add(batch);
same<typeof namedRows, Tensor<[N, 784]>>();

// plain and generic functions of a user
export function plain(x: Tensor): Tensor {
  return x
    .reshape([-1, 784])
    .matmul(ones([784, 10]))
    .add(ones([10]));
}
export function dense<B extends number, I extends number, O extends number>(
  x: Tensor<[B, I], "float32">,
  w: Tensor<[NoInfer<I>, O], "float32">,
  b: Tensor<[O], "float32">,
) {
  return x.matmul(w).add(b).tanh();
}
same<ReturnType<typeof useDense>, F<[N, 10]>>();
export const useDense = () => dense(batch, zeros([784, 10]), zeros([10]));
export function flattenAll<B extends number>(x: F<[B, 3, 32, 32]>) {
  return x
    .reshape([-1, 3072])
    .matmul(zeros([3072, 10]))
    .add(1);
}
same<ReturnType<typeof useFlatten>, F<[8, 10]>>();
export const useFlatten = () => flattenAll(image);
export function block<S extends Shape>(x: F<S>, w: F<[8, 8, 3, 3]>) {
  return relu(conv2d(relu(conv2d(x, w, { padding: 1 })), w, { padding: 1 }).add(x));
}
same<ReturnType<typeof useBlock>, F<[N, 8, 14, 14]>>();
export const useBlock = (x: F<[N, 8, 14, 14]>, w: F<[8, 8, 3, 3]>) => block(x, w);
export function centred<S extends Shape, D extends DType>(x: Tensor<S, D>) {
  return x.sub(x.mean(-1, { keepDims: true }));
}
export function doubledOf<S extends Shape, D extends DType>(x: Tensor<S, D>): Tensor<S, D> {
  return x.mul(2).add(1);
}
export function product<A extends Shape, B extends Shape>(
  a: F<A>,
  b: Fits<Matmul<A, B>> & F<B>,
): F<Ok<Matmul<A, B>>> {
  return a.matmul(b);
}
same<ReturnType<typeof useProduct>, F<[2, 4]>>();
export const useProduct = () => product(matrix, zeros([3, 4]));
export function fold(parts: readonly Tensor[]): Tensor {
  return parts.reduce((total, x) => total.add(x));
}
export function loop(x: Tensor, steps: number): Tensor {
  let y = x;
  for (let i = 0; i < steps; i++) y = y.mul(0.5).add(x);
  return y;
}
export const convolutions: readonly ((x: Tensor, w: Tensor, o: ConvolutionOptions) => Tensor)[] = [
  conv1d,
  conv2d,
  conv3d,
];
export const takesAny = (x: Tensor): Tensor => x;
takesAny(matrix);
takesAny(batch);
export const narrow: Tensor<Shape, "float32"> = batch;
export const unknownBatch: F<[number, 784]> = batch;
