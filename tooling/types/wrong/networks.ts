// Each statement is wrong: whole networks, as users write them in functions, classes and lists.
import {
  avgPool2d,
  batchNorm,
  type Context,
  conv1d,
  conv2d,
  conv3d,
  convTranspose2d,
  crossEntropy,
  dense,
  denseBlock,
  type Dim,
  dropout,
  embedding,
  flatten,
  globalAvgPool1d,
  globalAvgPool2d,
  groupNorm,
  input,
  type Kind,
  lambda,
  Layer,
  lenet5,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  model,
  type Model,
  Module,
  mse,
  ops,
  parallel,
  relu,
  residual,
  resNet,
  sequential,
  type Shape,
  sigmoid,
  softmax,
  swapAxes,
  type Tensor,
  upsample2d,
} from "convoke";

type N = Dim<"N">;
type F<S extends Shape> = Tensor<S, "float32">;
declare const size: number;
declare const flag: boolean;
declare const square: F<[N, 3, Dim<"S">, Dim<"S">]>;
const rgb = input(3, 32, 32);
const images = ops.zeros([8, 3, 32, 32]);
const same8 = conv2d({ filters: 8, kernelSize: 3, padding: 1 });
const unknownSide = conv2d({ filters: size, kernelSize: 3 });
const stem = [same8, relu(), maxPool2d({ size: 2 })] as const;
const misfit = [same8, relu(), dense({ units: 10 })] as const;
const ten = dense({ units: 10 });
const half = () => conv2d({ filters: 8, kernelSize: 3, stride: 2, padding: 1 });
const up = () => convTranspose2d({ filters: 8, kernelSize: 2, stride: 2 });
function block<C extends number>(filters: C) {
  return sequential(conv2d({ filters, kernelSize: 3, padding: 1 }), batchNorm(), relu());
}
function bottleneck<C extends number>(channels: C) {
  return residual(
    sequential(conv2d({ filters: 4, kernelSize: 1 }), conv2d({ filters: channels, kernelSize: 1 })),
  );
}
function grouped<G extends number>(groups: G) {
  return conv2d({ filters: 12, kernelSize: 3, padding: 1, groups });
}
class Stage<C extends number> {
  constructor(readonly filters: C) {}
  make() {
    return sequential(conv2d({ filters: this.filters, kernelSize: 5 }), maxPool2d({ size: 2 }));
  }
}
class Classifier extends Module<F<[N, 3, 32, 32]>, F<[N, 10]>> {
  readonly net = sequential(flatten(), dense({ units: 10 }));
  protected compute(x: F<[N, 3, 32, 32]>, context: Context): F<[N, 10]> {
    return this.net.forward(x, context);
  }
}
interface Halved extends Kind {
  readonly output: this["input"] extends [infer B extends number, infer C extends number, number, number]
    ? [B, C]
    : "halve: it takes [N, C, H, W].";
  readonly gives: "same";
}
class Halve extends Layer<Halved> {
  constructor() {
    super("halve");
  }
  protected compute(x: Tensor, _context: Context): Tensor {
    return x.mean([2, 3]);
  }
}
const stage = (filters: 16) => new Stage(filters).make();
const digits = lenet5();
const decoder = sequential(input(8, 8, 8), up(), up());
const pair = model({}, (_, [a, b]) => a.mean().add(b), { inputs: [rgb, input(10)] });
const logits = digits.forward(ops.zeros([8, 1, 28, 28]));

sequential(rgb, block(16), grouped(3));
sequential(rgb, block(16), bottleneck(8));
sequential(rgb, bottleneck(3), bottleneck(3), block(10), grouped(4), ten);
sequential(rgb, stage(16), stage(16), stage(16), stage(16));
sequential(rgb, ...stem, ten);
sequential(rgb, ...stem, ...stem, ...stem, ...stem, ...stem, ...stem, ...stem);
sequential(rgb, ...misfit);
sequential(rgb, ...stem, residual(half()));
sequential(rgb, parallel([block(4), ...stem]));
sequential(rgb, parallel([block(4), half()]), globalAvgPool2d(), ten);
sequential(rgb, denseBlock([block(4), block(4), half()]));
sequential(rgb, denseBlock([block(5), grouped(3), grouped(4)]));
sequential(rgb, new Classifier(), maxPool2d({ size: 2 }));
sequential(rgb, new Halve(), new Halve());
sequential(input(10), new Classifier());
sequential(rgb, unknownSide, ten);
sequential(rgb, unknownSide, flatten(), maxPool2d({ size: 2 }));
sequential(rgb, residual(unknownSide));
sequential(rgb, parallel([unknownSide, same8]));
sequential(rgb, half(), half(), half(), up(), up(), residual(up()));
sequential(rgb, half(), residual(sequential(half(), upsample2d({ scale: 3 }))));
sequential(rgb, parallel([sequential(half(), up(), up()), same8]));
sequential(input(3, 8, 8), decoder);
sequential(input(8, 8, 8), decoder, digits);
sequential(input(2, 16), conv1d({ filters: 4, kernelSize: 9 }), conv1d({ filters: 4, kernelSize: 9 }));
sequential(input(2, 16), maxPool1d({ size: 2 }), conv2d({ filters: 4, kernelSize: 1 }));
sequential(input(2, 16), globalAvgPool1d(), globalAvgPool1d());
sequential(input(1, 8, 8, 8), conv3d({ filters: 4, kernelSize: [3, 3, 9] }));
sequential(input(1, 8, 8, 8), maxPool3d({ size: 4 }), maxPool3d({ size: 4 }));
sequential(input(1, 8, 8, 8), conv3d({ filters: 4, kernelSize: 3 }), groupNorm({ groups: 3 }));
sequential(
  input(40, { dtype: "int32" }),
  embedding({ vocabulary: 9, units: 4 }),
  conv2d({ filters: 3, kernelSize: 3 }),
);
sequential(
  input(12, 8, 8),
  lambda((x: F<[N, 12, 8, 8]>): F<[N, 3, 16, 16]> =>
    x.reshape([-1, 3, 16, 16]).assertShape(["N", 3, 16, 16]),
  ),
  grouped(2),
);
sequential(rgb, flag ? same8 : same8, ten);
sequential(rgb, same8, rgb);
sequential(rgb, relu);
sequential(rgb, same8, { output: ten });
sequential(rgb, flag ? relu() : undefined);
sequential(rgb, swapAxes(), swapAxes(), softmax(4));
sequential(rgb).pipe(block(16)).pipe(grouped(3));
sequential(rgb, avgPool2d({ size: 2 }))
  .pipe(sigmoid())
  .pipe(new Classifier());
sequential(block(8), ten).forward(images);
sequential(...stem, ...misfit).forward(images);
block(8).pipe(bottleneck(16)).forward(images);
residual(block(8)).forward(images);
residual(same8).forward(square);
new Halve().forward(ops.zeros([2, 3]));
new Classifier().forward(ops.zeros([8, 3, 28, 28]));
pair.forward([images, ops.zeros([8, 11])]);
pair.forward([images, ops.zeros([4, 10])]);
digits.pipe(dropout(0.5)).pipe(flatten()).pipe(same8);
resNet(18, { inputShape: [1, 28, 28], classes: 10 }).forward(images);
logits.reshape([4, 21]);
logits.assertShape([8, 11]);
export const wrong1: Model<[N, 3, 32, 32], [N, 10]> = sequential(rgb, block(16), flatten());
export const wrong2: F<[8, 5]> = sequential(block(8), globalAvgPool2d()).forward(images);
