import { readFileSync } from "node:fs";
import { gradients, ones, randomKey, tensor, type Module, type Tensor } from "@convoke/core";
import { describe, expect, it } from "vitest";
import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  batchNorm,
  celu,
  constant,
  type Conv,
  conv1d,
  conv2d,
  conv3d,
  type ConvTranspose,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  dense,
  dropout,
  elu,
  embedding,
  flatten,
  gelu,
  geluTanh,
  globalAvgPool1d,
  globalAvgPool2d,
  globalMaxPool1d,
  globalMaxPool2d,
  groupNorm,
  hardSigmoid,
  hardSwish,
  hardTanh,
  identity,
  input,
  instanceNorm,
  lambda,
  layerNorm,
  leakyRelu,
  localResponseNorm,
  logSigmoid,
  logSoftmax,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  mish,
  relu,
  relu6,
  residual,
  selu,
  sequential,
  sigmoid,
  silu,
  softmax,
  softplus,
  softsign,
  swapAxes,
  tanh,
  tanhShrink,
  upsample2d,
} from "./index.js";

interface Values {
  readonly shape: number[];
  readonly data: number[];
}

interface Case {
  readonly name: string;
  readonly attrs: Record<string, unknown>;
  readonly inputs: Record<string, Values>;
  readonly output: Values;
}

const cases = JSON.parse(
  readFileSync(new URL("../../../tooling/vectors/ops.json", import.meta.url), "utf8"),
) as Case[];
const casesOf = (name: string) => cases.filter((entry) => entry.name === name);
const of = ({ shape, data }: Values) => tensor(Float32Array.from(data), { shape });
const numbers = async (x: Tensor) => Array.from((await x.data()) as Float32Array);

async function expectClose(
  x: Tensor | { data(): Promise<unknown> },
  wanted: readonly number[],
): Promise<void> {
  const actual = (await x.data()) as Float32Array;
  expect(actual.length).toBe(wanted.length);
  const scale = Math.max(1, ...wanted.map(Math.abs));
  expect(Math.max(...wanted.map((value, i) => Math.abs(value - actual[i]!))) / scale).toBeLessThanOrEqual(
    1e-5,
  );
}

