// Everything here is right: modules and layers that users write, and what asks for sizes by name.
import {
  type Context,
  conv2d,
  dense,
  type Dim,
  flatten,
  globalAvgPool2d,
  input,
  type Kind,
  Layer,
  lenet5,
  maxPool2d,
  model,
  type Model,
  Module,
  ops,
  relu,
  sequential,
  type Shape,
  sigmoid,
  softmax,
  Tensor,
} from "convoke";
import { type F, type Image, type N, same } from "./same.js";

declare const size: number;
const images = ops.zeros([8, 3, 32, 32]);
const rgb = input(3, 32, 32);
const same8 = conv2d({ filters: 8, kernelSize: 3, padding: 1 });

// modules of users
class Squeeze extends Module {
  readonly pool = globalAvgPool2d();
  readonly down = dense({ units: 4 });
  readonly up = dense({ units: 8 });
  protected compute(x: Tensor, context: Context): Tensor {
    const weights = this.up.forward(this.down.forward(this.pool.forward(x, context), context), context);
    return x.mul(sigmoid().forward(weights).unsqueeze(-1).unsqueeze(-1));
  }
}
const u1 = sequential(rgb, same8, new Squeeze(), conv2d({ filters: 4, kernelSize: 1 }));
same<typeof u1, Model<Image<3, 32>, [number, 4, number, number]>>();
class Classifier extends Module<F<Image<3, 32>>, F<[N, 10]>> {
  readonly features = sequential(same8, relu(), maxPool2d({ size: 2 }), flatten());
  readonly output = dense({ units: 10 });
  protected compute(x: F<Image<3, 32>>, context: Context): F<[N, 10]> {
    return this.output.forward(this.features.forward(x, context), context);
  }
}
export const u2 = new Classifier();
const u3 = sequential(rgb, u2, softmax());
same<typeof u3, Model<Image<3, 32>, [N, 10]>>();
class Scale<C extends number> extends Module<F<[N, C]>, F<[N, C]>> {
  readonly width: C;
  constructor(width: C) {
    super();
    this.width = width;
  }
  protected compute(x: F<[N, C]>, _context: Context): F<[N, C]> {
    return x.mul(2);
  }
}
const u4 = sequential(rgb, globalAvgPool2d(), new Scale(3), dense({ units: 2 }));
same<typeof u4, Model<Image<3, 32>, [N, 2]>>();
class Net {
  readonly model = sequential(rgb, same8, flatten(), dense({ units: 10 }));
  logits(x: F<Image<3, 32>>): F<[N, 10]> {
    return this.model.forward(x);
  }
  async classes(x: Tensor): Promise<readonly number[]> {
    return [...(await this.model.forward(x).argMax(1).data())].map(Number);
  }
}
export const u5 = new Net().logits;
class Stage<C extends number> {
  constructor(readonly filters: C) {}
  make() {
    return sequential(conv2d({ filters: this.filters, kernelSize: 3, padding: 1 }), relu());
  }
}
const u6 = sequential(rgb, new Stage(16).make(), new Stage(32).make());
same<typeof u6, Model<Image<3, 32>, Image<32, 32>>>();
interface Halved extends Kind {
  readonly output: this["input"] extends [infer B extends number, infer C extends number, ...Shape]
    ? [B, C]
    : "halved: it takes [N, C, …].";
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
const u7 = sequential(rgb, new Halve(), dense({ units: 3 }));
same<typeof u7, Model<Image<3, 32>, [N, 3]>>();
class Wrapped extends Module {
  readonly inner = lenet5();
  protected compute(x: Tensor, context: Context): Tensor {
    return this.inner.forward(x, context);
  }
}
export const u8 = sequential(input(1, 28, 28), new Wrapped(), dense({ units: 3 }));
class Siamese extends Module<readonly [Tensor, Tensor]> {
  readonly net = sequential(same8, globalAvgPool2d());
  protected compute([a, b]: readonly [Tensor, Tensor], context: Context): Tensor {
    return this.net.forward(a, context).sub(this.net.forward(b, context)).square().sum(1);
  }
}
export const u9 = new Siamese().forward([images, images]);
class Multi extends Module<Tensor, { readonly logits: Tensor; readonly features: Tensor }> {
  readonly body = sequential(same8, globalAvgPool2d());
  readonly head = dense({ units: 10 });
  protected compute(x: Tensor, context: Context): { readonly logits: Tensor; readonly features: Tensor } {
    const features = this.body.forward(x, context);
    return { logits: this.head.forward(features, context), features };
  }
}
export const u10: Tensor = new Multi().forward(images).logits;

const gated = model({ a: dense({ units: 4 }), b: dense({ units: 4 }) }, ({ a, b }, z, context) =>
  a.forward(z, context).mul(b.forward(z, context)),
);
export const p17 = sequential(input(8), gated, dense({ units: 2 }));
const typedGate = model({ a: dense({ units: 4 }) }, ({ a }, z: F<[N, 8]>, context): F<[N, 4]> =>
  a.forward(z, context),
);
const p18 = sequential(input(8), typedGate, dense({ units: 2 }));
same<typeof p18, Model<[N, 8], [N, 2]>>();
const one = model({ a: dense({ units: 4 }) }, ({ a }, z, context) => a.forward(z, context), {
  inputs: input(8),
});
export const p19 = one.forward(ops.zeros([2, 8]));
const p20 = sequential(input(8), one, dense({ units: 2 }));
export const p21: Model<[N, 8]> = p20;

// what asks for a name takes any size
const v1 = new Classifier().forward(images);
same<typeof v1, F<[N, 10]>>();
export const v2 = new Net().logits(images);
export const v3 = new Net().logits(ops.zeros([size, 3, 32, 32]));
declare function score(x: F<[N, 784]>, weights: F<[784, 10]>): F<[N, 10]>;
const v4 = score(ops.zeros([32, 784]), ops.zeros([784, 10]));
same<typeof v4, F<[N, 10]>>();
declare function weighted<I extends number>(x: F<[N, I]>, w: F<[NoInfer<I>, 10]>): F<[N, 10]>;
export const v5 = weighted(ops.zeros([32, 784]), ops.zeros([784, 10]));
export const v6 = (x: F<[N, 1, 28, 28]>): F<[N, 10]> => lenet5().forward(x);
export const v7 = v6(ops.zeros([3, 1, 28, 28])).add(ops.zeros([3, 10]));
class Rows extends Module<F<[N, Dim<"L">, 8]>, F<[N, 8]>> {
  protected compute(z: F<[N, Dim<"L">, 8]>, _context: Context): F<[N, 8]> {
    return z.mean(1);
  }
}
export const v8 = new Rows().forward(ops.zeros([4, 20, 8]));
const v9 = sequential(input(20, 8), new Rows(), dense({ units: 3 }));
same<typeof v9, Model<[N, 20, 8], [N, 3]>>();
