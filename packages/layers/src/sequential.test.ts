import {
  compile,
  Module,
  ones,
  tensor,
  type Context,
  type Tensor,
  valueAndGrad,
  foldIn,
  randomKey,
} from "@convoke/core";
import { describe, expect, it } from "vitest";
import { refusal } from "../test/refusal.js";
import {
  batchNorm,
  conv2d,
  crossEntropy,
  dense,
  dropout,
  embedding,
  flatten,
  input,
  instanceNorm,
  maxPool2d,
  model,
  relu,
  residual,
  sequential,
  tanh,
} from "./index.js";

/** What the compiler does not know is left to the program. */
const unknownShape = (x: Tensor): Tensor => x;

const small = () =>
  sequential(input(1, 8, 8), {
    conv1: conv2d({ filters: 4, kernelSize: 3 }),
    relu1: relu(),
    pool1: maxPool2d({ size: 2 }),
    flatten: flatten(),
    output: dense({ units: 3 }),
  });

describe("names", () => {
  it("are the indices of the layers", () => {
    const net = sequential(input(4), dense({ units: 3 }), tanh(), dense({ units: 2, bias: false }));
    expect(Object.keys(net.namedVariables())).toEqual(["0.weight", "0.bias", "2.weight"]);
    expect(net.parameters().map(({ name }) => name)).toEqual(["0.weight", "0.bias", "2.weight"]);
    expect(net.outputShape).toEqual([1, 2]);
  });

  it("are the names of the layers", () => {
    const net = sequential(
      input(4),
      dense({ units: 3, name: "hidden" }),
      relu(),
      dense({ units: 2, name: "output" }),
    );
    expect(Object.keys(net.namedVariables())).toEqual([
      "hidden.weight",
      "hidden.bias",
      "output.weight",
      "output.bias",
    ]);
    expect(net.layer("1").kind).toBe("relu");
  });

  it("are the keys of a record, and paths when models nest", () => {
    const net = sequential(input(1, 6, 6), {
      features: sequential({ conv: conv2d({ filters: 2, kernelSize: 3 }), norm: batchNorm() }),
      flat: flatten(),
      head: sequential(dense({ units: 2 })),
    });
    expect(Object.keys(net.namedVariables())).toEqual([
      "features.conv.weight",
      "features.conv.bias",
      "features.norm.weight",
      "features.norm.bias",
      "features.norm.runningMean",
      "features.norm.runningVar",
      "head.0.weight",
      "head.0.bias",
    ]);
    expect(Object.keys(net.namedModules())).toEqual([
      "",
      "features",
      "features.conv",
      "features.norm",
      "flat",
      "head",
      "head.0",
    ]);
  });

  it("share the weights of a layer that comes twice", async () => {
    const shared = dense({ units: 2, bias: false, name: "shared" });
    const net = sequential(input(2), shared, relu(), shared);
    expect(Object.keys(net.namedVariables()).length).toBe(1);
    shared.weight.set(Float32Array.of(2, 0, 0, -1));
    expect(Array.from((await net.forward(tensor([[1, -1]])).data()) as Float32Array)).toEqual([4, -1]);
  });

  it("are refused where they would mislead", () => {
    expect(refusal(() => sequential(relu({ name: "a" }), relu({ name: "a" })))).toMatchInlineSnapshot(`
      "ModuleError: sequential: two layers are named "a".
        Choose another name for the layer."
    `);
    expect(refusal(() => sequential({ "a.b": relu() }))).toMatchInlineSnapshot(`
      "ModuleError: sequential: a layer is named "a.b"; a name is one step of a path, so it has at least one character and no dot.
        Choose another name for the layer."
    `);
    expect(refusal(() => sequential({ forward: relu() }))).toMatchInlineSnapshot(`
      "ModuleError: sequential: a layer is named "forward", which every model has already as a member.
        Choose another name for the layer."
    `);
    expect(refusal(() => small().layer("conv2"))).toMatchInlineSnapshot(`
      "ModuleError: sequential: it has no layer "conv2".
        Its layers are "conv1", "relu1", "pool1", "flatten", "output"."
    `);
    expect(refusal(() => sequential(relu(), {} as never))).toMatchInlineSnapshot(`
      "ModuleError: sequential: it takes an input(…) first, if any, and then either layers or one record of layers.
        Write sequential(input(1, 28, 28), conv2d({ … }), relu()), or sequential(input(1, 28, 28), { conv1: … })."
    `);
  });
});