describe("convolution layers", () => {
  it("compute the worked example of a vertical edge detector", async () => {
    const layer = conv2d({ filters: 1, kernelSize: 3, bias: false }).build([1, 5, 5]);
    layer.weight.set(Float32Array.of(1, 0, -1, 1, 0, -1, 1, 0, -1));
    const image = tensor([
      [1, 2, 3, 4, 5],
      [1, 3, 2, 3, 10],
      [3, 2, 1, 4, 5],
      [6, 1, 1, 2, 2],
      [3, 2, 1, 5, 4],
    ]);
    const y = layer.forward(image.reshape([1, 1, 5, 5]));
    expect(await numbers(y)).toEqual([-1, -4, -14, 6, -3, -13, 9, -6, -8]);
    expect(layer.bias).toBeUndefined();
  });

  it.each([
    ["conv1d", conv1d({ filters: 6, kernelSize: 3, groups: 2 }), [4, 9], [6, 2, 3], [1, 6, 7]],
    [
      "conv2d",
      conv2d({ filters: 6, kernelSize: [3, 5], stride: [2, 1], padding: [1, 2] }),
      [3, 8, 8],
      [6, 3, 3, 5],
      [1, 6, 4, 8],
    ],
    [
      "conv2d, same",
      conv2d({ filters: 2, kernelSize: 5, padding: "same", stride: 2 }),
      [1, 7, 7],
      [2, 1, 5, 5],
      [1, 2, 4, 4],
    ],
    [
      "conv2d, dilated",
      conv2d({ filters: 2, kernelSize: 3, dilation: 2, padding: "valid" }),
      [1, 7, 7],
      [2, 1, 3, 3],
      [1, 2, 3, 3],
    ],
    ["conv3d", conv3d({ filters: 2, kernelSize: 2 }), [3, 4, 4, 4], [2, 3, 2, 2, 2], [1, 2, 3, 3, 3]],
    [
      "convTranspose1d",
      convTranspose1d({ filters: 4, kernelSize: 3, stride: 2, groups: 2 }),
      [6, 5],
      [6, 2, 3],
      [1, 4, 11],
    ],
    [
      "convTranspose2d",
      convTranspose2d({ filters: 4, kernelSize: 3, stride: 2, padding: 1, outputPadding: 1 }),
      [8, 7, 7],
      [8, 4, 3, 3],
      [1, 4, 14, 14],
    ],
    [
      "convTranspose3d",
      convTranspose3d({ filters: 1, kernelSize: 2 }),
      [2, 3, 3, 3],
      [2, 1, 2, 2, 2],
      [1, 1, 4, 4, 4],
    ],
  ])("%s: shapes of weight and output", async (_, made, input, weight, output) => {
    const layer: Conv | ConvTranspose = made;
    layer.build(input);
    expect(layer.weight.shape).toEqual(weight);
    expect(layer.bias!.shape).toEqual([layer.options.filters]);
    expect(layer.outputShape).toEqual(output);
    const y = layer.forward(ones([2, ...input]));
    const found = gradients(y.square().sum(), layer.parameters());
    for (const gradient of found) expect((await numbers(gradient)).some((value) => value !== 0)).toBe(true);
  });

  it("takes initialisers", async () => {
    const layer = conv2d({ filters: 1, kernelSize: 2, init: constant(0.5), biasInit: constant(3) }).build([
      1, 2, 2,
    ]);
    expect(await numbers(layer.forward(ones([1, 1, 2, 2])))).toEqual([5]);
  });

  it("starts within ±1/√fanIn, weights and biases", async () => {
    const layer = conv2d({ filters: 50, kernelSize: 2 }).build([4, 2, 2]);
    const bound = 1 / Math.sqrt(16);
    for (const variable of layer.parameters()) {
      const values = Array.from((await variable.data()) as Float32Array, Math.abs);
      expect(Math.max(...values)).toBeLessThanOrEqual(bound);
      expect(Math.max(...values)).toBeGreaterThan(0.8 * bound);
    }
  });
});

describe("dense and embedding", () => {
  it("computes x·weightᵀ + bias", async () => {
    const layer = dense({ units: 2 }).build([3]);
    layer.weight.set(Float32Array.of(1, 0, 0, 0, 1, 1));
    layer.bias!.set(Float32Array.of(10, 20));
    expect(await numbers(layer.forward(tensor([[1, 2, 3]])))).toEqual([11, 25]);
    expect(dense({ units: 5 }).build([7, 3]).outputShape).toEqual([1, 7, 5]);
    expect(Object.keys(dense({ units: 2, bias: false }).build([3]).namedVariables())).toEqual(["weight"]);
  });

  it("looks vectors up, and trains those that were used", async () => {
    const layer = embedding({ vocabulary: 4, units: 2 }).buildWith(
      input(3, { dtype: "int32" }).placeholder(),
    );
    layer.weight.set(Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7));
    const y = layer.forward(tensor([[3, 0, 3]], { dtype: "int32" }));
    expect(await numbers(y)).toEqual([6, 7, 0, 1, 6, 7]);
    const [gradient] = gradients(layer.forward(tensor([[3, 0, 3]], { dtype: "int32" })).sum(), [
      layer.weight,
    ]);
    expect(await numbers(gradient!)).toEqual([1, 1, 0, 0, 0, 0, 2, 2]);
  });
});

