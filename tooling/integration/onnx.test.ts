// Every layer and the models, written as ONNX and run by ONNX Runtime, against our own forward pass.
import { onnxRunner } from "@convoke/backend-onnxruntime";
import {
  hostFoldInPath,
  hostKey,
  hostNormal,
  reference,
  tensor,
  useBackend,
  type Module,
  type Tensor,
} from "@convoke/core";
import * as layers from "@convoke/layers";
import { alexNet, cifarResNet, denseNet, dqn, lenet5, mlp, resNet, textCnn, vgg } from "@convoke/models";
import { exportOnnx, importOnnx, type OnnxRunner } from "@convoke/onnx";
import { beforeAll, describe, expect, it } from "vitest";

let runner: OnnxRunner;
beforeAll(async () => {
  runner = await onnxRunner({ threads: 1 });
  await useBackend(reference());
});

function drawn(name: string, shape: readonly number[]): Float32Array {
  const count = shape.reduce((product, n) => product * n, 1);
  return Float32Array.from(hostNormal(hostFoldInPath(hostKey(3), name), count), (value) => value * 0.3);
}

/** No parameter keeps its first value: zeros and ones would hide mistakes. Variances stay positive. */
function shaken<M extends Module>(model: M): M {
  for (const [path, variable] of Object.entries(model.namedVariables())) {
    variable.set(
      drawn(path, variable.shape).map((value) => (path.endsWith("Var") ? 0.5 + Math.abs(value) : value)),
    );
  }
  return model;
}

/** Imports a file again: on the reference backend its numbers are those of the model, up to `tolerance`. */
async function expectSameImported(
  bytes: Uint8Array,
  { model, input, tolerance }: { model: Module; input: Tensor; tolerance: number },
): Promise<void> {
  const [expected, actual] = [model, importOnnx(bytes)].map((one) => one.forward(input));
  expect(actual!.shape).toEqual(expected!.shape);
  const numbers = async (of: Tensor): Promise<number[]> => [...(await of.data())].map(Number);
  const [a, b] = [await numbers(actual!), await numbers(expected!)];
  const scale = b.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  const differences = b.map((value, i) => Math.abs(a[i]! - value) / scale);
  expect(Math.max(0, ...differences)).toBeLessThanOrEqual(tolerance);
}

/** What is written or read by another formulation (log1p, means in ceil mode and over volumes); all else comes back exactly. */
const reformulated = new Set(["logSigmoid", "avgPool2d", "avgPool3d"]);

const line = [4, 9];
const image = [4, 9, 8];
const volume = [2, 4, 5, 5];

