// Everything here is right: whole networks as users write them, in functions, classes and lists, and what takes them.
import {
  adam,
  avgPool2d,
  batchNorm,
  type BatchNorm,
  compile,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  crossEntropy,
  dense,
  denseBlock,
  type Dim,
  dropout,
  type DType,
  embedding,
  evaluate,
  exportOnnx,
  fit,
  flatten,
  gelu,
  globalAvgPool1d,
  globalAvgPool2d,
  identity,
  input,
  type InputSpec,
  lambda,
  layerNorm,
  lenet5,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type Model,
  Module,
  mse,
  ops,
  parallel,
  predict,
  relu,
  report,
  residual,
  resNet,
  type Sequential,
  sequential,
  type Shape,
  sigmoid,
  swapAxes,
  syntheticDigits,
  tanh,
  Tensor,
  tensor,
  upsample2d,
  valueAndGrad,
  Variable,
} from "convoke";
import { u2 } from "./modules.js";
import { type F, type Image, type N, same } from "./same.js";

declare const flag: boolean;
declare const size: number;
declare const channels: 3 | 4;
declare const unknown: Tensor;
const images = ops.zeros([8, 3, 32, 32]);
const rgb = input(3, 32, 32);
const same8 = conv2d({ filters: 8, kernelSize: 3, padding: 1 });

// functions of the batch, of channels, of sizes
function perImage<B extends number>(x: F<[B, 3, 32, 32]>) {
  return same8.forward(x);
}
const a1 = perImage(images);
same<typeof a1, F<[8, 8, 32, 32]>>();
function convBlock<C extends number, K extends number = 3>(filters: C, kernelSize = 3 as K) {
  return sequential(conv2d({ filters, kernelSize, padding: "same" }), batchNorm(), relu());
}
const a2 = sequential(rgb, convBlock(16), convBlock(32, 5), globalAvgPool2d(), dense({ units: 10 }));
same<typeof a2, Model<Image<3, 32>, [N, 10]>>();
function inverted<C extends number, E extends number>(out: C, expanded: E) {
  return residual(
    sequential(
      conv2d({ filters: expanded, kernelSize: 1 }),
      conv2d({ filters: expanded, kernelSize: 3, padding: 1, groups: expanded }),
      conv2d({ filters: out, kernelSize: 1 }),
    ),
  );
}
const a3 = sequential(rgb, same8, inverted(8, 32), inverted(8, 48));
same<typeof a3, Model<Image<3, 32>, Image<8, 32>>>();
function down<C extends number>(filters: C) {
  return residual(conv2d({ filters, kernelSize: 3, stride: 2, padding: 1 }), {
    shortcut: sequential(conv2d({ filters, kernelSize: 1, stride: 2 }), batchNorm()),
  });
}
const a4 = sequential(rgb, down(16), down(32), down(64), globalAvgPool2d(), dense({ units: 10 }));
same<typeof a4, Model<Image<3, 32>, [N, 10]>>();
function build<C extends number, H extends number, K extends number>(c: C, h: H, classes: K) {
  return sequential(input(c, h, h), convBlock(8), flatten(), dense({ units: classes }));
}
const a5 = build(1, 28, 10);
same<typeof a5, Model<Image<1, 28>, [N, 10]>>();
const a6 = <S extends Shape>(x: F<S>) => relu().forward(x);
same<ReturnType<typeof a7>, F<[8, 3, 32, 32]>>();
export const a7 = () => a6(images);
function embed<B extends number, L extends number>(x: Tensor<[B, L], "int32">) {
  return embedding({ vocabulary: 100, units: 16 }).forward(x);
}
const a15 = embed(ops.zeros([2, 30], { dtype: "int32" }));
same<typeof a15, F<[2, 30, 16]>>();
export function loss<B extends number>(x: F<[B, 3, 32, 32]>, y: Tensor<[B], "int32">): F<Shape> {
  return crossEntropy(a2.forward(x), y) as F<Shape>;
}
export const loose = (x: Tensor) => a2.forward(x);
export function anyModel<In extends Shape, Out extends Shape>(net: Model<In, Out>): Model<In, Out> {
  return net;
}
const a8 = anyModel(a2);
same<typeof a8, Model<Image<3, 32>, [N, 10]>>();
export function addHead<In extends Shape, Out extends Shape>(net: Model<In, Out>) {
  return sequential(flatten(), dense({ units: 5 })).forward(net.forward(unknown));
}
export const a9 = addHead(sequential(rgb, same8));
function head<K extends number>(classes: K) {
  return sequential(globalAvgPool2d(), dropout(0.2), dense({ units: classes }));
}
const a10 = sequential(resNetLike(), head(7));
same<ReturnType<typeof a11>, F<[8, 7]>>();
export const a11 = () => a10.forward(images);
function resNetLike() {
  return sequential(same8, relu(), residual(same8), maxPool2d({ size: 2 }), residual(same8));
}
const a12 = ([8, 16, 32] as const).map((filters) => convBlock(filters));
export const a13: Model<Image<3, 32>> = sequential(rgb, ...a12);
export function repeat<L extends Module>(make: () => L, count: number): Sequential {
  return sequential(...Array.from({ length: count }, make));
}
export const a14 = sequential(
  rgb,
  same8,
  repeat(() => residual(same8), 4),
  globalAvgPool2d(),
);