describe("building", () => {
  it("is done at once with an input, later without", () => {
    const layers = () => ({ flat: flatten(), output: dense({ units: 2 }) });
    expect(sequential(input(2, 3), layers()).isBuilt).toBe(true);
    const net = sequential(layers());
    expect(net.isBuilt).toBe(false);
    net.build([2, 3]);
    expect(net.inputShapes).toEqual([[1, 2, 3]]);
    expect((net.layer("output") as ReturnType<typeof dense>).weight.shape).toEqual([2, 6]);
  });

  it("takes whole numbers for words", () => {
    const net = sequential(input(5, { dtype: "int32" }), embedding({ vocabulary: 9, units: 4 }), flatten());
    expect(net.outputShape).toEqual([1, 20]);
  });

  it("gives the same values for the same seed, others for another", async () => {
    const [a, b, c] = [small(), small(), small()];
    b.initialize(0);
    c.initialize(1);
    expect(await a.state()).toEqual(await b.state());
    const [first, other] = [await a.state(), await c.state()];
    for (const name of Object.keys(first)) expect(other[name]!.data).not.toEqual(first[name]!.data);
    expect(first["conv1.weight"]!.data[0]).toMatchInlineSnapshot(`0.11752438545227051`);
  });
});

describe("a model from a function", () => {
  it("names parts and hands the context on", async () => {
    const net = model(
      { left: dense({ units: 2 }), right: sequential(dense({ units: 2 }), dropout(0.5)) },
      ({ left, right }, x, context) => left.forward(x, context).add(right.forward(x, context)),
    );
    net.build([3]);
    expect(Object.keys(net.namedVariables())).toEqual([
      "left.weight",
      "left.bias",
      "right.0.weight",
      "right.0.bias",
    ]);
    expect(net.forward(ones([4, 3]), { training: true, key: randomKey(1) }).shape).toEqual([4, 2]);
    expect(net.kind).toBe("model");
  });

  it("may have several inputs", async () => {
    const net = model({ a: dense({ units: 2 }) }, ({ a }, pair: readonly Tensor[], context: Context) =>
      a.forward(pair[0]!, context).sub(a.forward(pair[1]!, context)),
    );
    net.buildWith([input(3).placeholder(), input(3).placeholder()]);
    expect(new Set((await net.forward([ones([1, 3]), ones([1, 3])]).data()) as Float32Array)).toEqual(
      new Set([0]),
    );
  });

  it("is as good as a class", () => {
    class Net extends Module {
      readonly hidden = dense({ units: 4, name: "ignored" });
      readonly blocks = [dense({ units: 4 }), dense({ units: 4 })];
      protected compute(x: Tensor, context: Context): Tensor {
        return this.blocks.reduce(
          (value, block) => block.forward(value, context),
          this.hidden.forward(x, context),
        );
      }
    }
    expect(Object.keys(new Net().build([2]).namedVariables())).toEqual([
      "hidden.weight",
      "hidden.bias",
      "blocks.0.weight",
      "blocks.0.bias",
      "blocks.1.weight",
      "blocks.1.bias",
    ]);
  });
});