/** Each layer with the shape of a sample. */
const cases: Record<string, readonly (readonly [Module, readonly number[]])[]> = {
  celu: [[layers.celu({ alpha: 1.3 }), image]],
  elu: [[layers.elu({ alpha: 1.3 }), image]],
  gelu: [[layers.gelu(), image]],
  geluTanh: [[layers.geluTanh(), image]],
  hardSigmoid: [[layers.hardSigmoid(), image]],
  hardSwish: [[layers.hardSwish(), image]],
  hardTanh: [[layers.hardTanh(), image]],
  leakyRelu: [[layers.leakyRelu(), image]],
  logSigmoid: [[layers.logSigmoid(), image]],
  logSoftmax: [[layers.logSoftmax(), [10]]],
  mish: [[layers.mish(), image]],
  relu: [[layers.relu(), image]],
  relu6: [[layers.relu6(), image]],
  selu: [[layers.selu(), image]],
  sigmoid: [[layers.sigmoid(), image]],
  silu: [[layers.silu(), image]],
  softmax: [[layers.softmax(), [10]]],
  softplus: [[layers.softplus(), image]],
  softsign: [[layers.softsign(), image]],
  tanh: [[layers.tanh(), image]],
  tanhShrink: [[layers.tanhShrink(), image]],
  conv1d: [[layers.conv1d({ filters: 6, kernelSize: 3, stride: 2, padding: 1 }), line]],
  conv2d: [
    [layers.conv2d({ filters: 6, kernelSize: [3, 2], padding: "same", groups: 2 }), image],
    [layers.conv2d({ filters: 6, kernelSize: 3, stride: 2, dilation: 2, bias: false }), image],
  ],
  conv3d: [[layers.conv3d({ filters: 3, kernelSize: 3, padding: 1 }), volume]],
  convTranspose1d: [[layers.convTranspose1d({ filters: 6, kernelSize: 3, stride: 2 }), line]],
  convTranspose2d: [
    [layers.convTranspose2d({ filters: 6, kernelSize: 3, stride: 2, padding: 1, outputPadding: 1 }), image],
  ],
  convTranspose3d: [[layers.convTranspose3d({ filters: 3, kernelSize: 2, stride: 2 }), volume]],
  dense: [
    [layers.dense({ units: 7 }), [5]],
    [layers.dense({ units: 7, bias: false }), line],
  ],
  dropout: [[layers.dropout(0.5), image]],
  flatten: [[layers.flatten(), image]],
  swapAxes: [[layers.swapAxes(), line]],
  upsample2d: [
    [layers.upsample2d({ scale: 2 }), image],
    [layers.upsample2d({ scale: 2, mode: "bilinear" }), image],
  ],
  identity: [[layers.identity(), image]],
  lambda: [[layers.lambda((x) => x.mul(2)), image]],
  batchNorm: [
    [layers.batchNorm(), image],
    [layers.batchNorm(), [5]],
  ],
  groupNorm: [[layers.groupNorm({ groups: 2 }), image]],
  instanceNorm: [[layers.instanceNorm(), image]],
  layerNorm: [[layers.layerNorm(), line]],
  localResponseNorm: [[layers.localResponseNorm({ size: 5 }), image]],
  adaptiveAvgPool2d: [[layers.adaptiveAvgPool2d({ size: [4, 3] }), image]],
  adaptiveMaxPool2d: [[layers.adaptiveMaxPool2d({ size: [4, 3] }), image]],
  avgPool1d: [[layers.avgPool1d({ size: 3, stride: 2, padding: 1 }), line]],
  avgPool2d: [[layers.avgPool2d({ size: 3, stride: 2, padding: 1, ceilMode: true }), image]],
  avgPool3d: [[layers.avgPool3d({ size: 2 }), volume]],
  globalAvgPool1d: [[layers.globalAvgPool1d(), line]],
  globalAvgPool2d: [[layers.globalAvgPool2d(), image]],
  globalMaxPool1d: [[layers.globalMaxPool1d(), line]],
  globalMaxPool2d: [[layers.globalMaxPool2d(), image]],
  maxPool1d: [[layers.maxPool1d({ size: 3, stride: 2 }), line]],
  maxPool2d: [[layers.maxPool2d({ size: 3, stride: 2, padding: 1 }), image]],
  maxPool3d: [[layers.maxPool3d({ size: 2 }), volume]],
  parallel: [
    [
      layers.parallel([
        layers.conv2d({ filters: 3, kernelSize: 1 }),
        layers.conv2d({ filters: 2, kernelSize: 3, padding: "same" }),
        layers.maxPool2d({ size: 3, stride: 1, padding: 1 }),
      ]),
      image,
    ],
  ],
  denseBlock: [
    [
      layers.denseBlock([
        layers.conv2d({ filters: 3, kernelSize: 3, padding: "same" }),
        layers.conv2d({ filters: 2, kernelSize: 3, padding: "same" }),
      ]),
      image,
    ],
  ],
  residual: [[layers.residual(layers.conv2d({ filters: 4, kernelSize: 3, padding: "same" })), image]],
  sequential: [
    [layers.sequential(layers.dense({ units: 3 }), layers.relu(), layers.dense({ units: 2 })), [5]],
  ],
};

/** What @convoke/layers exports besides layers: initialisers, losses, and what models are made with. */
const others = [
  ...[
    "constant",
    "fansOf",
    "glorotNormal",
    "glorotUniform",
    "heNormal",
    "heUniform",
    "lecunNormal",
    "lecunUniform",
  ],
  ...["normal", "ones", "orthogonal", "truncatedNormal", "uniform", "zeros"],
  ...["bce", "bceWithLogits", "binaryCrossEntropy", "huber", "klDiv", "l1", "mse", "smoothL1"],
  ...["crossEntropy", "nllLoss", "softmaxCrossEntropy", "assertLabels", "input", "model", "embedding"],
];

