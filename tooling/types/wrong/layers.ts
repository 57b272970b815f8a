// Each statement is wrong. The test compares what the compilers say, and where, with a snapshot.
import { type Context, Module, type Tensor, zeros } from "@convoke/core";
import {
  adaptiveAvgPool2d,
  avgPool1d,
  batchNorm,
  bce,
  bceWithLogits,
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
  huber,
  identity,
  input,
  instanceNorm,
  klDiv,
  l1,
  lambda,
  layerNorm,
  localResponseNorm,
  maxPool2d,
  model,
  type Model,
  mse,
  nllLoss,
  parallel,
  relu,
  residual,
  sequential,
  smoothL1,
  softmax,
  swapAxes,
  upsample2d,
} from "@convoke/layers";
import { lenet5, resNet, textCnn } from "@convoke/models";
import type { Dim } from "@convoke/shape";

type N = Dim<"N">;

const conv3 = conv2d({ filters: 8, kernelSize: 3 });
const conv5 = conv2d({ filters: 6, kernelSize: 5 });
const conv9 = conv2d({ filters: 16, kernelSize: 9 });
const same8 = conv2d({ filters: 8, kernelSize: 3, padding: 1 });
const half8 = conv2d({ filters: 8, kernelSize: 3, stride: 2, padding: 1 });
const groups2 = conv2d({ filters: 8, kernelSize: 1, groups: 2 });
const pool2 = maxPool2d({ size: 2 });
const pool4 = maxPool2d({ size: 4 });
const ten = dense({ units: 10 });
const digits = input(1, 28, 28);
const rgb = input(3, 32, 32);
const lenet = sequential(digits, conv5, relu(), pool2, flatten(), ten);
const block = sequential(same8, batchNorm(), relu(), same8);
const images = zeros([4, 3, 32, 32]);
const int32 = { dtype: "int32" } as const;
const scores = zeros([8, 10]);
declare const batch: Tensor<[N, 1, 28, 28], "float32">;
declare const gray: Tensor<[32, 1, 14, 14], "float32">;
class Head extends Module<Tensor<[N, 512]>, Tensor<[N, 10]>> {
  protected compute(x: Tensor<[N, 512]>, _context: Context): Tensor<[N, 10]> {
    return x.slice([{}, { end: 10 }]);
  }
}
class Two extends Module<[Tensor, Tensor]> {
  protected compute([a, b]: [Tensor, Tensor], _context: Context): Tensor {
    return a.add(b);
  }
}
const rows = lambda((x: Tensor<[N, 8], "float32">): Tensor<[N, 4], "float32"> => x.slice([{}, { end: 4 }]));
const pair = model({}, (_, [a, b]) => a.add(b), { inputs: [input(3), input(3)] });
const named = model({}, (_, { a, b }) => a.add(b), { inputs: { a: input(3), b: input(3) } });
const seven = lenet5({ classes: 7 }).forward(batch);