describe("pooling layers", () => {
  const x = tensor([
    [
      [
        [4, 3, 1, 5],
        [1, 3, 4, 8],
        [4, 5, 4, 3],
        [6, 5, 9, 4],
      ],
    ],
  ]);
  it.each<[string, Module, number[]]>([
    ["maxPool2d", maxPool2d({ size: 2 }), [4, 8, 6, 9]],
    ["avgPool2d", avgPool2d({ size: 2 }), [2.75, 4.5, 5, 5]],
    ["overlapping", maxPool2d({ size: 3, stride: 1 }), [5, 8, 9, 9]],
    ["padded", maxPool2d({ size: 2, padding: 1 }), [4, 3, 5, 4, 5, 8, 6, 9, 4]],
    ["ceil mode", avgPool2d({ size: 3, stride: 2, ceilMode: true }), [29 / 9, 25 / 6, 33 / 6, 5]],
    [
      "padding not counted",
      avgPool2d({ size: 2, stride: 3, padding: 1, countIncludePad: false }),
      [4, 3, 5, 5],
    ],
    ["globalAvgPool2d", globalAvgPool2d(), [69 / 16]],
    ["globalMaxPool2d", globalMaxPool2d(), [9]],
    ["adaptiveAvgPool2d", adaptiveAvgPool2d({ size: 2 }), [2.75, 4.5, 5, 5]],
    ["adaptiveMaxPool2d", adaptiveMaxPool2d({ size: [1, 2] }), [6, 9]],
  ])("%s", async (_, layer, wanted) => {
    await expectClose(layer.forward(x), wanted);
  });

  it("serves other numbers of axes", async () => {
    const line = x.reshape([1, 2, 8]);
    expect(await numbers(maxPool1d({ size: 4 }).forward(line))).toEqual([5, 8, 5, 9]);
    expect(await numbers(avgPool1d({ size: 8 }).forward(line))).toEqual([29 / 8, 5]);
    expect(await numbers(globalAvgPool1d().forward(line))).toEqual([29 / 8, 5]);
    expect(await numbers(globalMaxPool1d().forward(line))).toEqual([8, 9]);
    const cube = x.reshape([1, 1, 2, 2, 4]);
    expect(await numbers(maxPool3d({ size: 2 }).forward(cube))).toEqual([6, 9]);
    expect(maxPool3d({ size: [2, 2, 4] }).forward(cube).shape).toEqual([1, 1, 1, 1, 1]);
    expect(await numbers(avgPool3d({ size: 2 }).forward(cube))).toEqual([31 / 8, 38 / 8]);
  });
});

describe("batchNorm", () => {
  it("agrees with PyTorch in output and running statistics", async () => {
    const golden = casesOf("batch_norm");
    expect(golden.length).toBe(4);
    for (const { attrs, inputs, output } of golden) {
      const layer = batchNorm({ momentum: attrs.momentum as number, epsilon: attrs.eps as number }).build([
        3, 3, 2,
      ]);
      const [mean, variance] = [attrs.running_mean as number[], attrs.running_var as number[]];
      layer.weight!.set(Float32Array.from(inputs.w!.data));
      layer.bias!.set(Float32Array.from(inputs.b!.data));
      layer.runningMean.set(Float32Array.from(mean));
      layer.runningVar.set(Float32Array.from(variance));
      const x = inputs.x!;
      await expectClose(layer.forward(of(x), { training: attrs.training as boolean }), output.data);
      if (attrs.training === true) {
        const moved = statistics(x).map(({ average, unbiased }, c) => [
          mean[c]! + (attrs.momentum as number) * (average - mean[c]!),
          variance[c]! + (attrs.momentum as number) * (unbiased - variance[c]!),
        ]);
        await expectClose(
          layer.runningMean,
          moved.map(([m]) => m!),
        );
        await expectClose(
          layer.runningVar,
          moved.map(([, v]) => v!),
        );
      } else {
        await expectClose(layer.runningMean, mean);
        await expectClose(layer.runningVar, variance);
      }
    }
  });

  it("has weight and bias as parameters, the running statistics as buffers", () => {
    const layer = batchNorm().build([4]);
    expect(Object.keys(layer.namedVariables())).toEqual(["weight", "bias", "runningMean", "runningVar"]);
    expect(layer.parameters().length).toBe(2);
    expect(Object.keys(batchNorm({ affine: false }).build([4]).namedVariables())).toEqual([
      "runningMean",
      "runningVar",
    ]);
  });

  it("takes 2 to 5 axes", async () => {
    for (const shape of [[4], [4, 3], [4, 3, 2], [4, 3, 2, 2]]) {
      const layer = batchNorm().build(shape);
      expect(layer.forward(ones([2, ...shape]), { training: true }).shape).toEqual([2, ...shape]);
      await expectClose(layer.runningMean, [0.1, 0.1, 0.1, 0.1]);
    }
  });
});

