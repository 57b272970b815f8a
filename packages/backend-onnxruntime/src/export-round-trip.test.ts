// Every op of core, written as ONNX and run by ONNX Runtime, against our own forward pass.
import * as core from "@convoke/core";
import { gradients, Module, randomKey, randomNormal, tensor, Tensor, type DType } from "@convoke/core";
import {
  exportOnnx,
  importOnnx,
  OnnxVerificationError,
  readModel,
  writeModel,
  type ExportOptions,
  type OnnxRunner,
} from "@convoke/onnx";
import { beforeAll, describe, expect, it } from "vitest";
import { onnxRunner } from "./index.js";

let runner: OnnxRunner;
beforeAll(async () => {
  runner = await onnxRunner({ threads: 1 });
});

/** A function of tensors as a module. */
class Fn extends Module<Tensor[], unknown> {
  readonly #fn: (...inputs: Tensor[]) => unknown;

  constructor(fn: (...inputs: Tensor[]) => unknown) {
    super();
    this.#fn = fn;
  }

  protected compute(inputs: Tensor[]): unknown {
    return this.#fn(...inputs);
  }
}

interface Case {
  /** Shapes of float32 inputs, or example tensors; the first axis is the batch. */
  readonly inputs: readonly (readonly number[] | Tensor)[];
  readonly fn: (...inputs: Tensor[]) => unknown;
  /** Operators that the file must hold, at opset 26. */
  readonly writes?: readonly string[];
  /** Whether a primitive is written or read by another formulation: imported again, its numbers come back to 1e-6, not exactly. */
  readonly reformulated?: boolean;
  readonly options?: Partial<ExportOptions<Tensor[]>>;
}

function exampleOf(spec: readonly number[] | Tensor, i: number, batch: number): Tensor {
  if (spec instanceof Tensor) return spec;
  return randomNormal(randomKey(100 + i), [batch, ...spec.slice(1)]);
}

async function roundTrip(
  { inputs, fn, writes, reformulated = false, options }: Case,
  opset: number,
): Promise<void> {
  const batch = typeof options?.batch === "number" ? options.batch : 2;
  const example = inputs.map((spec, i) => exampleOf(spec, i, batch));
  const isOpen = options?.batch === undefined && inputs.every((spec) => !(spec instanceof Tensor));
  const others = isOpen ? [inputs.map((spec, i) => exampleOf(spec, i, 64))] : [];
  const { model, bytes, maxAbsDiff } = await exportOnnx(new Fn(fn), {
    input: example,
    opset,
    verify: runner,
    verifyInputs: others,
    ...options,
  });
  expect(maxAbsDiff).toBeLessThanOrEqual(1e-5);
  expect(readModel(bytes).graph.nodes.length).toBe(model.graph.nodes.length);
  if (opset === 26 && writes !== undefined)
    expect(model.graph.nodes.map((node) => node.opType)).toEqual(writes);
  const imported = importOnnx<Tensor[], Tensor | Record<string, Tensor>>(bytes);
  for (const sample of [example, ...others]) {
    const [expected, actual] = [tensorsOf(fn(...sample)), tensorsOf(imported.forward(sample))];
    expect(actual.map(({ dtype, shape }) => [dtype, shape])).toEqual(
      expected.map(({ dtype, shape }) => [dtype, shape]),
    );
    for (const [i, tensor] of expected.entries())
      expect(await difference(actual[i]!, tensor), `output ${i}, imported`).toBeLessThanOrEqual(
        reformulated ? 1e-6 : 0,
      );
  }
}

function tensorsOf(outputs: unknown): Tensor[] {
  return outputs instanceof Tensor ? [outputs] : (Object.values(outputs as object) as Tensor[]);
}