sequential(digits, conv5, relu(), pool4, conv9);
sequential(digits, conv5, ten);
sequential(rgb, groups2);
sequential(rgb, residual(conv3));
sequential(rgb, same8, residual(half8));
sequential(rgb, residual(half8, { shortcut: conv2d({ filters: 8, kernelSize: 1 }) }));
sequential(rgb, residual(sequential(same8, conv9, conv9, conv9, conv9, conv9)));
sequential(rgb, residual(same8, { shortcut: conv2d({ filters: 16, kernelSize: 1 }) }));
sequential(rgb, residual(same8, { shortcut: ten }));
sequential(input(784), conv3);
sequential(input(28, 28), conv3);
sequential(input(28, 28), pool2);
sequential(input(784), batchNorm(), pool2);
sequential(rgb, flatten(), conv3);
sequential(rgb, globalAvgPool2d(), flatten(), pool2);
sequential(rgb, globalAvgPool2d(), globalAvgPool2d());
sequential(rgb, conv1d({ filters: 4, kernelSize: 3 }));
sequential(rgb, conv3d({ filters: 4, kernelSize: 3 }));
sequential(rgb, avgPool1d({ size: 2 }));
sequential(rgb, conv2d({ filters: 4, kernelSize: [3, 3, 3] }));
sequential(rgb, conv2d({ filters: 4, kernelSize: 3, stride: 0 }));
sequential(rgb, conv2d({ filters: 4, kernelSize: 3, stride: [1, 1, 1] }));
sequential(rgb, conv2d({ filters: 4, kernelSize: 17, dilation: 3 }));
sequential(rgb, conv2d({ filters: 4, kernelSize: 3, padding: -1 }));
sequential(rgb, conv2d({ filters: 9, kernelSize: 3, groups: 3 }), groups2);
sequential(rgb, conv2d({ filters: 8, kernelSize: 3, groups: 3 }));
sequential(rgb, convTranspose2d({ filters: 4, kernelSize: 2, stride: 2, outputPadding: 2 }));
sequential(rgb, convTranspose2d({ filters: 4, kernelSize: 1, padding: 16 }));
sequential(rgb, maxPool2d({ size: 2, padding: 2 }));
sequential(rgb, maxPool2d({ size: 33 }));
sequential(rgb, maxPool2d({ size: [2, 2, 2] }));
sequential(rgb, pool4, pool4, pool4);
sequential(rgb, adaptiveAvgPool2d({ size: 1 }), ten);
sequential(rgb, flatten(), adaptiveAvgPool2d({ size: 1 }));
sequential(rgb, groupNorm({ groups: 2 }));
sequential(input(16), instanceNorm());
sequential(input(16), layerNorm({ axes: 2 }));
sequential(input(), localResponseNorm({ size: 5 }));
sequential(input(10), softmax(2));
sequential(input(), swapAxes());
sequential(input(10), upsample2d({ scale: 2 }));
sequential(rgb, upsample2d({ scale: 0 }));
sequential(rgb, upsample2d({ scale: [2, 2, 2] }));
sequential(rgb, parallel([same8, half8]));
sequential(rgb, parallel([same8, conv3]), relu());
sequential(rgb, parallel([same8, sequential(relu(), ten)]));
sequential(rgb, parallel([globalAvgPool2d(), identity()]));
sequential(rgb, parallel([globalAvgPool2d(), globalAvgPool2d()], { axis: 2 }));
sequential(rgb, denseBlock([same8, half8]));
sequential(rgb, denseBlock([same8, groups2]));
sequential(rgb, sequential(conv3, sequential(relu(), ten)));
sequential(rgb, block, lenet);
sequential(digits, lenet, pool2);
sequential(rgb, new Head());
sequential(rgb, globalAvgPool2d(), new Head());
sequential(rgb, new Two());
sequential(input(9), rows);
sequential(input(20, { dtype: "int32" }), embedding({ vocabulary: 9, units: 4 }), pool2);
sequential(rgb, dropout(0.5), relu(), conv9, conv9, conv9, conv9, conv9);
sequential(rgb, lenet5());
sequential(digits).pipe(conv5).pipe(ten);
sequential(rgb).pipe(same8).pipe(groups2).pipe(residual(half8));
sequential(rgb, block).pipe(lenet);
lenet.pipe(conv3);
lenet.forward(images);
lenet.forward(gray);
lenet.forward(zeros([1, 28, 28]));
lenet.forward(zeros([8, 1, 28, 28], { dtype: "int32" }));
lenet.forward(zeros([8, 1, 28, 28])).add(zeros([8, 11]));
lenet.forward(batch).matmul(zeros([11, 2]));
lenet.assertOutput(["N", 12]);
lenet.assertOutput([10]);
conv3.forward(zeros([8, 3, 2, 2]));
conv3.forward(batch).add(zeros([8, 25, 26]));
block.forward(zeros([8, 3, 32]));
block.pipe(ten).forward(images);
ten.forward(images);
residual(half8).forward(zeros([8, 8, 16, 16]));
parallel([same8, half8]).forward(images);
denseBlock([conv3]).forward(images);
embedding({ vocabulary: 9, units: 4 }).forward(zeros([2, 3]));
pair.forward([zeros([2, 3]), zeros([4, 3])]);
pair.forward([zeros([2, 3]), zeros([2, 4])]);
named.forward({ a: zeros([2, 3]), b: zeros([3, 3]) });
lenet5().forward(images);
seven.add(zeros([10]));
resNet(50).forward(images);
textCnn().forward(zeros([2, 64]));
mse(zeros([8, 1]), zeros([8]));
mse(images, zeros([4, 3, 32, 31]));
mse(lenet.forward(batch), zeros([8, 11]), { reduction: "sum" });
l1(scores, zeros([8, 10], { dtype: "float64" }));
smoothL1(scores, zeros([]), { beta: 0.5 });
huber(zeros([8]), scores);
bce(zeros([4]), zeros([4, 1]));
bceWithLogits(ten.forward(zeros([8, 4])), zeros([8]));
klDiv(scores, zeros([8, 9]), { reduction: "batchMean" });
crossEntropy(scores, zeros([9], int32));
crossEntropy(scores, zeros([8, 1], int32));
crossEntropy(scores, zeros([8, 10], int32));
crossEntropy(scores, zeros([8]));
crossEntropy(scores, zeros([8, 10], { dtype: "float64" }));
crossEntropy(scores, zeros([8], { dtype: "uint8" }));
crossEntropy(zeros([10]), zeros([], int32));
crossEntropy(zeros([8, 10], int32), zeros([8], int32));
crossEntropy(images, zeros([4, 32, 31], int32), { ignoreIndex: 255 });
crossEntropy(lenet.forward(zeros([8, 1, 28, 28])), zeros([9], int32));
crossEntropy(lenet.forward(batch), zeros([8, 9]));
nllLoss(scores, zeros([10], int32));
nllLoss(images, zeros([4], { dtype: "int64" }));
export const wrong1: Model<[N, 3, 28, 28], [N, 10]> = lenet;
export const wrong2: Model<[N, 1, 28, 28], [N, 100]> = lenet;
export const wrong3: typeof conv9 = conv3;
export const wrong4: Tensor<[8, 11], "float32"> = lenet.forward(zeros([8, 1, 28, 28]));
export const wrong5: Tensor<[N, 10], "float32"> = sequential(digits, conv5, flatten()).forward(batch);