type ModelCase = readonly [name: string, create: () => Module<Tensor, Tensor>];

/** Every architecture, narrow and on small images: the reference backend computes them. */
const models: readonly ModelCase[] = [
  ["lenet5", () => lenet5()],
  ["lenet5, tanh", () => lenet5({ activation: "tanh", pooling: "average" })],
  ["mlp", () => mlp({ inputShape: [1, 28, 28], classes: 10 })],
  ["alexnet", () => alexNet({ inputShape: [3, 67, 67], classes: 10, width: 1 / 16 })],
  [
    "alexnet, two towers",
    () =>
      alexNet({
        inputShape: [3, 32, 32],
        classes: 10,
        width: 1 / 16,
        groups: 2,
        stem: { kernelSize: 3, stride: 1, padding: 1 },
      }),
  ],
  ["vgg11", () => vgg(11, { inputShape: [3, 32, 32], classes: 10, width: 1 / 16 })],
  [
    "vgg16, batch norm",
    () => vgg(16, { inputShape: [3, 32, 32], classes: 10, width: 1 / 16, batchNorm: true }),
  ],
  ["resnet20", () => cifarResNet(20)],
  ["resnet18", () => resNet(18, { inputShape: [3, 32, 32], classes: 10, width: 1 / 8 })],
  ["resnet50", () => resNet(50, { inputShape: [3, 32, 32], classes: 10, width: 1 / 16 })],
  ["densenet", () => denseNet({ inputShape: [3, 16, 16], blocks: [2, 2], growth: 4 })],
  [
    "densenet, large images",
    () =>
      denseNet({ inputShape: [3, 64, 64], blocks: [2, 1], growth: 4, largeImages: true, bottleneck: false }),
  ],
  ["dqn", () => dqn()],
  ["textcnn", () => textCnn({ vocabulary: 50, length: 12, units: 8, filters: 6 })],
];

describe.each([17, 26])("opset %i", (opset) => {
  it.each(Object.entries(cases))("%s", async (name, entries) => {
    for (const [layer, shape] of entries) {
      if (!layer.isBuilt) layer.build(shape);
      const large = tensor(drawn("input", [64, ...shape]), { shape: [64, ...shape] });
      const options = { inputShape: shape, opset, verify: runner, verifyInputs: [large] };
      const { bytes, maxAbsDiff } = await exportOnnx(shaken(layer), options);
      expect(maxAbsDiff).toBeLessThanOrEqual(1e-5);
      const tolerance = reformulated.has(name) ? 1e-6 : 0;
      for (const batch of [1, 2, 7]) {
        const input = tensor(drawn("import", [batch, ...shape]), { shape: [batch, ...shape] });
        await expectSameImported(bytes, { model: layer, input, tolerance });
      }
    }
  });

  it("embedding", async () => {
    const layer = layers.embedding({ vocabulary: 9, units: 4 });
    const words = tensor(
      [
        [1, 8, 0],
        [5, 5, 2],
      ],
      { dtype: "int32" },
    );
    layer.buildWith(words);
    const { bytes, maxAbsDiff } = await exportOnnx(layer, { opset, verify: runner, verifyInputs: [words] });
    expect(maxAbsDiff).toBe(0);
    await expectSameImported(bytes, { model: layer, input: words, tolerance: 0 });
  });

  it.each(models)("%s", async (_, create) => {
    const model: Module<Tensor, Tensor> = create();
    const { bytes, maxAbsDiff } = await exportOnnx(model, { opset, verify: runner });
    expect(maxAbsDiff).toBeLessThanOrEqual(1e-5);
    const shape = [2, ...model.inputShapes[0]!.slice(1)];
    const dtype = model.inputDTypes[0]!;
    const data = drawn("import", shape).map((value) =>
      dtype === "float32" ? value : Math.abs(Math.round(value)),
    );
    await expectSameImported(bytes, { model, input: tensor(data, { shape, dtype }), tolerance: 0 });
  });
});

it("leaves no layer out", () => {
  const factories = Object.keys(layers).filter((name) => /^[a-z]/.test(name));
  expect(factories.filter((name) => !(name in cases) && !others.includes(name))).toEqual([]);
});
