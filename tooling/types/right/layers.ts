// Everything here is right: what the compiler knows of layers and models, and what it leaves to the program.
import { concat, type Context, type DType, Module, ones, type Tensor, zeros } from "@convoke/core";
import {
  adaptiveAvgPool2d,
  avgPool2d,
  batchNorm,
  type Conv,
  conv1d,
  conv2d,
  conv3d,
  type ConvOptions,
  convTranspose2d,
  dense,
  denseBlock,
  dropout,
  elu,
  embedding,
  flatten,
  gelu,
  globalAvgPool1d,
  globalAvgPool2d,
  globalMaxPool1d,
  groupNorm,
  identity,
  input,
  type InputModel,
  type InputSpec,
  instanceNorm,
  type Kind,
  lambda,
  Layer,
  layerNorm,
  leakyRelu,
  localResponseNorm,
  logSoftmax,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  model,
  type Model,
  parallel,
  relu,
  residual,
  type Sequential,
  sequential,
  softmax,
  swapAxes,
  upsample2d,
} from "@convoke/layers";
import { alexNet, cifarResNet, denseNet, dqn, lenet5, mlp, resNet, textCnn, vgg } from "@convoke/models";
import type { Concat, Dim, Shape } from "@convoke/shape";
import { type F, type Image, type N, same } from "./same.js";

declare const unknown: Tensor;
declare const floats: F<Shape>;
declare const batch: F<Image<3, 32>>;
declare const anySize: F<Image<3, Dim<"H">, Dim<"W">>>;
declare const anyBatch: F<[number, 3, 32, 32]>;
declare const size: number;
declare const flag: boolean;
declare const someShape: Shape;
const images = zeros([8, 3, 32, 32]);
const rgb = input(3, 32, 32);
const conv3 = conv2d({ filters: 8, kernelSize: 3 });
const same8 = conv2d({ filters: 8, kernelSize: 3, padding: 1 });
const half8 = conv2d({ filters: 8, kernelSize: 3, stride: 2, padding: 1 });

// windows: out = ⌊(n + 2p − d(k − 1) − 1) / s⌋ + 1
const w1 = sequential(rgb, conv2d({ filters: 4, kernelSize: 5 }));
same<typeof w1, Model<Image<3, 32>, Image<4, 28>>>();
const w2 = sequential(rgb, conv2d({ filters: 4, kernelSize: 5, padding: "same" }));
same<typeof w2, Model<Image<3, 32>, Image<4, 32>>>();
const w3 = sequential(rgb, conv2d({ filters: 4, kernelSize: 3, stride: 2, padding: "same" }));
same<typeof w3, Model<Image<3, 32>, Image<4, 16>>>();
const w4 = sequential(rgb, conv2d({ filters: 4, kernelSize: [3, 5], stride: [2, 1], padding: [1, 2] }));
same<typeof w4, Model<Image<3, 32>, Image<4, 16, 32>>>();
const w5 = sequential(rgb, conv2d({ filters: 4, kernelSize: 3, dilation: 2 }));
same<typeof w5, Model<Image<3, 32>, Image<4, 28>>>();
const w6 = sequential(rgb, conv2d({ filters: 6, kernelSize: 1, groups: 3 }));
same<typeof w6, Model<Image<3, 32>, Image<6, 32>>>();
const w7 = sequential(rgb, conv2d({ filters: 4, kernelSize: 3, padding: "valid" }));
same<typeof w7, Model<Image<3, 32>, Image<4, 30>>>();
const w8 = sequential(rgb, conv2d({ filters: 4, kernelSize: 3, padding: [0, 1, 2, 3] }));
same<typeof w8, Model<Image<3, 32>, Image<4, 32, 34>>>();
const w9 = sequential(rgb, convTranspose2d({ filters: 4, kernelSize: 2, stride: 2 }));
same<typeof w9, Model<Image<3, 32>, Image<4, 64>>>();
const w10 = sequential(input(6, 7, 7), convTranspose2d({ filters: 4, kernelSize: 3, stride: 2, groups: 2 }));
same<typeof w10, Model<Image<6, 7>, Image<4, 15>>>();
const w11 = sequential(rgb, maxPool2d({ size: 3, stride: 2, padding: 1 }));
same<typeof w11, Model<Image<3, 32>, Image<3, 16>>>();
const w12 = sequential(rgb, maxPool2d({ size: 3, ceilMode: true }));
same<typeof w12, Model<Image<3, 32>, Image<3, 11>>>();
const w13 = sequential(rgb, avgPool2d({ size: [2, 4], countIncludePad: false }));
same<typeof w13, Model<Image<3, 32>, Image<3, 16, 8>>>();
const w14 = sequential(input(4, 100), conv1d({ filters: 8, kernelSize: 5 }), maxPool1d({ size: 2 }));
same<typeof w14, Model<[N, 4, 100], [N, 8, 48]>>();
const w15 = sequential(input(1, 8, 8, 8), conv3d({ filters: 2, kernelSize: 3 }), maxPool3d({ size: 2 }));
same<typeof w15, Model<[N, 1, 8, 8, 8], [N, 2, 3, 3, 3]>>();
const w16 = sequential(input(4, 100), globalAvgPool1d());
same<typeof w16, Model<[N, 4, 100], [N, 4]>>();
const w17 = sequential(rgb, adaptiveAvgPool2d({ size: [2, 3] }));
same<typeof w17, Model<Image<3, 32>, Image<3, 2, 3>>>();
const w18 = sequential(rgb, upsample2d({ scale: 2 }), upsample2d({ scale: [0.5, 1] }));
same<typeof w18, Model<Image<3, 32>, Image<3, 32, 64>>>();
const w19 = sequential(rgb, upsample2d({ size: 7, mode: "bilinear" }));
same<typeof w19, Model<Image<3, 32>, Image<3, 7>>>();

