import { compile, gradients, randomKey, tensor, type Module, type Tensor } from "@convoke/core";
import { crossEntropy } from "@convoke/layers";
import { describe, expect, it } from "vitest";
import {
  alexNet,
  cifarResNet,
  denseNet,
  dqn,
  lenet5,
  mlp,
  modelNamed,
  models,
  resNet,
  textCnn,
  vgg,
} from "./index.js";

const count = (model: Module) => model.parameters().reduce((sum, { size }) => sum + size, 0);
const layerCount = (model: Module, path: string) =>
  Object.entries(model.namedVariables())
    .filter(([name]) => name.startsWith(`${path}.`))
    .reduce((sum, [, { size }]) => sum + size, 0);
const shapesOf = (model: Module) =>
  Object.fromEntries(
    Object.entries(model.namedModules()).map(([path, module]) => [path, module.outputShape?.slice(1)]),
  );

describe("parameters", () => {
  // Counts of torchvision's models (https://docs.pytorch.org/vision/stable/models.html) and of the papers.
  it.each<[string, () => Module, number]>([
    ["LeNet-5, 28×28", () => lenet5(), 61_706],
    ["LeNet-5, 32×32", () => lenet5({ inputShape: [1, 32, 32] }), 61_706],
    ["AlexNet, one tower", () => alexNet(), 61_100_840],
    ["AlexNet, two GPUs", () => alexNet({ groups: 2 }), 60_965_224],
    ["VGG-11", () => vgg(11), 132_863_336],
    ["VGG-13", () => vgg(13), 133_047_848],
    ["VGG-16", () => vgg(16), 138_357_544],
    ["VGG-16 with batch norm", () => vgg(16, { batchNorm: true }), 138_365_992],
    ["VGG-19", () => vgg(19), 143_667_240],
    ["ResNet-18", () => resNet(18), 11_689_512],
    ["ResNet-34", () => resNet(34), 21_797_672],
    ["ResNet-50", () => resNet(50), 25_557_032],
    ["ResNet-101", () => resNet(101), 44_549_160],
    ["ResNet-152", () => resNet(152), 60_192_808],
    ["CIFAR ResNet-20", () => cifarResNet(20), 269_722],
    ["CIFAR plain-20", () => cifarResNet(20, { plain: true }), 269_722],
    ["CIFAR ResNet-56", () => cifarResNet(56), 853_018],
    [
      "DenseNet-121",
      () =>
        denseNet({
          inputShape: [3, 224, 224],
          classes: 1000,
          blocks: [6, 12, 24, 16],
          growth: 32,
          largeImages: true,
        }),
      7_978_856,
    ],
    ["DQN", () => dqn(), 4_112 + 8_224 + 663_808 + 4_626],
    ["784 → 512 → 1 without bias", () => mlp({ units: [512], classes: 1, bias: false }), 401_920],
    ["a linear classifier", () => mlp({ units: [] }), 7_850],
    [
      "TextCNN",
      () => textCnn({ vocabulary: 100, units: 8, filters: 4, kernelSizes: [2, 3] }),
      800 + 4 * 17 + 4 * 25 + 18,
    ],
  ])("%s", (_, make, parameters) => {
    expect(count(make())).toBe(parameters);
  });
});