/** max|a − b| / max(1, max|b|), with infinities and NaN in the same places. */
async function difference(actual: Tensor, expected: Tensor): Promise<number> {
  const [a, b] = [await actual.data(), await expected.data()].map((data) => Array.from(data, Number));
  const scale = b!.reduce(
    (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
    1,
  );
  return b!.reduce((most, value, i) => {
    if (Object.is(a![i]! + 0, value + 0)) return most;
    const distance = Math.abs(a![i]! - value) / scale;
    return Math.max(most, Number.isNaN(distance) ? Infinity : distance);
  }, 0);
}

function typed(data: readonly number[], shape: readonly number[], dtype: DType): Tensor {
  return tensor([...data], { dtype: "float64" })
    .reshape(shape)
    .cast(dtype);
}

const n = [2, 3, 4] as const;
const image = [2, 4, 9, 8] as const;
const ints = typed([7, -7, 3, 0, -128, 100, 5, -5], [2, 4], "int32");
const divisors = typed([2, 3, -2, 5, 0, -7, 0, 3], [2, 4], "int32");
const whole = typed([0, 2, 1, 1, 2, 0], [2, 3], "int32");
/** Seeded weights: data of the host, as nobody can draw random numbers inside a file. */
function weight(shape: readonly number[], seed = 1): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  const data = core.hostNormal(core.hostKey(seed), count).map((value) => value * 0.3);
  return tensor(data, { shape, dtype: "float32" });
}

/** The gradient of a random projection of fn(x) by x: exports the backward pass. */
function gradientOf(fn: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  return (x) => {
    const at = core.alias(x);
    const y = fn(at);
    const mix = y.mul(2).sin();
    return gradients(mix.sum(), [at])[0]!;
  };
}

const unary = (fn: (x: Tensor) => Tensor): Case => ({ inputs: [n], fn });

