// Everything here is right: what losses take, and what they give.
import { type DType, ones, type Tensor, zeros } from "@convoke/core";
import {
  bce,
  bceWithLogits,
  crossEntropy,
  type CrossEntropyOptions,
  huber,
  klDiv,
  l1,
  type Labels,
  mse,
  nllLoss,
  smoothL1,
} from "@convoke/layers";
import { lenet5 } from "@convoke/models";
import type { Dim, Shape } from "@convoke/shape";
import type { F, Image, N } from "./same.js";

declare const unknown: Tensor;
declare const floats: F<Shape>;
declare const batch: F<Image<3, 32>>;
declare const anySize: F<Image<3, Dim<"H">, Dim<"W">>>;
declare const anyBatch: F<[number, 3, 32, 32]>;
const images = zeros([8, 3, 32, 32]);

// losses: prediction and target of one shape; labels without the axis of classes
type Whole<S extends Shape> = Tensor<S, "int32">;
declare const ids: Whole<[N]>;
declare const anyIds: Whole<[number]>;
declare const labels: Labels;
const digit = lenet5().forward(zeros([8, 1, 28, 28]));
const digitIds = zeros([8], { dtype: "int32" });
export const y1: F<Shape> = mse(images, zeros([8, 3, 32, 32]));
export const y2: F<Shape> = mse(batch, images, { reduction: "none" });
export const y3: Tensor = mse(unknown, images);
export const y4: F<Shape> = l1(anyBatch, batch);
export const y5: F<Shape> = smoothL1(floats, batch, { beta: 0 });
export const y6: F<Shape> = huber(batch, floats, { delta: 2, reduction: "sum" });
export const y7: F<Shape> = bce(zeros([8, 1]), zeros([8, 1]));
export const y8: F<Shape> = bceWithLogits(digit, zeros([8, 10]), { posWeight: ones([10]) });
export const y9: F<Shape> = klDiv(digit, digit, { reduction: "batchMean", logTarget: true });
export const y10: F<Shape> = crossEntropy(digit, digitIds, { labelSmoothing: 0.1, weight: ones([10]) });
export const y11: F<Shape> = crossEntropy(digit, zeros([8, 10]));
export const y12: F<Shape> = crossEntropy(digit, ids);
export const y13: F<Shape> = crossEntropy(digit, anyIds, { ignoreIndex: -1 });
export const y14: F<Shape> = crossEntropy(digit, labels);
export const y15: F<Shape> = crossEntropy(digit, unknown);
export const y16: Tensor = crossEntropy(unknown, unknown);
export const y17: F<Shape> = crossEntropy(images, zeros([8, 32, 32], { dtype: "int64" }));
export const y18: F<Shape> = crossEntropy(anySize, zeros([4, 28, 28], { dtype: "int32" }));
export const y19: F<Shape> = nllLoss(digit, digitIds);
export const y20: F<Shape> = nllLoss(floats, labels, { weight: floats });
export function meanSquare<S extends Shape>(x: F<S>, y: F<S>) {
  return mse(x, y);
}
export const y21 = meanSquare(digit, zeros([8, 10]));
export const classLoss = <B extends number, C extends number>(x: F<[B, C]>, y: Whole<[B]>) =>
  crossEntropy(x, y);
export const y22 = classLoss(digit, digitIds);
export const y23 = <D extends DType>(x: Tensor<Shape, D>, y: Tensor<Shape, D>): Tensor<Shape, D> => bce(x, y);
export const y24 = <S extends Shape, T extends Shape>(x: F<S>, y: F<T>) => huber(x, y);
export const y25 = (o: CrossEntropyOptions<"float32">) => crossEntropy(digit, digitIds, o);
export const y26 = [mse, l1, bce].map((loss) => loss(digit, digit));
export const y27: (x: Tensor, y: Tensor) => Tensor = mse;
export const y28: (x: Tensor, y: Tensor) => Tensor = crossEntropy;