describe("layers", () => {
  it("LeNet-5: C1 28×28 with 156 parameters, S2 14×14, C3 10×10, S4 5×5, 10 outputs", () => {
    const model = lenet5({ inputShape: [1, 32, 32] });
    const { conv1, pool1, conv2, pool2, output } = shapesOf(model);
    expect({ conv1, pool1, conv2, pool2, output }).toEqual({
      conv1: [6, 28, 28],
      pool1: [6, 14, 14],
      conv2: [16, 10, 10],
      pool2: [16, 5, 5],
      output: [10],
    });
    expect(layerCount(model, "conv1")).toBe(156);
    expect(Object.keys(model.namedModules()).slice(1)).toEqual([
      "conv1",
      "relu1",
      "pool1",
      "conv2",
      "relu2",
      "pool2",
      "flatten",
      "fc1",
      "relu3",
      "fc2",
      "relu4",
      "output",
    ]);
    expect(shapesOf(lenet5())["conv1"]).toEqual([6, 28, 28]);
  });

  it("AlexNet: conv1 55×55 with 34,944 parameters, overlapping pooling to 27×27", () => {
    const model = alexNet({ groups: 2 });
    const { conv1, norm1, pool1, pool5 } = shapesOf(model);
    expect({ conv1, norm1, pool1, pool5 }).toEqual({
      conv1: [96, 55, 55],
      norm1: [96, 55, 55],
      pool1: [96, 27, 27],
      pool5: [256, 6, 6],
    });
    expect(layerCount(model, "conv1")).toBe(34_944);
    expect(model.namedVariables()["conv2.weight"]!.shape).toEqual([256, 48, 5, 5]);
  });

  it("DQN: 20×20 and 9×9", () => {
    const model = dqn();
    const { conv1, conv2, output } = shapesOf(model);
    expect({ conv1, conv2, output }).toEqual({ conv1: [16, 20, 20], conv2: [32, 9, 9], output: [18] });
    expect(["conv1", "conv2", "fc", "output"].map((name) => layerCount(model, name))).toEqual([
      4_112, 8_224, 663_808, 4_626,
    ]);
  });

  it("VGG-16 and ResNet end at 7×7", () => {
    expect(shapesOf(vgg(16))["pool5"]).toEqual([512, 7, 7]);
    expect(shapesOf(resNet(50))["layer4"]).toEqual([2048, 7, 7]);
  });

  it("ResNet has the names that PyTorch users know", () => {
    const names = Object.keys(resNet(18).namedVariables());
    expect(names.slice(0, 7)).toEqual([
      "conv1.weight",
      "bn1.weight",
      "bn1.bias",
      "bn1.runningMean",
      "bn1.runningVar",
      "layer1.0.conv1.weight",
      "layer1.0.bn1.weight",
    ]);
    for (const name of [
      "layer3.0.bn2.runningVar",
      "layer2.0.downsample.0.weight",
      "layer4.1.conv2.weight",
      "fc.bias",
    ]) {
      expect(names).toContain(name);
    }
  });

  it("width makes them narrower, in whole groups", () => {
    const model = alexNet({ width: 0.11, groups: 2, classes: 5 });
    expect(shapesOf(model)["conv1"]).toEqual([10, 55, 55]);
    expect(shapesOf(model)["conv3"]).toEqual([42, 13, 13]);
    expect(model.outputShape).toEqual([1, 5]);
    expect(shapesOf(resNet(18, { width: 0.25 }))["layer4"]).toEqual([128, 7, 7]);
  });
});

const images = (shape: readonly number[], samples = 2): Tensor => {
  const size = shape.reduce((product, dim) => product * dim, samples);
  return tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * 1.7) + 0.3 * Math.sin(i * i)),
    {
      shape: [samples, ...shape],
    },
  );
};

describe("gradients reach every parameter", () => {
  const small = { kernelSize: 5, stride: 2, padding: 2 };
  it.each<[string, Module, Tensor]>([
    ["LeNet-5", lenet5(), images([1, 28, 28])],
    ["LeNet-5 of 1998", lenet5({ activation: "tanh", pooling: "average" }), images([1, 28, 28])],
    ["MLP", mlp({ units: [16, 8], dropout: 0.1 }), images([1, 28, 28])],
    [
      "AlexNet",
      alexNet({ inputShape: [3, 48, 48], classes: 4, width: 0.05, groups: 2, stem: small }),
      images([3, 48, 48]),
    ],
    [
      "VGG-11",
      vgg(11, { inputShape: [3, 32, 32], classes: 4, width: 0.05, batchNorm: true }),
      images([3, 32, 32]),
    ],
    ["ResNet-18", resNet(18, { inputShape: [3, 64, 64], classes: 4, width: 0.06 }), images([3, 64, 64])],
    ["ResNet-50", resNet(50, { inputShape: [3, 64, 64], classes: 4, width: 0.03 }), images([3, 64, 64])],
    ["CIFAR ResNet-20", cifarResNet(20, { inputShape: [3, 16, 16], width: 0.25 }), images([3, 16, 16])],
    ["plain-20", cifarResNet(20, { inputShape: [3, 16, 16], width: 0.25, plain: true }), images([3, 16, 16])],
    ["DenseNet", denseNet({ inputShape: [3, 16, 16], blocks: [2, 2], growth: 4 }), images([3, 16, 16])],
    ["DQN", dqn({ inputShape: [2, 44, 44], actions: 3 }), images([2, 44, 44])],
    [
      "TextCNN",
      textCnn({ vocabulary: 6, length: 6, units: 4, filters: 8 }),
      tensor(
        [
          [0, 1, 2, 3, 4, 5],
          [5, 0, 4, 1, 3, 2],
        ],
        { dtype: "int32" },
      ),
    ],
  ])("%s", async (_, model, x) => {
    const labels = tensor([0, 1], { dtype: "int32" });
    const names = Object.entries(model.namedVariables()).flatMap(([name, { trainable }]) =>
      trainable ? [name] : [],
    );
    const step = compile((input: Tensor, target: Tensor, key: Tensor) => {
      const context = { training: true, key: key as ReturnType<typeof randomKey> };
      const found = gradients(crossEntropy(model.forward(input, context), target), model.parameters());
      return found.map((gradient) => gradient.abs().sum());
    });
    const sums = await Promise.all((await step(x, labels, randomKey(1))).map(async (sum) => sum.item()));
    const without = names.filter((name, i) => !(Number(sums[i]) > 0));
    // The bias in front of a batch normalisation is taken away by it.
    expect(
      without.filter((name) => !/^conv.*\.bias$/.test(name) || !names.includes(name.replace("conv", "bn"))),
    ).toEqual([]);
    expect(sums.length).toBe(names.length);
    const y = model.forward(x);
    expect(y.shape[0]).toBe(2);
    expect([...(await y.data())].every((value) => Number.isFinite(Number(value)))).toBe(true);
  });
});