// layers that keep shapes, and layers that do not
const k1 = sequential(rgb, relu(), gelu(), elu({ alpha: 2 }), leakyRelu(), dropout(0.1), identity());
same<typeof k1, Model<Image<3, 32>, Image<3, 32>>>();
const k2 = sequential(rgb, batchNorm(), instanceNorm(), groupNorm({ groups: 3 }), layerNorm({ axes: 3 }));
same<typeof k2, Model<Image<3, 32>, Image<3, 32>>>();
const k3 = sequential(rgb, localResponseNorm({ size: 5 }), softmax(1), logSoftmax(-3));
same<typeof k3, Model<Image<3, 32>, Image<3, 32>>>();
const k4 = sequential(rgb, flatten(), dense({ units: 10, bias: false }), softmax());
same<typeof k4, Model<Image<3, 32>, [N, 10]>>();
const k5 = sequential(input(20, 8), dense({ units: 4 }), swapAxes());
same<typeof k5, Model<[N, 20, 8], [N, 4, 20]>>();
const k6 = sequential(input(20, { dtype: "int32" }), embedding({ vocabulary: 99, units: 8 }), swapAxes());
same<typeof k6, InputModel<[N, 20], [N, 8, 20], "int32">>();
const words = k6.forward(zeros([2, 20], { dtype: "int32" }));
same<typeof words, F<[2, 8, 20]>>();
const k7 = sequential(rgb);
same<typeof k7, Model<Image<3, 32>, Image<3, 32>>>();
const k8 = sequential(rgb, globalAvgPool2d(), dense({ units: 10 }));
same<typeof k8, Model<Image<3, 32>, [N, 10]>>();
const k9 = sequential(rgb, parallel([globalAvgPool2d(), sequential(same8, globalAvgPool2d())]));
same<typeof k9, Model<Image<3, 32>, [N, 11]>>();

// blocks
const block = sequential(same8, batchNorm(), relu(), same8, batchNorm());
const b1 = sequential(rgb, block, residual(block), relu());
same<typeof b1, Model<Image<3, 32>, Image<8, 32>>>();
const b2 = sequential(rgb, residual(half8, { shortcut: conv2d({ filters: 8, kernelSize: 1, stride: 2 }) }));
same<typeof b2, Model<Image<3, 32>, Image<8, 16>>>();
const b3 = sequential(rgb, parallel([same8, maxPool2d({ size: 3, stride: 1, padding: 1 }), identity()]));
same<typeof b3, Model<Image<3, 32>, Image<14, 32>>>();
const b4 = sequential(rgb, parallel([identity(), identity()], { axis: -1 }));
same<typeof b4, Model<Image<3, 32>, Image<3, 32, 64>>>();
const b5 = sequential(rgb, denseBlock([same8, same8, same8]));
same<typeof b5, Model<Image<3, 32>, Image<27, 32>>>();
const b6 = sequential(rgb, sequential(sequential(sequential(conv3))));
same<typeof b6, Model<Image<3, 32>, Image<8, 30>>>();
const b7 = sequential(rgb, denseBlock([]), parallel([same8]), residual(identity()));
same<typeof b7, Model<Image<3, 32>, Image<8, 32>>>();
const features = sequential(rgb, half8, half8);
const head = sequential(input(8, 8, 8), globalAvgPool2d(), dense({ units: 5 }));
const b8 = sequential(rgb, features, head);
same<typeof b8, Model<Image<3, 32>, [N, 5]>>();
const b9 = sequential(rgb, residual(same8, { shortcut: lambda((x) => x) }));
same<typeof b9, Model<Image<3, 32>, Image<8, 32>>>();