function statistics({ shape, data }: Values): { average: number; unbiased: number }[] {
  const [samples, channels, ...rest] = shape as [number, number, ...number[]];
  const plane = rest.reduce((product, dim) => product * dim, 1);
  return Array.from({ length: channels }, (_, c) => {
    const own = data.filter((__, i) => Math.floor(i / plane) % channels === c);
    expect(own.length).toBe(samples * plane);
    const average = own.reduce((sum, value) => sum + value, 0) / own.length;
    return {
      average,
      unbiased: own.reduce((sum, value) => sum + (value - average) ** 2, 0) / (own.length - 1),
    };
  });
}

describe("other normalisations", () => {
  it("agree with PyTorch", async () => {
    const [line, instance, group, neighbours] = [
      "layer_norm",
      "instance_norm",
      "group_norm",
      "local_response_norm",
    ].map((name) => casesOf(name)[0]!);
    const withWeights = [
      [line!, layerNorm({ axes: 2 })],
      [instance!, instanceNorm({ affine: true })],
      [group!, groupNorm({ groups: 2 })],
    ] as const;
    for (const [{ inputs, output }, layer] of withWeights) {
      layer.build(inputs.x!.shape.slice(1));
      if (inputs.w !== undefined) layer.weight!.set(Float32Array.from(inputs.w.data));
      if (inputs.b !== undefined) layer.bias!.set(Float32Array.from(inputs.b.data));
      await expectClose(layer.forward(of(inputs.x!)), output.data);
    }
    await expectClose(
      localResponseNorm({ size: 5, k: 2 }).forward(of(neighbours!.inputs.x!)),
      neighbours!.output.data,
    );
  });

  it("instanceNorm has no parameters unless asked for", () => {
    expect(instanceNorm().build([3, 4, 4]).variables()).toEqual([]);
    expect(layerNorm({ affine: false }).build([3]).variables()).toEqual([]);
  });
});

describe("activations", () => {
  it.each<[Module, string]>([
    [relu(), "relu"],
    [relu6(), "relu6"],
    [leakyRelu({ alpha: 0.1 }), "leaky_relu"],
    [elu({ alpha: 1.3 }), "elu"],
    [selu(), "selu"],
    [celu({ alpha: 0.7 }), "celu"],
    [gelu(), "gelu"],
    [geluTanh(), "gelu_tanh"],
    [silu(), "silu"],
    [mish(), "mish"],
    [hardSwish(), "hardswish"],
    [hardSigmoid(), "hardsigmoid"],
    [hardTanh(), "hardtanh"],
    [sigmoid(), "sigmoid"],
    [tanh(), "tanh"],
    [logSigmoid(), "logsigmoid"],
    [softsign(), "softsign"],
    [tanhShrink(), "tanhshrink"],
  ])("%#: $1", async (layer, name) => {
    const golden = casesOf(name);
    expect(golden.length).toBe(1);
    const { inputs, output } = golden[0]!;
    await expectClose(layer.forward(of(inputs.x!)), output.data);
  });

  it("softplus, and the default slopes", async () => {
    await expectClose(softplus().forward(tensor([-1, 0, 100])), [Math.log1p(Math.exp(-1)), Math.log(2), 100]);
    await expectClose(leakyRelu().forward(tensor([-2, 2])), [-0.02, 2]);
    await expectClose(elu().forward(tensor([-2, 2])), [Math.expm1(-2), 2]);
    await expectClose(celu().forward(tensor([-2, 2])), [Math.expm1(-2), 2]);
  });

  it("softmax and logSoftmax along an axis", async () => {
    const x = tensor([
      [
        [0, 1],
        [0, 1],
      ],
    ]);
    expect(await numbers(softmax(1).forward(x))).toEqual([0.5, 0.5, 0.5, 0.5]);
    const e = Math.exp(1);
    await expectClose(softmax().forward(x), [1 / (1 + e), e / (1 + e), 1 / (1 + e), e / (1 + e)]);
    await expectClose(
      logSoftmax(1).forward(x),
      Array.from({ length: 4 }, () => -Math.log(2)),
    );
  });

  it("know their kind", () => {
    const layers = [
      relu(),
      softmax(),
      conv2d({ filters: 1, kernelSize: 1 }),
      dense({ units: 1 }),
      maxPool2d({ size: 1 }),
      batchNorm(),
      flatten(),
      dropout(0.1),
      upsample2d({ scale: 2 }),
    ];
    expect(layers.map((layer) => layer.kind)).toEqual([
      "relu",
      "softmax",
      "conv2d",
      "dense",
      "maxPool2d",
      "batchNorm",
      "flatten",
      "dropout",
      "upsample2d",
    ]);
  });
});