// lists of layers
const stem = [same8, relu(), maxPool2d({ size: 2 })] as const;
const l1 = sequential(rgb, ...stem, flatten(), dense({ units: 10 }));
same<typeof l1, Model<Image<3, 32>, [N, 10]>>();
const l2 = sequential(...stem);
same<ReturnType<typeof l3>, F<[8, 8, 16, 16]>>();
export const l3 = () => l2.forward(images);
const l4 = sequential(
  rgb,
  ...stem,
  ...stem,
  ...(flag ? [dropout(0.5)] : []),
  flatten(),
  dense({ units: 10 }),
);
export const l5: Model<Image<3, 32>> = l4;
const layers: Module[] = [same8, relu()];
if (flag) layers.push(maxPool2d({ size: 2 }));
export const l6: Model<Image<3, 32>> = sequential(rgb, ...layers);
export const l7: F<Shape> = sequential(rgb, ...layers, flatten(), dense({ units: 10 })).forward(images);
const l8 = sequential(rgb, flag ? batchNorm() : identity(), same8);
same<typeof l8, Model<Image<3, 32>, Image<8, 32>>>();
const l9 = sequential(rgb, flag ? maxPool2d({ size: 2 }) : avgPool2d({ size: 2 }), flatten());
same<typeof l9, Model<Image<3, 32>, [N, 768]>>();
const l10 = sequential(rgb, flag ? relu() : tanh(), flag ? same8 : same8, globalAvgPool2d());
same<typeof l10, Model<Image<3, 32>, [N, 8]>>();
const l11 = parallel([same8, ...stem.slice(0, 0), identity()]);
export const l12 = sequential(rgb, l11).forward(images);
const branches = [same8, conv2d({ filters: 4, kernelSize: 1 })] as const;
const l13 = sequential(rgb, parallel(branches));
same<typeof l13, Model<Image<3, 32>, Image<12, 32>>>();
const l14 = sequential(rgb, denseBlock(Array.from({ length: 3 }, () => same8)), globalAvgPool2d());
export const l15: Model<Image<3, 32>> = l14;
const l16 = sequential(
  rgb,
  parallel([1, 3, 5].map((k) => conv2d({ filters: 4, kernelSize: k, padding: "same" }))),
);
export const l17: Model<Image<3, 32>> = l16;
const optional: Module | undefined = flag ? batchNorm() : undefined;
export const l18 = sequential(rgb, same8, ...(optional ? [optional] : []), relu());
const record = { conv: same8, act: relu() };
export const l19: Model<Image<3, 32>> = sequential(rgb, record);
export const l20 = sequential(rgb, { ...record, pool: globalAvgPool2d(), output: dense({ units: 3 }) });
export const l21: F<Shape> = l20.forward(images);
const tuple: [typeof same8, BatchNorm] = [same8, batchNorm()];
const l22 = sequential(rgb, ...tuple);
same<typeof l22, Model<Image<3, 32>, Image<8, 32>>>();
const l23 = stem.reduce<Sequential>((net, layer) => net.pipe(layer) as Sequential, sequential());
export const l24: Tensor = l23.forward(images);
const l25 = sequential(rgb, sequential(), sequential(relu()), flatten());
same<typeof l25, Model<Image<3, 32>, [N, 3072]>>();