describe("messages name the layer", () => {
  const two = (first: number) => ({
    conv1: conv2d({ filters: first, kernelSize: 3 }),
    conv2: conv2d({ filters: 4, kernelSize: 3, groups: 2 }),
  });

  it("when shapes do not fit", () => {
    const net = sequential(input(1, 8, 8), two(8));
    expect(refusal(() => net.layer("conv2").forward(ones([64, 6, 14, 14])))).toMatchInlineSnapshot(`
      "ShapeError: conv2d: input [64, 6, 14, 14] has 6 channels, the kernel expects 8.
        Give the kernel 6 input channels, or the input 8."
    `);
    expect(refusal(() => net.forward(unknownShape(ones([64, 6, 14, 14]))))).toMatchInlineSnapshot(`
      "ShapeError: forward: the model expects [N, 1, 8, 8] but got [64, 6, 14, 14].
        Give it samples of this size; made without input(…) and built by build(…), a model takes whatever its layers take."
    `);
    expect(refusal(() => sequential(input(1, 8, 8), two(3)))).toMatchInlineSnapshot(`
      "ShapeError: conv2d "conv2": input channels 3 are not divisible by groups 2; the input is [1, 3, 6, 6].
        Use groups 1, or 4 input channels."
    `);
    expect(refusal(() => sequential(input(1, 4, 4), two(8)))).toMatchInlineSnapshot(`
      "ShapeError: conv2d "conv2": kernel 3×3 does not fit the 2×2 input with padding 0; the input is [1, 8, 2, 2], a window must lie inside the padded input.
        Use a kernel of at most 2×2, or padding of at least 1."
    `);
    expect(refusal(() => sequential(input(10), { conv1: conv2d({ filters: 1, kernelSize: 1 }) })))
      .toMatchInlineSnapshot(`
      "ShapeError: conv2d "conv1": input [1, 10] has 2 axes, it takes [N, C, H, W].
        Put the layer where the values still have this form, or reshape them."
    `);
    expect(refusal(() => sequential(input(8, 8), { conv1: conv2d({ filters: 1, kernelSize: 1 }) })))
      .toMatchInlineSnapshot(`
      "ShapeError: conv2d "conv1": input [1, 8, 8] has 3 axes, it takes [N, C, H, W].
        An axis is missing: .unsqueeze(0) adds the batch, .unsqueeze(1) or input(1, …) the channels."
    `);
    expect(refusal(() => small().forward(unknownShape(ones([1, 1, 9, 20]))))).toMatchInlineSnapshot(`
      "ShapeError: forward: the model expects [N, 1, 8, 8] but got [1, 1, 9, 20].
        Give it samples of this size; made without input(…) and built by build(…), a model takes whatever its layers take."
    `);
    expect(refusal(() => sequential(input(4), { norm: instanceNorm({ affine: true }) })))
      .toMatchInlineSnapshot(`
      "ShapeError: instanceNorm "norm": input [1, 4] has 2 axes, it takes [N, C, L] or [N, C, H, W] or [N, C, D, H, W].
        An axis is missing: .unsqueeze(0) adds the batch, .unsqueeze(1) or input(1, …) the channels."
    `);
    expect(refusal(() => sequential(input(4, 4), { pool: maxPool2d({ size: 2 }) }))).toMatchInlineSnapshot(`
      "ShapeError: maxPool2d "pool": input [1, 4, 4] has 3 axes, it takes [N, C, H, W].
        An axis is missing: .unsqueeze(0) adds the batch, .unsqueeze(1) or input(1, …) the channels."
    `);
    expect(
      refusal(() => sequential(input(1, 4, 4), { block: residual(conv2d({ filters: 1, kernelSize: 3 })) })),
    ).toMatchInlineSnapshot(`
      "ShapeError: residual "block": the body gives [1, 1, 2, 2], the shortcut [1, 1, 4, 4], the two must have the same shape to be added.
        Give residual a shortcut, for instance a 1×1 convolution with the filters and the stride of the body."
    `);
    expect(refusal(() => dense({ units: 1 }).build([]))).toMatchInlineSnapshot(`
      "ShapeError: dense: input [1] has 1 axis, it takes [N, features] or [N, L, features].
        Add a batch axis in front with .unsqueeze(0)."
    `);
  });

  it("when it is not built", () => {
    expect(refusal(() => sequential(two(8)).forward(ones([1, 1, 8, 8])))).toMatchInlineSnapshot(`
      "ModuleError: conv2d "conv1": it is used with an input [1, 1, 8, 8] before it was built: its parameters do not exist yet.
        Call model.build([channels, height, width]) first, or start the model with input(…)."
    `);
  });

  it("when dropout has no key", () => {
    const net = sequential(input(4), { drop: dropout(0.5) });
    expect(refusal(() => net.forward(ones([1, 4]), { training: true }))).toMatchInlineSnapshot(`
      "ModuleError: dropout "drop": in training it drops at random, but the context has no key.
        Call forward(x, { training: true, key: randomKey(seed) }), with foldIn(key, step) for each step."
    `);
  });

  it("when options make no sense", () => {
    expect(refusal(() => conv2d({ filters: 0, kernelSize: 3 }))).toMatchInlineSnapshot(`
      "ModuleError: conv2d: filters is 0, it must be a whole number of at least 1.
        Write for instance filters: 3."
    `);
    expect(refusal(() => conv2d({ filters: 8, kernelSize: 2.5 }))).toMatchInlineSnapshot(`
      "ModuleError: conv2d: kernelSize is 2.5, it must be a whole number of at least 1.
        Write for instance kernelSize: 3."
    `);
    expect(refusal(() => dense({ units: NaN }))).toMatchInlineSnapshot(`
      "ModuleError: dense: units is NaN, it must be a whole number of at least 1.
        Write for instance units: 3."
    `);
    expect(refusal(() => dropout(50))).toMatchInlineSnapshot(`
      "ModuleError: dropout: the rate is 50, it must lie between 0 and 1: the probability that an element is dropped.
        Write for instance dropout(0.5)."
    `);
    expect(refusal(() => batchNorm({ momentum: 99 }))).toMatchInlineSnapshot(`
      "ModuleError: batchNorm: momentum is 99, it must lie between 0 and 1: the share of the newest batch.
        Write for instance batchNorm({ momentum: 0.1 }); what other libraries call 0.9 is 0.1 here."
    `);
    expect(refusal(() => maxPool2d({ size: [] }))).toMatchInlineSnapshot(`
      "ModuleError: maxPool2d: size is [], it must be a whole number of at least 1.
        Write for instance size: 3."
    `);
    expect(refusal(() => input([1, 28, 28] as never))).toMatchInlineSnapshot(`
      "ShapeError: input: got the list [1, 28, 28], it takes the sizes one by one.
        Write input(1, 28, 28)."
    `);
    expect(refusal(() => input(1, -2))).toMatchInlineSnapshot(`
      "ShapeError: input: axis 1 of [1, -2] is -2, it must be a whole number of at least 0.
        Use 0 instead."
    `);
  });
});