// pipe
const p1 = sequential(rgb)
  .pipe(half8)
  .pipe(relu())
  .pipe(flatten())
  .pipe(dense({ units: 3 }));
same<typeof p1, Model<Image<3, 32>, [N, 3]>>();
const p2 = sequential(half8).pipe(half8);
same<ReturnType<typeof twice>, F<[8, 8, 8, 8]>>();
export const twice = () => p2.forward(images);
const p3 = sequential(rgb, p2.pipe(flatten())).pipe(dense({ units: 2 }));
same<typeof p3, Model<Image<3, 32>, [N, 2]>>();
const p4 = k6.pipe(globalMaxPool1d());
same<typeof p4, InputModel<[N, 20], [N, 8], "int32">>();

// forward
const classifier = sequential(rgb, half8, relu(), flatten(), dense({ units: 10 }));
const f1 = classifier.forward(images);
same<typeof f1, F<[8, 10]>>();
const f2 = classifier.forward(batch);
same<typeof f2, F<[N, 10]>>();
const f3 = classifier.forward(anyBatch);
same<typeof f3, F<[number, 10]>>();
const f4 = classifier.forward(unknown, { training: true });
same<typeof f4, F<[number, 10]>>();
const f5 = conv3.forward(batch);
same<typeof f5, F<Image<8, 30>>>();
const f6 = same8.forward(anySize);
same<typeof f6, F<Image<8, Dim<"H">, Dim<"W">>>>();
const f7 = half8.forward(anySize);
same<typeof f7, F<[N, 8, number, number]>>();
const f8 = block.forward(floats);
same<typeof f8, F<[number, 8, number, number]>>();
const f9 = dense({ units: 4 }).forward(floats);
same<typeof f9, F<Shape>>();
const f10 = sequential(same8, globalAvgPool2d(), dense({ units: 10 })).forward(anySize);
same<typeof f10, F<[N, 10]>>();
const f11 = flatten().forward(zeros([size, 4, 5]));
same<typeof f11, F<[number, 20]>>();
const f12 = classifier
  .forward(images)
  .sub(ones([10]))
  .matmul(zeros([10, 2]));
same<typeof f12, F<[8, 2]>>();
const f13 = lambda((x) => x.neg()).forward(images);
same<typeof f13, Tensor<Shape, DType>>();
const f14 = relu().forward(zeros([2, 3], { dtype: "float64" }));
same<typeof f14, Tensor<[2, 3], "float64">>();
const f15 = classifier.forward(zeros([size, 3, 32, size]));
same<typeof f15, F<[number, 10]>>();
const f16 = conv3.forward(zeros([size, 3, size, size]));
same<typeof f16, F<[number, 8, number, number]>>();

// records name layers in an order that types do not have
const r1 = sequential(rgb, { conv: half8, flat: flatten(), output: dense({ units: 4 }) });
same<typeof r1, Model<Image<3, 32>, Shape>>();
const r2 = r1.assertOutput(["N", 4]);
same<typeof r2, Model<Image<3, 32>, [N, 4]>>();
const r3 = sequential({ conv: half8 });
export const r4: F<Shape> = r3.forward(images);
const r5 = sequential(rgb, sequential({ conv: half8 }), flatten());
same<typeof r5, Model<Image<3, 32>, [number, number]>>();
const r6 = sequential(rgb, same8).assertOutput(["N", 8, 32, "W"]);
same<typeof r6, Model<Image<3, 32>, Image<8, 32, Dim<"W">>>>();