const cases: Record<string, Case> = {
  neg: unary((x) => x.neg()),
  abs: unary((x) => x.abs()),
  sign: unary((x) => x.sign()),
  floor: unary((x) => x.mul(3).floor()),
  ceil: unary((x) => x.mul(3).ceil()),
  round: unary((x) => core.round(x.mul(4).round().div(2))),
  exp: unary((x) => x.exp()),
  expm1: { ...unary((x) => core.expm1(x)), reformulated: true },
  "expm1, small": { ...unary((x) => core.expm1(x.mul(1e-4)).mul(1e4)), reformulated: true },
  log: unary((x) => x.abs().add(0.1).log()),
  log1p: { ...unary((x) => core.log1p(x.abs())), reformulated: true },
  "log1p, small": { ...unary((x) => core.log1p(x.mul(1e-4)).mul(1e4)), reformulated: true },
  sqrt: unary((x) => x.abs().sqrt()),
  sin: unary((x) => x.sin()),
  cos: unary((x) => x.cos()),
  tanh: unary((x) => x.tanh()),
  erf: unary((x) => core.erf(x)),
  "arithmetic, broadcast": {
    inputs: [n, [2, 1, 4]],
    fn: (a, b) => a!.add(b!).sub(2).mul(b!).div(a!.abs().add(1)),
  },
  "mod, floats": { inputs: [n, n], fn: (a, b) => core.mod(a!.mul(5), b!.abs().add(0.5).mul(b!.sign())) },
  "integer arithmetic": {
    inputs: [ints, divisors],
    fn: (a, b) => [a!.div(b!), core.mod(a!, b!), a!.mul(b!), a!.neg()],
  },
  "narrow arithmetic": {
    inputs: [ints, divisors],
    fn: (a, b) => {
      const [p, q] = [a!.cast("uint8"), b!.cast("uint8")];
      return [
        p.add(q),
        p.div(q),
        core.mod(p, q),
        p.less(q),
        p.maximum(q),
        a!.cast("int8").mul(b!.cast("int8")),
        p.cast("uint32").sub(q.cast("uint32")),
      ];
    },
  },
  pow: { inputs: [n], fn: (x) => [x!.pow(2), x!.abs().add(0.1).pow(-0.5)] },
  "pow, integers": { inputs: [ints], fn: (x) => x!.pow(2) },
  "maximum, minimum": { inputs: [n, n], fn: (a, b) => [a!.maximum(b!), a!.minimum(0)] },
  comparisons: {
    inputs: [n, n],
    fn: (a, b) => [a!.less(b!), a!.lessEqual(0), a!.equal(a!), a!.notEqual(b!), a!.greater(b!)],
  },
  logic: {
    inputs: [n, n],
    fn: (a, b) => {
      const [p, q] = [a!.less(0), b!.less(0)];
      return [p.logicalAnd(q), p.logicalOr(q), p.logicalNot(), core.logicalXor(p, q)];
    },
  },
  "isNaN, isFinite": {
    inputs: [n],
    fn: (x) => [core.isNaN(x!.log()), core.isFinite(x!.sign().add(1).log())],
  },
  where: { inputs: [n, n], fn: (a, b) => [a!.less(0).where(a!, b!), a!.less(0).where(a!.cast("int8"), 3)] },
  cast: {
    inputs: [n],
    fn: (x) =>
      (["int32", "int64", "uint8", "int8", "bool", "float64", "uint32"] as const).map((d) =>
        x!.mul(10).abs().cast(d),
      ),
  },
  "negative casts": {
    inputs: [n],
    fn: (x) => (["int32", "int64", "int8", "uint8", "uint32"] as const).map((d) => x!.mul(-400).cast(d)),
  },
  identities: {
    inputs: [n],
    fn: (x) => core.alias(x!.detach().tap(() => undefined)).add(1),
    writes: ["Add"],
  },
  sum: { inputs: [n], fn: (x) => [x!.sum(), x!.sum(1), x!.sum([0, 2], { keepDims: true }), x!.sum([])] },
  "sum, narrow": { inputs: [ints], fn: (x) => [x!.cast("uint8").sum(1), x!.sum(0), x!.cast("int64").sum()] },
  "max, min, prod": { inputs: [n], fn: (x) => [x!.max(1), x!.min([0, 1]), x!.prod(-1, { keepDims: true })] },
  "argMax, argMin": { inputs: [n], fn: (x) => [core.argMax(x!, 1), core.argMin(x!, 2, { keepDims: true })] },
  mean: { inputs: [n], fn: (x) => [x!.mean(0), x!.mean([1, 2])] },
  "variance, std over the batch": {
    inputs: [[2, 3]],
    fn: (x) => [core.variance(x!.sum(1), 0, { correction: 0 }), core.std(x!, 1)],
  },
  logSumExp: { inputs: [n], fn: (x) => core.logSumExp(x!.mul(50), 2) },
  norm: {
    inputs: [n],
    fn: (x) => [core.norm(x!, 1), core.norm(x!, [1, 2], { order: 1 })],
    writes: ["ReduceL2", "ReduceL1"],
  },
  "any, all": { inputs: [n], fn: (x) => [core.any(x!.less(-1), 1), core.all(x!.less(1), [1, 2])] },
  reshape: {
    inputs: [n],
    fn: (x) => [
      x!.reshape([x!.shape[0]!, 12]),
      x!.reshape([-1, 2]),
      x!.reshape([3, -1]),
      x!.reshape([1, x!.shape[0]! * 3, 4, 1]),
    ],
  },
  permute: { inputs: [n], fn: (x) => x!.permute([2, 0, 1]) },
  broadcastTo: {
    inputs: [[2, 1, 4]],
    fn: (x) => [x!.broadcastTo([x!.shape[0]!, 3, 4]), x!.sum(0).broadcastTo([x!.shape[0]!, 1, 4])],
  },
  slice: {
    inputs: [n],
    fn: (x) => [
      x!.slice([undefined, { start: 1 }]),
      x!.slice([undefined, { step: -1 }, { step: -2 }]),
      x!.slice([{ start: 1 }]),
      x!.slice([{ step: -1 }]),
      x!.slice([undefined, { start: 2, end: 2 }]),
      x!.slice([{ start: 1 }, { step: -1 }]),
    ],
  },
  "place (gradient of slice)": {
    inputs: [n],
    fn: gradientOf((x) =>
      x
        .slice([undefined, { start: 1 }, { step: 3 }])
        .add(x.slice([undefined, { end: 2 }, { start: 2, step: -2 }])),
    ) as Case["fn"],
  },
  pad: {
    inputs: [n],
    fn: (x) =>
      x!.pad(
        [
          [0, 0],
          [1, 0],
          [0, 2],
        ],
        -2,
      ),
  },
  padMode: {
    inputs: [n],
    fn: (x) =>
      (["reflect", "replicate", "circular"] as const).map((mode) =>
        core.padMode(
          x!,
          [
            [0, 0],
            [1, 2],
            [2, 1],
          ],
          mode,
        ),
      ),
  },
  concat: { inputs: [n, n], fn: (a, b) => [core.concat([a!, b!], 1), core.concat([a!, b!], 0)] },
  "movement, composed": {
    inputs: [n],
    fn: (x) => [
      core.tile(x!, [1, 2, 1]),
      core.repeat(x!, 3, 1),
      core.flip(x!, [0, 2]),
      ...core.split(x!, [1, 2], 1),
    ],
  },
  matmul: { inputs: [n, [2, 4, 5]], fn: (a, b) => [a!.matmul(b!), a!.matmul(weight([4, 2]))] },
  "matmul, integers": {
    inputs: [ints],
    fn: (x) => [x!.matmul(x!.transpose()), x!.cast("int8").matmul(typed([1, 2, 3, 4], [4, 1], "int8"))],
  },
  linear: { inputs: [[2, 4]], fn: (x) => core.linear(x!, weight([3, 4]), weight([3], 2)), writes: ["Gemm"] },
  "linear, three axes": { inputs: [n], fn: (x) => core.linear(x!, weight([3, 4]), weight([3], 2)) },
  conv1d: {
    inputs: [[2, 4, 9]],
    fn: (x) => core.conv1d(x!, weight([6, 2, 3]), { stride: 2, padding: 1, groups: 2 }),
  },
  conv2d: {
    inputs: [image],
    fn: (x) =>
      core.conv2d(x!, weight([5, 4, 3, 2]), {
        stride: [2, 1],
        padding: "same",
        dilation: [1, 2],
        bias: weight([5], 2),
      }),
    writes: ["Conv"],
  },
  "conv2d, flipped": {
    inputs: [image],
    fn: (x) => core.conv2d(x!, weight([5, 4, 3, 3]), { flipKernel: true }),
  },
  conv3d: { inputs: [[2, 2, 4, 5, 5]], fn: (x) => core.conv3d(x!, weight([3, 2, 2, 3, 3]), { padding: 1 }) },
  "conv2d, gradient": {
    inputs: [image],
    fn: gradientOf((x) =>
      core.conv2d(x, weight([6, 2, 3, 2]), { stride: 2, padding: 1, groups: 2 }),
    ) as Case["fn"],
  },
  "conv2d, filter gradient": {
    inputs: [image],
    fn: (x) => {
      const w = core.alias(weight([6, 2, 3, 2]));
      const y = core.conv2d(x!, w, { stride: [2, 3], padding: 1, groups: 2, dilation: [1, 2] });
      return gradients(y.mul(y).mean(), [w])[0]!;
    },
  },
  convTranspose1d: {
    inputs: [[2, 4, 5]],
    fn: (x) => core.convTranspose1d(x!, weight([4, 3, 3]), { stride: 2, padding: 1, outputPadding: 1 }),
  },
  convTranspose2d: {
    inputs: [image],
    fn: (x) =>
      core.convTranspose2d(x!, weight([4, 3, 3, 3]), {
        stride: 2,
        padding: 1,
        groups: 2,
        bias: weight([6], 2),
        dilation: [1, 2],
      }),
    writes: ["ConvTranspose"],
  },
  convTranspose3d: {
    inputs: [[2, 2, 3, 3, 3]],
    fn: (x) => core.convTranspose3d(x!, weight([2, 3, 2, 2, 2]), { stride: 2 }),
  },
  pixelShuffle: { inputs: [image], fn: (x) => core.pixelShuffle(x!, 2), writes: ["DepthToSpace"] },
  unfold: { inputs: [image], fn: (x) => core.unfold(x!, { size: 2, stride: 2 }) },
  maxPool1d: {
    inputs: [[2, 3, 9]],
    fn: (x) => core.maxPool1d(x!, { size: 3, stride: 2, padding: 1 }),
    writes: ["MaxPool"],
  },
  maxPool2d: {
    inputs: [image],
    fn: (x) => core.maxPool2d(x!, { size: 3, stride: 2, padding: 1, ceilMode: true, dilation: [1, 2] }),
    writes: ["MaxPool"],
  },
  maxPool3d: { inputs: [[2, 2, 4, 5, 5]], fn: (x) => core.maxPool3d(x!, { size: 2 }) },
  "maxPool2d, indices": {
    inputs: [image],
    fn: (x) => [...core.maxPool2dWithIndices(x!, { size: 2, padding: 1 })],
  },
  "maxPool2d, gradient": {
    inputs: [image],
    fn: gradientOf((x) => core.maxPool2d(x, { size: 3, stride: 2 })) as Case["fn"],
  },
  "maxPool2d, second gradient": {
    inputs: [image],
    fn: gradientOf(gradientOf((x) => core.maxPool2d(x, { size: 3, stride: 2 }))) as Case["fn"],
  },
  avgPool1d: {
    inputs: [[2, 3, 9]],
    fn: (x) => core.avgPool1d(x!, { size: 3, stride: 2, padding: 1 }),
    writes: ["AveragePool"],
  },
  "avgPool2d, padding not counted": {
    inputs: [image],
    fn: (x) => core.avgPool2d(x!, { size: 3, stride: 2, padding: 1, ceilMode: true, countIncludePad: false }),
    writes: ["AveragePool"],
  },
  "avgPool2d, ceil": {
    reformulated: true,
    inputs: [image],
    fn: (x) => core.avgPool2d(x!, { size: 3, stride: 2, padding: 1, ceilMode: true }),
  },
  "avgPool2d, dilated": {
    inputs: [image],
    fn: (x) => core.avgPool2d(x!, { size: 2, stride: 2, dilation: 2, padding: 1 }),
  },
  avgPool3d: { reformulated: true, inputs: [[2, 2, 4, 5, 5]], fn: (x) => core.avgPool3d(x!, { size: 2 }) },
  "avgPool2d, gradient": {
    reformulated: true,
    inputs: [image],
    fn: gradientOf((x) =>
      core.avgPool2d(x, { size: 3, stride: 2, padding: 1, countIncludePad: false }),
    ) as Case["fn"],
  },
  "avgPool2d, ceil, gradient": {
    reformulated: true,
    inputs: [image],
    fn: gradientOf((x) =>
      core.avgPool2d(x, { size: 3, stride: 2, padding: 1, ceilMode: true }),
    ) as Case["fn"],
  },
  "global pools": {
    inputs: [image],
    fn: (x) => [core.globalAvgPool(x!), core.globalMaxPool(x!)],
    writes: ["GlobalAveragePool", "Flatten", "GlobalMaxPool", "Flatten"],
  },
  "adaptive pools": {
    inputs: [image],
    fn: (x) => [
      core.adaptiveAvgPool2d(x!, [3, 3]),
      core.adaptiveMaxPool2d(x!, [4, 3]),
      core.adaptiveAvgPool2d(x!, [3, 4]),
    ],
  },
  gather: {
    inputs: [n],
    fn: (x) => [x!.gather(whole.cast("int32"), 1), x!.gather(tensor([-1, 0], { dtype: "int32" }), 2)],
  },
  embedding: {
    inputs: [whole],
    fn: (i) => weight([3, 4]).gather(i as Tensor<core.Tensor["shape"], "int32">),
  },
  "gather, gradient (scatterAdd)": {
    inputs: [n],
    fn: gradientOf((x) => x.gather(whole as Tensor<core.Tensor["shape"], "int32">, 2)) as Case["fn"],
  },
  "takeAlongAxis, gradient (scatterAlongAxis)": {
    inputs: [n],
    fn: gradientOf((x) => core.topK(x, 2, { axis: 1, largest: false }).values) as Case["fn"],
  },
  takeAlongAxis: { inputs: [n], fn: (x) => core.takeAlongAxis(x!, core.topK(x!, 2, { axis: 1 }).indices, 1) },
  oneHot: {
    inputs: [whole],
    fn: (i) => [
      core.oneHot(i as Tensor<core.Tensor["shape"], "int32">, 4),
      core.oneHot(i!.sub(2) as Tensor<core.Tensor["shape"], "int32">, 3, "bool"),
    ],
  },
  cumsum: {
    inputs: [n],
    fn: (x) => [core.cumsum(x!, 1), core.cumsum(x!, 2, { exclusive: true, reverse: true })],
  },
  "cumsum, narrow": { inputs: [ints], fn: (x) => core.cumsum(x!.cast("uint8"), 1) },
  topK: {
    inputs: [n],
    fn: (x) => {
      const { values, indices } = core.topK(x!, 2);
      return { values, indices };
    },
  },
  "topK, integers": {
    inputs: [ints],
    fn: (x) => {
      const { values, indices } = core.topK(x!.cast("int8"), 3, { largest: false });
      return [values, indices];
    },
  },
  relu: { inputs: [n], fn: (x) => core.relu(x!), writes: ["Relu"] },
  hardTanh: {
    inputs: [n],
    fn: (x) => [core.hardTanh(x!), core.relu6(x!.mul(5))],
    writes: ["Clip", "Mul", "Clip"],
  },
  leakyRelu: { inputs: [n], fn: (x) => core.leakyRelu(x!, { alpha: 0.2 }), writes: ["LeakyRelu"] },
  elu: { inputs: [n], fn: (x) => core.elu(x!, { alpha: 1.5 }), writes: ["Elu"] },
  celu: { inputs: [n], fn: (x) => core.celu(x!, { alpha: 1.5 }), writes: ["Celu"] },
  selu: { inputs: [n], fn: (x) => core.selu(x!), writes: ["Selu"] },
  gelu: { inputs: [n], fn: (x) => [core.gelu(x!), core.geluTanh(x!)], writes: ["Gelu", "Gelu"] },
  sigmoid: { inputs: [n], fn: (x) => core.sigmoid(x!.mul(20)), writes: ["Mul", "Sigmoid"] },
  logSigmoid: { reformulated: true, inputs: [n], fn: (x) => core.logSigmoid(x!.mul(20)) },
  softplus: { inputs: [n], fn: (x) => core.softplus(x!.mul(20)), writes: ["Mul", "Softplus"] },
  silu: { inputs: [n], fn: (x) => core.silu(x!), writes: ["Sigmoid", "Mul"] },
  mish: { inputs: [n], fn: (x) => core.mish(x!), writes: ["Mish"] },
  hardSigmoid: {
    inputs: [n],
    fn: (x) => [core.hardSigmoid(x!.mul(3)), core.hardSwish(x!.mul(3))],
    writes: ["Mul", "HardSigmoid", "HardSwish"],
  },
  softsign: {
    inputs: [n],
    fn: (x) => [core.softsign(x!), core.tanhShrink(x!)],
    writes: ["Softsign", "Tanh", "Sub"],
  },
  softmax: {
    inputs: [n],
    fn: (x) => [core.softmax(x!.mul(30)), core.softmax(x!, 1)],
    writes: ["Mul", "Softmax", "Softmax"],
  },
  logSoftmax: { inputs: [n], fn: (x) => core.logSoftmax(x!.mul(30)), writes: ["Mul", "LogSoftmax"] },
  "activations, gradients": {
    inputs: [n],
    fn: gradientOf((x) => core.selu(core.gelu(core.softmax(core.mish(x))))) as Case["fn"],
  },
  batchNorm: {
    inputs: [image],
    fn: (x) =>
      core.batchNorm(x!, {
        mean: weight([4]),
        variance: weight([4], 2).abs(),
        scale: weight([4], 3),
        bias: weight([4], 4),
      }),
    writes: ["BatchNormalization"],
  },
  "batchNorm of features": {
    inputs: [[2, 4]],
    fn: (x) => core.batchNorm(x!, { mean: weight([4]), variance: core.ones([4]) }),
  },
  // Its unbiased variance is multiplied by n / (n − 1): no form for every batch size.
  batchNormTraining: {
    inputs: [image],
    fn: (x) => Object.values(core.batchNormTraining(x!, { scale: weight([4]) })),
    options: { batch: 5 },
  },
  "batchNormTraining, gradient": {
    inputs: [image],
    fn: gradientOf((x) => core.batchNormTraining(x, { scale: weight([4]) }).output) as Case["fn"],
    options: { batch: 5 },
  },
  layerNorm: {
    inputs: [n],
    fn: (x) => [
      core.layerNorm(x!),
      core.layerNorm(x!, { axes: 2, scale: weight([3, 4]), bias: weight([3, 4], 2) }),
    ],
    writes: ["LayerNormalization", "LayerNormalization"],
  },
  groupNorm: {
    inputs: [image],
    fn: (x) => core.groupNorm(x!, { groups: 2, scale: weight([4]), bias: weight([4], 2) }),
    writes: ["GroupNormalization"],
  },
  instanceNorm: {
    inputs: [image],
    fn: (x) => core.instanceNorm(x!, { scale: weight([4]), bias: weight([4], 2) }),
    writes: ["InstanceNormalization"],
  },
  localResponseNorm: {
    inputs: [image],
    fn: (x) => core.localResponseNorm(x!, { size: 3, alpha: 0.5 }),
    writes: ["LRN"],
  },
  "localResponseNorm, even": {
    inputs: [image],
    fn: (x) => core.localResponseNorm(x!, { size: 4, alpha: 0.5 }),
  },
  "interpolate, nearest": {
    inputs: [image],
    fn: (x) => [core.upsample(x!, 2), core.interpolate(x!, { size: [5, 13] })],
  },
  "interpolate, bilinear": {
    inputs: [image],
    fn: (x) => [
      core.interpolate(x!, { size: [5, 13], mode: "bilinear" }),
      core.interpolate(x!, { size: [18, 3], mode: "bilinear", alignCorners: true }),
    ],
    writes: ["Resize", "Resize"],
  },
  "interpolate, bicubic": {
    inputs: [image],
    fn: (x) => [
      core.interpolate(x!, { size: [18, 16], mode: "bicubic" }),
      core.interpolate(x!, { scale: 1.7, mode: "bicubic" }),
    ],
  },
  "interpolate, area": { inputs: [image], fn: (x) => core.interpolate(x!, { size: [4, 3], mode: "area" }) },
};