// unknown sizes partway, names twice, unions
const unknownSide = conv2d({ filters: size, kernelSize: 3 });
const m1 = sequential(rgb, unknownSide, flatten(), dense({ units: 10 }));
same<typeof m1, Model<Image<3, 32>, [N, 10]>>();
const m2 = sequential(rgb, unknownSide, conv2d({ filters: 8, kernelSize: 3, groups: 4 }), globalAvgPool2d());
same<typeof m2, Model<Image<3, 32>, [N, 8]>>();
const m3 = sequential(input(size, 28, 28), same8, maxPool2d({ size: 2 }), flatten(), dense({ units: 2 }));
same<typeof m3, Model<[N, number, 28, 28], [N, 2]>>();
const m4 = sequential(input(3, size, size), residual(conv2d({ filters: 3, kernelSize: 3, padding: 1 })));
same<typeof m4, Model<[N, 3, number, number], [N, 3, number, number]>>();
const m5 = sequential(input(channels, 32, 32), same8);
same<typeof m5, Model<[N, 3 | 4, 32, 32], Image<8, 32>>>();
declare const square: F<[Dim<"N">, Dim<"N">]>;
const m6 = dense({ units: 3 }).forward(square);
same<typeof m6, F<[N, 3]>>();
declare const twice: F<[N, 3, Dim<"S">, Dim<"S">]>;
const m7 = same8.forward(twice);
same<typeof m7, F<[N, 8, Dim<"S">, Dim<"S">]>>();
const m8 = residual(same8).forward(same8.forward(twice));
same<typeof m8, F<[N, 8, Dim<"S">, Dim<"S">]>>();
const m9 = sequential(same8, maxPool2d({ size: 2 }), globalAvgPool2d(), dense({ units: 4 })).forward(twice);
same<typeof m9, F<[N, 4]>>();

const m11 = sequential(rgb, parallel([unknownSide, unknownSide]));
export const m12: Model<Image<3, 32>> = m11;
const m13 = sequential(
  rgb,
  parallel([conv2d({ filters: size, kernelSize: 1 }), same8]),
  conv2d({ filters: 4, kernelSize: 1 }),
);
same<typeof m13, Model<Image<3, 32>, Image<4, 32>>>();
const m14 = sequential(
  rgb,
  residual(conv2d({ filters: size, kernelSize: 3, padding: 1 })),
  globalAvgPool2d(),
);
same<typeof m14, Model<Image<3, 32>, [N, 3]>>();
const m15 = sequential(rgb, maxPool2d({ size }), flatten(), dense({ units: 9 }));
same<typeof m15, Model<Image<3, 32>, [N, 9]>>();
declare const rank: F<number[]>;
export const m16: F<Shape> = a2.forward(rank);
export const m17: F<Shape> = lenet5().forward(rank);

// one and three axes, decoders, rearrangements
const d1 = sequential(
  input(2, 128),
  ...([
    conv1d({ filters: 16, kernelSize: 7, stride: 2, padding: 3 }),
    relu(),
    maxPool1d({ size: 2 }),
  ] as const),
  residual(conv1d({ filters: 16, kernelSize: 3, padding: 1 })),
  globalAvgPool1d(),
  dense({ units: 5 }),
);
same<typeof d1, Model<[N, 2, 128], [N, 5]>>();
const d2 = sequential(
  input(1, 16, 16, 16),
  conv3d({ filters: 4, kernelSize: 3, padding: "same" }),
  batchNorm(),
  maxPool3d({ size: 2 }),
  convTranspose3d({ filters: 2, kernelSize: 2, stride: 2 }),
);
same<typeof d2, Model<[N, 1, 16, 16, 16], [N, 2, 16, 16, 16]>>();
const d3 = sequential(
  input(1, 28, 28),
  conv2d({ filters: 8, kernelSize: 3, stride: 2, padding: 1 }),
  conv2d({ filters: 16, kernelSize: 3, stride: 2, padding: 1 }),
  convTranspose2d({ filters: 8, kernelSize: 3, stride: 2, padding: 1, outputPadding: 1 }),
  convTranspose2d({ filters: 1, kernelSize: 3, stride: 2, padding: 1, outputPadding: 1 }),
  sigmoid(),
);
same<typeof d3, Model<Image<1, 28>, Image<1, 28>>>();
export const d4 = (x: F<Image<1, 28>>) => mse(d3.forward(x), x);
const d5 = sequential(input(16, 25), convTranspose1d({ filters: 4, kernelSize: 4, stride: 4 }));
same<typeof d5, Model<[N, 16, 25], [N, 4, 100]>>();
function pixelShuffle<B extends number, H extends number, W extends number>(x: F<[B, 12, H, W]>) {
  const blocks = x.reshape([-1, 3, 2, 2, ...([x.shape[2], x.shape[3]] as const)]);
  return blocks.permute([0, 1, 4, 2, 5, 3]);
}
const d6 = pixelShuffle(ops.zeros([2, 12, 5, 7]));
export const d7: Tensor = d6;
const d8 = sequential(
  input(12, 8, 8),
  lambda((x: F<Image<12, 8>>): F<Image<3, 16>> =>
    x
      .reshape([-1, 3, 2, 2, 8, 8])
      .permute([0, 1, 4, 2, 5, 3])
      .reshape([-1, 3, 16, 16])
      .assertShape(["N", 3, 16, 16]),
  ),
  same8,
);
same<typeof d8, Model<Image<12, 8>, Image<8, 16>>>();
const d9 = sequential(
  input(12, 8, 8),
  lambda((x) => x.reshape([-1, 3, 16, 16])),
  same8,
);
same<typeof d9, Model<Image<12, 8>, [number, 8, 16, 16]>>();
const d10 = sequential(
  input(40, { dtype: "int32" }),
  embedding({ vocabulary: 50, units: 8 }),
  layerNorm(),
  dense({ units: 4 }),
  swapAxes(),
  globalAvgPool1d(),
);
export const d11: F<[2, 4]> = d10.forward(ops.zeros([2, 40], { dtype: "int32" }));
const d12 = sequential(
  rgb,
  upsample2d({ scale: 2 }),
  conv2d({ filters: 3, kernelSize: 3, padding: 1 }),
  avgPool2d({ size: 2 }),
);
same<typeof d12, Model<Image<3, 32>, Image<3, 32>>>();