// options that are known, widened, read-only or absent
const widened = { filters: 8, kernelSize: 3 };
const o1 = sequential(rgb, conv2d(widened));
same<typeof o1, Model<Image<3, 32>, [N, number, number, number]>>();
const exact = { filters: 8, kernelSize: 3, padding: 1 } as const;
const o2 = sequential(rgb, conv2d(exact));
same<typeof o2, Model<Image<3, 32>, Image<8, 32>>>();
const o3 = conv2d({ filters: 8, kernelSize: 3, stride: undefined, padding: undefined, name: undefined });
same<ReturnType<typeof plain>, F<[8, 8, 30, 30]>>();
export const plain = () => o3.forward(images);
declare const options: ConvOptions;
const o4 = sequential(rgb, conv2d(options), relu());
export const o5: Model<Image<3, 32>> = o4;
const o6 = sequential(rgb, dense({ units: size }).options.units > 3 ? relu() : identity());
same<typeof o6, Model<Image<3, 32>, Image<3, 32>>>();
const o7 = sequential(rgb, flag ? half8 : same8, relu());
export const o8: F<Shape> = o7.forward(images);
const o9 = sequential(rgb, flag ? batchNorm() : dropout(0.5), flatten());
same<typeof o9, Model<Image<3, 32>, [N, 3072]>>();
const o10 = sequential(rgb, ...(flag ? [dropout(0.5)] : []), flatten());
export const o11: Model<Image<3, 32>> = o10;
const o12 = sequential(rgb, ...Array.from({ length: 3 }, () => relu()));
export const o13: Model<Image<3, 32>> = o12;
const o14 = sequential(input(...someShape), relu());
export const o15: F<Shape> = o14.forward(images);
const o16 = sequential(input(size, size, size), conv3, flatten(), dense({ units: 3 }));
same<typeof o16, Model<[N, number, number, number], [N, 3]>>();
const o17 = sequential(rgb, conv2d({ filters: flag ? 8 : 16, kernelSize: 1 }));
export const o18: F<Shape> = o17.forward(images);
const o19 = sequential(rgb, conv2d({ filters: 8, kernelSize: flag ? 1 : 3 }), flatten());
export const o20: Model<Image<3, 32>> = o19;
const o21 = sequential(rgb, batchNorm({ momentum: 0.1, name: "norm" }), relu({ name: "act" }));
same<typeof o21, Model<Image<3, 32>, Image<3, 32>>>();
const side = 5 as 3 | 5;
export const o22: F<Shape> = conv2d({ filters: 2, kernelSize: side }).forward(images);
const o23 = sequential(input(3, 32, 32, {}), relu());
same<typeof o23, Model<Image<3, 32>, Image<3, 32>>>();

// generic functions of users
function stage<C extends number>(filters: C) {
  return sequential(
    conv2d({ filters, kernelSize: 3, padding: 1 }),
    batchNorm(),
    relu(),
    maxPool2d({ size: 2 }),
  );
}
const g1 = sequential(rgb, stage(16), stage(32), flatten(), dense({ units: 10 }));
same<typeof g1, Model<Image<3, 32>, [N, 10]>>();
const g2 = stage(16).forward(images);
same<typeof g2, F<[8, 16, 16, 16]>>();
function classify<S extends Shape, C extends number>(samples: InputSpec<S, "float32">, classes: C) {
  return sequential(samples, flatten(), dense({ units: 32 }), relu(), dense({ units: classes }));
}
const g3 = classify(input(1, 28, 28), 7).forward(zeros([5, 1, 28, 28]));
same<typeof g3, F<[5, 7]>>();
function bottleneck<C extends number>(channels: C) {
  return residual(sequential(conv2d({ filters: channels, kernelSize: 1 }), relu()));
}
const g4 = sequential(input(8, 4, 4), bottleneck(8), bottleneck(8));
same<typeof g4, Model<Image<8, 4>, Image<8, 4>>>();
export function logits<S extends Shape>(x: F<S>): F<Shape> {
  return dense({ units: 4 }).forward(flatten().forward(x));
}
export function run<B extends number>(x: F<[B, 3, 32, 32]>): F<Shape> {
  return classifier.forward(x);
}
export function square<H extends number>(side_: H) {
  return sequential(input(3, side_, side_), conv3, relu(), flatten(), dense({ units: 2 }));
}
const g5 = square(9);
same<typeof g5, Model<Image<3, 9>, [N, 2]>>();
export function evaluate(net: Model, x: Tensor): Tensor {
  return net.forward(x);
}
export const g6 = evaluate(classifier, images);
export function each(nets: readonly Module[]): readonly Tensor[] {
  return nets.map((net) => net.forward(images));
}
export const g7 = each([classifier, block, conv3, residual(same8), lenet5()]);
export function tower(depth: number): Sequential {
  return sequential(...Array.from({ length: depth }, () => same8));
}
const g8 = sequential(rgb, tower(3), globalAvgPool2d(), dense({ units: 4 }));
same<typeof g8, Model<Image<3, 32>, [number, 4]>>();
function withHead<B extends Module>(body: B) {
  return sequential(body, flatten(), dense({ units: 9 }));
}
const g9 = withHead(conv3).forward(images);
same<typeof g9, F<[8, 9]>>();