describe.each([17, 26])("opset %i through onnxruntime-node", (opset) => {
  it.each(Object.entries(cases))("%s", (_, entry) => roundTrip(entry, opset));
});

/** Drawn by the host, as ONNX cannot: `exportOnnx` refuses them, programs get their numbers as inputs. */
const drawn = ["randomBits", "foldIn", "randomUniform", "randomNormal"];

it("leaves no op out", () => {
  const found = new Set<string>();
  for (const { inputs, fn } of Object.values(cases)) {
    const { graph } = core.traceFunction(
      "ops",
      fn,
      core.flattenTree(inputs.map((spec, i) => exampleOf(spec, i, 5))),
    );
    for (const node of graph.nodes) found.add(node.op.name);
  }
  expect(Object.keys(core.opTable).filter((name) => !found.has(name))).toEqual(drawn);
});

describe("onnxruntime-web", () => {
  it("runs what onnxruntime-node runs", async () => {
    const web = await onnxRunner({ runtime: "web" });
    const fn = ([x]: Tensor[]): Tensor => {
      const features = core.maxPool2d(core.relu(core.conv2d(x!, weight([6, 4, 3, 3]), { padding: 1 })), {
        size: 2,
      });
      return core.softmax(core.linear(features.reshape([features.shape[0]!, -1]), weight([10, 6 * 4 * 4])));
    };
    const input = [exampleOf(image, 0, 2)];
    const { maxAbsDiff } = await exportOnnx(new Fn((...inputs) => fn(inputs)), { input, verify: web });
    expect(maxAbsDiff).toBeLessThanOrEqual(1e-5);
  });
});