describe("training", () => {
  it("learns a toy set by heart, through compile, with batch norm and dropout", async () => {
    const net = sequential(input(1, 6, 6), {
      conv: conv2d({ filters: 8, kernelSize: 3, bias: false }),
      norm: batchNorm(),
      relu: relu(),
      pool: maxPool2d({ size: 2 }),
      flat: flatten(),
      drop: dropout(0.1),
      output: dense({ units: 4 }),
    });
    net.initialize(1);
    // Sixteen images: a bright bar in one of four places, with some noise.
    const images = Float32Array.from({ length: 16 * 36 }, (_, i) => {
      const [image, row] = [Math.floor(i / 36), Math.floor((i % 36) / 6)];
      return (row === (image % 4) + 1 ? 1 : 0) + 0.3 * Math.sin(i * 12.9898 + image);
    });
    const x = tensor(images, { shape: [16, 1, 6, 6] });
    const labels = tensor(Int32Array.from({ length: 16 }, (_, i) => i % 4));
    const parameters = net.parameters();
    const key = randomKey(2);
    const lossAndGradients = valueAndGrad(
      (images_: Tensor, labels_: Tensor, key_: Tensor) =>
        crossEntropy(net.forward(images_, { training: true, key: key_ as typeof key }), labels_),
      parameters,
    );
    const step = compile((images_: Tensor, labels_: Tensor, key_: Tensor) => {
      const [loss, found] = lossAndGradients(images_, labels_, key_);
      parameters.forEach((parameter, i) => parameter.assign(parameter.value.sub(found[i]!.mul(0.2))));
      return loss;
    });
    const losses: number[] = [];
    for (let i = 0; i < 40; i++)
      losses.push((await (await step(x, labels, foldIn(key, i))).item()) as number);
    expect(losses[0]!).toBeGreaterThan(1);
    expect(losses.at(-1)!).toBeLessThan(0.1);
    expect(step.programs).toBe(1);
    const predicted = await net.forward(x).argMax(1).data();
    expect([...predicted]).toEqual(Array.from({ length: 16 }, (_, i) => i % 4));
  });
});