// modules and layers of users
class Plain extends Module {
  readonly conv: Conv = conv2d({ filters: 4, kernelSize: 3 });
  protected compute(x: Tensor, context: Context): Tensor {
    return this.conv.forward(x, context);
  }
}
const u1 = sequential(rgb, new Plain(), relu(), flatten(), dense({ units: 6 }));
same<typeof u1, Model<Image<3, 32>, [number, 6]>>();
class Head extends Module<F<[N, 3072]>, F<[N, 10]>> {
  protected compute(x: F<[N, 3072]>, _context: Context): F<[N, 10]> {
    return x.slice([{}, { end: 10 }]);
  }
}
const u2 = sequential(rgb, flatten(), new Head());
same<typeof u2, Model<Image<3, 32>, [N, 10]>>();
const u3 = sequential(flatten(), new Head()).forward(images);
same<typeof u3, F<[8, 10]>>();
interface Doubled extends Kind {
  readonly output: Concat<[Extract<this["input"], Shape>, Extract<this["input"], Shape>], 1, "doubled">;
  readonly gives: "same";
}
class Double extends Layer<Doubled> {
  constructor() {
    super("doubled");
  }
  protected compute(x: Tensor, _context: Context): Tensor {
    return concat([x, x], 1);
  }
}
const u4 = sequential(rgb, new Double(), new Double());
same<typeof u4, Model<Image<3, 32>, Image<12, 32>>>();
const u5 = new Double().forward(images);
same<typeof u5, F<[8, 6, 32, 32]>>();
const rows = lambda((x: F<[N, 8]>): F<[N, 4]> => x.slice([{}, { end: 4 }]));
const u6 = sequential(input(8), rows, dense({ units: 2 }));
same<typeof u6, Model<[N, 8], [N, 2]>>();
const u7 = sequential(rgb, lambda((x) => x.neg()) as Layer, flatten(), dense({ units: 2 }));
same<typeof u7, Model<Image<3, 32>, [number, 2]>>();
const u8 = sequential(rgb, same8 as Module, relu());
export const u9: F<Shape> = u8.forward(images);
class Poly extends Module {
  protected compute(x: Tensor, _context: Context): Tensor {
    return x;
  }
  override forward<S extends Shape, D extends DType>(x: Tensor<S, D>, context?: Context): Tensor<S, D> {
    return super.forward(x, context) as Tensor<S, D>;
  }
}
const u10 = sequential(rgb, new Poly(), flatten());
export const u11: Model<Image<3, 32>> = u10;

// several inputs
const pair = model({}, (_, [a, b]) => a.add(b), { inputs: [input(3), input(3)] });
const i1 = pair.forward([zeros([4, 3]), zeros([4, 3])]);
export const i2: Tensor = i1;
export const i3 = pair.forward([zeros([4, 3]), unknown]);
export const i4 = pair.forward([zeros([size, 3]), zeros([4, 3])]);
const named = model(
  { image: conv3, text: embedding({ vocabulary: 9, units: 8 }) },
  ({ image, text }, { pixels, letters }, context) =>
    globalAvgPool2d().forward(image.forward(pixels, context)).add(text.forward(letters, context).mean(1)),
  { inputs: { pixels: rgb, letters: input(5, { dtype: "int32" }) } },
);
export const i5 = named.forward({ pixels: images, letters: zeros([8, 5], { dtype: "int32" }) });
const untyped = model({ d: dense({ units: 2 }) }, ({ d }, x, context) => d.forward(x, context));
export const i6 = untyped.forward(images);

// the zoo
const z1 = lenet5();
same<typeof z1, Model<Image<1, 28>, [N, 10]>>();
const z2 = lenet5({ inputShape: [3, 32, 32], classes: 7, activation: "tanh" });
same<typeof z2, Model<Image<3, 32>, [N, 7]>>();
const z3 = resNet(50);
same<typeof z3, Model<Image<3, 224>, [N, 1000]>>();
const z4 = [alexNet(), vgg(16, { batchNorm: true }), resNet(18)] as const;
same<(typeof z4)[number], Model<Image<3, 224>, [N, 1000]>>();
const z5 = [cifarResNet(20), denseNet({ growth: 4 })] as const;
same<(typeof z5)[number], Model<Image<3, 32>, [N, 10]>>();
const z6 = dqn({ actions: 6 }).forward(zeros([2, 4, 84, 84]));
same<typeof z6, F<[2, 6]>>();
const z7 = mlp({ units: [64], classes: size }).forward(zeros([2, 1, 28, 28]));
same<typeof z7, F<[2, number]>>();
const z8 = textCnn({ classes: 3 }).forward(zeros([2, 64], { dtype: "int32" }));
same<typeof z8, F<[2, 3]>>();
const z9 = lenet5({ inputShape: someShape });
export const z10: F<Shape> = z9.forward(images);