describe("the shortcut of the CIFAR ResNet", () => {
  it("takes every second pixel and adds channels of zeros", async () => {
    const model = cifarResNet(20, { inputShape: [1, 4, 4], width: 0.125 });
    const block = (model.namedModules()["layer2.0"] ?? model) as Module;
    const names = block.namedVariables();
    names["conv2.weight"]!.set(new Float32Array(names["conv2.weight"]!.size));
    const x = tensor(
      Float32Array.from({ length: 32 }, (_, i) => i),
      { shape: [1, 2, 4, 4] },
    );
    const y = block.forward(x);
    expect(y.shape).toEqual([1, 4, 2, 2]);
    expect(Array.from((await y.data()) as Float32Array)).toEqual([
      0, 0, 0, 0, 0, 2, 8, 10, 16, 18, 24, 26, 0, 0, 0, 0,
    ]);
  });

  it("refuses a depth that does not exist", () => {
    expect(() => cifarResNet(30)).toThrowErrorMatchingInlineSnapshot(`
      [ModuleError: cifarResNet: the depth is 30, it must be 6n + 2: three stages of n blocks with two layers each.
        Use 20, 32, 44, 56 or 110.]
    `);
  });
});

describe("the registry", () => {
  it("builds every model as it says", () => {
    for (const [name, { create, inputShape, classes, description }] of Object.entries(models)) {
      const model = create();
      expect([name, model.inputShapes, model.outputShape]).toEqual([
        name,
        [[1, ...inputShape]],
        [1, classes],
      ]);
      expect(description).not.toBe("");
    }
  });

  it("fits other samples and classes", () => {
    expect(modelNamed("lenet5").create({ inputShape: [3, 32, 32], classes: 7 }).outputShape).toEqual([1, 7]);
    expect(
      modelNamed("mlp")
        .create({ inputShape: [3, 32, 32] })
        .namedVariables()["fc1.weight"]!.shape,
    ).toEqual([512, 3072]);
  });

  it("says which models there are, and which layer an image is too small for", () => {
    expect(() => modelNamed("lenet")).toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: model "lenet": there is no model of this name.
        Known models: lenet5, lenet5-tanh, linear, mlp, alexnet, alexnet-two-gpu, vgg11, vgg13, vgg16, vgg19, resnet18, resnet34, resnet50, resnet101, resnet152, resnet20, resnet56, plain20, densenet, dqn, textcnn.]
    `);
    expect(() => modelNamed("toString")).toThrow(/no model of this name/);
    expect(() => modelNamed("alexnet").create({ inputShape: [1, 28, 28] }))
      .toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: maxPool2d "pool2": kernel 3×3 does not fit the 2×2 input with padding 0; the input is [1, 192, 2, 2], a window must lie inside the padded input.
        Use a kernel of at most 2×2, or padding of at least 1.]
    `);
    expect(() => lenet5({ inputShape: [28, 28] })).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: conv2d "conv1": input [1, 28, 28] has 3 axes, it takes [N, C, H, W].
        An axis is missing: .unsqueeze(0) adds the batch, .unsqueeze(1) or input(1, …) the channels.]
    `);
  });
});

describe("seeds", () => {
  it("give the same model twice", async () => {
    const [a, b] = [lenet5(), lenet5()];
    b.initialize(0);
    expect(await b.state()).toEqual(await a.state());
  });
});