describe("dropout", () => {
  const x = ones([64, 64]);
  const context = (seed: number) => ({ training: true, key: randomKey(seed) });

  it("is the identity in inference, and at rate 0", () => {
    expect(dropout(0.5).forward(x)).toBe(x);
    expect(dropout(0).forward(x, { training: true })).toBe(x);
  });

  it("keeps the expectation", async () => {
    const values = await numbers(dropout(0.25).forward(x, context(1)));
    expect(new Set(values)).toEqual(new Set([0, Math.fround(4 / 3)]));
    const share = values.filter((value) => value === 0).length / values.length;
    expect(Math.abs(share - 0.25)).toBeLessThan(0.025);
    expect(new Set(await numbers(dropout(1).forward(x, context(1))))).toEqual(new Set([0]));
  });

  it("is a pure function of the key and the path", async () => {
    const model = sequential(dropout(0.5), dropout(0.5, { name: "second" }));
    const mask = async (path: 0 | 1, seed: number) => numbers(model.layers[path]!.forward(x, context(seed)));
    expect(await mask(0, 1)).toEqual(await mask(0, 1));
    expect(await mask(0, 1)).not.toEqual(await mask(0, 2));
    // Two layers with the same mask would keep half of the elements, and not a quarter.
    const both = (await numbers(model.forward(x, context(1)))).filter((value) => value !== 0).length;
    expect(Math.abs(both / 4096 - 0.25)).toBeLessThan(0.03);
    expect(await numbers(model.forward(x, context(1)))).toEqual(await numbers(model.forward(x, context(1))));
  });

  it("drops the gradient of what it drops", async () => {
    const layer = dropout(0.5);
    const input = ones([100]);
    const y = layer.forward(input, context(3));
    const [gradient] = gradients(y.sum(), [input]);
    expect(await numbers(gradient!)).toEqual(await numbers(layer.forward(ones([100]), context(3))));
  });
});

describe("movement and residual", () => {
  it("move elements", async () => {
    expect(flatten().forward(ones([2, 3, 4, 5])).shape).toEqual([2, 60]);
    expect(swapAxes().forward(ones([2, 3, 4])).shape).toEqual([2, 4, 3]);
    const grid = tensor([[[[1, 2]]]]);
    expect(await numbers(upsample2d({ scale: 2 }).forward(grid))).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
    expect(upsample2d({ size: [3, 5], mode: "bilinear" }).forward(grid).shape).toEqual([1, 1, 3, 5]);
    expect(await numbers(lambda((x) => x.mul(2)).forward(grid))).toEqual([2, 4]);
  });

  it("adds the body to the input or the shortcut", async () => {
    const double = lambda((x) => x.mul(2));
    expect(await numbers(residual(double).forward(tensor([1, 2])))).toEqual([3, 6]);
    expect(
      await numbers(residual(double, { shortcut: lambda((x) => x.neg()) }).forward(tensor([1, 2]))),
    ).toEqual([1, 2]);
    expect(await numbers(residual(identity()).forward(tensor([1, 2])))).toEqual([2, 4]);
    const block = residual(conv2d({ filters: 2, kernelSize: 1 }), {
      shortcut: conv2d({ filters: 2, kernelSize: 1 }),
    });
    expect(Object.keys(block.build([1, 2, 2]).namedVariables())).toEqual([
      "body.weight",
      "body.bias",
      "shortcut.weight",
      "shortcut.bias",
    ]);
  });
});