// models where models go
const p1 = sequential(
  rgb,
  sequential(rgb, same8),
  sequential(input(8, 32, 32), flatten(), dense({ units: 3 })),
);
same<typeof p1, Model<Image<3, 32>, [N, 3]>>();
const backbone = resNet(18);
export const p2: F<[4, 1000]> = backbone.forward(ops.zeros([4, 3, 224, 224]));
const p3 = sequential(input(3, 224, 224), backbone, dense({ units: 5 }));
same<typeof p3, Model<Image<3, 224>, [N, 5]>>();
export const p4: Record<string, Model> = { a2, p1, lenet: lenet5(), p3 };
export const p5 = new Map<string, Module>([
  ["a", a2],
  ["b", same8],
  ["c", u2 as Module<never, Tensor> as Module],
]);
export const p6: readonly Model<Image<3, 32>, [N, 10]>[] = [a2, l1];
export const p7: Model<Shape, [N, 10]> = a2;
export async function train(): Promise<void> {
  const { train: data, test } = syntheticDigits();
  const net = sequential(input(1, 28, 28), convBlock(8), flatten(), dense({ units: 10 }));
  await fit(net, data, { optimizer: adam(1e-3), loss: "crossEntropy", epochs: 1, validation: test });
  await evaluate(net, test, { loss: "crossEntropy" });
  await exportOnnx(net, { verify: true });
  await exportOnnx(net, "net.onnx");
  await predict(net, ops.zeros([1, 1, 28, 28]));
  await fit(u2, data, { optimizer: adam(1e-3), loss: "crossEntropy", epochs: 1 });
  await evaluate(u2, data, { loss: "crossEntropy" });
  await exportOnnx(u2);
  await predict(u2, images);
  await fit(layers[0] ?? net, data, { optimizer: adam(1e-3), loss: (y, { y: t }) => mse(y, t!), epochs: 1 });
  report(net, [1, 28, 28]);
  report(u2, [3, 32, 32]);
}
export const p8 = compile((x: F<[8, 3, 32, 32]>) => a2.forward(x));
export const p9: Promise<Tensor> = p8(images);
export const p10 = compile((x: Tensor) => a2.forward(x).argMax(1));
export const p11 = compile(<B extends number>(x: F<[B, 3, 32, 32]>) => a2.forward(x));
const step = valueAndGrad(
  (x: F<[8, 3, 32, 32]>, y: Tensor<[8], "int32">) => crossEntropy(a2.forward(x, { training: true }), y),
  a2.parameters(),
);
export const p12 = step(images, ops.zeros([8], { dtype: "int32" }));
export const p13 = valueAndGrad((x: F<[8, 3, 32, 32]>) => a2.forward(x).square().mean())(images);
const w = new Variable(
  tensor([
    [1, 2],
    [3, 4],
  ]),
  { name: "w" },
);
export const p14 = valueAndGrad((x: Tensor) => x.matmul(w.value).mean(), [w])(tensor([[1, 2]]));
let x: Tensor = tensor([1, 2, 3]);
x = x.reshape([3, 1]);
x = relu().forward(x);
export const p15 = x;
let h: Tensor = images;
for (const layer of stem) h = layer.forward(h);
for (const layer of layers) h = layer.forward(h);
export const p16: Tensor = h;
export const p22: InputSpec = rgb;
export const p23: readonly DType[] = a2.inputDTypes;
export const p24 = [gelu(), relu(), tanh()].map((act) => sequential(rgb, same8, act, globalAvgPool2d()));
same<(typeof p24)[number], Model<Image<3, 32>, [N, 8]>>();
export const p25: Tensor = (flag ? a2 : l1).forward(images);
export const p26: Tensor = (flag ? same8 : relu()).forward(images);
export const p27 = Object.fromEntries(
  ["a", "b"].map((name) => [name, conv2d({ filters: 8, kernelSize: 3, padding: 1, name })]),
);
export const p28: Model<Image<3, 32>> = sequential(rgb, p27);
