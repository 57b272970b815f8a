// Each statement is wrong. The test compares what the compilers say, and where, with a snapshot.
import {
  add,
  avgPool2d,
  broadcastTo,
  concat,
  conv1d,
  conv2d,
  convTranspose2d,
  full,
  gather,
  globalAvgPool,
  matmul,
  maxPool2d,
  mean,
  ones,
  permute,
  repeat,
  reshape,
  slice,
  squeeze,
  stack,
  sum,
  type Tensor,
  tile,
  transpose,
  unsqueeze,
  upsample,
  where,
  zeros,
} from "@convoke/core";
import type { Dim } from "@convoke/shape";

const image = zeros([8, 3, 32, 32]);
const kernels = zeros([16, 3, 5, 5]);
const matrix = zeros([2, 3]);
const bits = zeros([2, 3], { dtype: "bool" });
const ids = zeros([7], { dtype: "int32" });
declare const batch: Tensor<[Dim<"N">, 784], "float32">;
declare const features: Tensor<[Dim<"N">, 3, 32, 32], "float32">;
declare function product<I extends number>(
  x: Tensor<[Dim<"N">, I], "float32">,
  w: Tensor<[NoInfer<I>, 10], "float32">,
): Tensor<[Dim<"N">, 10], "float32">;

matrix.add(zeros([4, 3]));
matrix.mul(zeros([2]));
matrix.sub(zeros([3, 2, 2, 2]).sum([0, 1]));
add(matrix, zeros([3, 3]));
matrix.add(zeros([2, 3], { dtype: "int32" }));
matrix.equal(zeros([5]));
matrix.maximum(ones([3, 4]));
bits.logicalAnd(ones([4], { dtype: "bool" }));
bits.where(matrix, zeros([4]));
where(bits, zeros([5]), 0);
batch.add(zeros([10]));
matrix.matmul(zeros([5, 4]));
matmul(matrix, matrix);
matrix.matmul(zeros([3, 4], { dtype: "float64" }));
batch.matmul(zeros([785, 10]));
zeros([8, 2, 3]).matmul(zeros([4, 3, 5]));
matrix.reshape([4, 2]);
reshape(image, [8, 1024]);
image.reshape([-1, 5]);
matrix.reshape([-1, -1]);
features.reshape([3, -1, -1]);
matrix.permute([0, 2]);
permute(image, [0, 2, 3]);
image.permute([0, 1, 1, 2]);
zeros([3]).transpose();
transpose(zeros([]));
broadcastTo(matrix, [4, 3]);
zeros([1, 3]).broadcastTo([3]);
slice(matrix, [{}, {}, {}]);
matrix.slice([{ step: 0 }]);
matrix.pad([[1, 1]]);
zeros([2]).pad([[-1, 0]]);
squeeze(matrix, 1);
matrix.squeeze([0, 3]);
unsqueeze(matrix, [1, 1]);
matrix.unsqueeze(4);
image.flatten(5);
matrix.flatten(-3);
matrix.sum(2);
sum(image, [1, 1]);
mean(matrix, -3, { keepDims: true });
matrix.argMax(2);
concat([matrix, zeros([4, 5])]);
concat([matrix, zeros([2, 4])], 0);
concat([matrix, zeros([2, 3], { dtype: "int32" })]);
stack([matrix, zeros([2, 4])]);
tile(matrix, [2]);
repeat(matrix, -1, 0);
gather(matrix, ids, 2);
conv2d(image, zeros([16, 4, 5, 5]));
conv2d(image, zeros([16, 3, 5]));
conv2d(zeros([8, 3, 4, 4]), zeros([16, 3, 9, 9]));
conv2d(image, kernels, { stride: 0 });
conv2d(image, kernels, { groups: 2 });
conv2d(image, kernels, { padding: [1, 2, 3] });
conv2d(image, kernels, { strides: 2 });
conv2d(image, zeros([16, 3, 5, 5], { dtype: "float64" }));
conv2d(zeros([8, 3, 32]), zeros([4, 3, 3]));
conv1d(image, kernels);
conv2d(features, zeros([6, 1, 5, 5]));
convTranspose2d(image, zeros([4, 8, 2, 2]), { stride: 2 });
convTranspose2d(image, zeros([3, 8, 2, 2]), { outputPadding: 1 });
maxPool2d(zeros([1, 6, 2, 2]), { size: 3 });
maxPool2d(image, { size: 2, padding: 2 });
avgPool2d(matrix, { size: 2 });
maxPool2d(image, { size: [2, 2, 2] });
globalAvgPool(matrix);
upsample(matrix, 2);
upsample(image, [2, 2, 2]);
upsample(image, 0);
zeros([2, -1]);
full([1.5], 0);
matrix.assertShape([3, 3]);
matrix.assertShape(["N", 3, 1]);
batch.matmul(zeros([784, 10])).add(zeros([11]));
product(batch, zeros([785, 10]));
export const wrongResult: Tensor<[2, 4], "float32"> = matrix.matmul(zeros([3, 5]));