describe("verification", () => {
  class Net extends Module {
    protected compute(x: Tensor): Tensor {
      const hidden = core.withScope("hidden", () => core.relu(core.linear(x, weight([5, 3]))));
      return core.withScope("head", () => core.linear(hidden, weight([2, 5])));
    }
  }

  /** An engine that gets the results of one operator wrong. */
  function faulty(opType: string): OnnxRunner {
    return {
      name: "faulty",
      open: (bytes) => {
        const model = readModel(bytes);
        const nodes = model.graph.nodes.map((node) =>
          node.opType === opType ? { ...node, opType: "Abs" } : node,
        );
        return runner.open(writeModel({ ...model, graph: { ...model.graph, nodes } }));
      },
    };
  }

  it("names the first node that differs", async () => {
    const verified = exportOnnx(new Net(), { inputShape: [3], name: "net", verify: faulty("Relu") });
    const error: unknown = await verified.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OnnxVerificationError);
    expect((error as OnnxVerificationError).node).toBe('relu "hidden" ("hidden/Relu_output")');
    expect((error as OnnxVerificationError).message.replace(/by [\d.e+-]+/, "by …")).toMatchInlineSnapshot(`
      "exportOnnx net: output "output" of faulty differs from our own by … (max|a − b| / max(1, max|b|)), first at relu "hidden" ("hidden/Relu_output"); at most 0.00001 is allowed.
        Raise the tolerance if the net amplifies rounding; else report the node: its lowering or the engine is wrong."
    `);
  });

  it("passes at the tolerance that is given, and at other batch sizes than those of the traces", async () => {
    const loose = await exportOnnx(new Net(), { inputShape: [3], verify: faulty("Relu"), tolerance: 1e3 });
    expect(loose.maxAbsDiff).toBeGreaterThan(1e-3);
    const exact = await exportOnnx(new Net(), { inputShape: [3], batch: 4, verify: runner });
    expect(exact.maxAbsDiff).toBeLessThanOrEqual(1e-5);
  });
});
