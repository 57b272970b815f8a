// How the op of each golden case is computed here.
import * as core from "@convoke/core";
import { tensor, type Tensor } from "@convoke/core";

type PerAxis = number | readonly number[];

/** Attributes as PyTorch names them. Each case has those that its op takes. */
export interface GoldenAttributes {
  readonly stride: PerAxis;
  readonly padding: PerAxis;
  readonly output_padding: PerAxis;
  readonly dilation: PerAxis;
  readonly groups: number;
  readonly kernel: PerAxis;
  readonly ceil_mode: boolean;
  readonly count_include_pad: boolean;
  readonly output: readonly number[];
  readonly training: boolean;
  readonly momentum: number;
  readonly eps: number;
  readonly running_mean: readonly number[];
  readonly running_var: readonly number[];
  readonly normalized_shape: readonly number[];
  readonly size: number & readonly number[];
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;
  readonly dim: number;
  readonly mode: core.InterpolationMode & ("constant" | core.PadMode);
  readonly align_corners: boolean;
  /** The last axis first. */
  readonly pad: readonly [left: number, right: number, top: number, bottom: number];
  readonly r: number;
}

export type GoldenInputs = Record<"x" | "w" | "b" | "y", Tensor>;

export interface GoldenOutcome {
  readonly output: Tensor;
  readonly after?: Readonly<Record<string, Tensor>>;
}

/** How a case is computed here. */
export type GoldenRun = (inputs: GoldenInputs, attrs: GoldenAttributes) => Tensor | GoldenOutcome;

// The parameters that the cases do not state are read off their values.
const activations = {
  relu: core.relu,
  relu6: core.relu6,
  leaky_relu: (x) => core.leakyRelu(x, { alpha: 0.1 }),
  elu: (x) => core.elu(x, { alpha: 1.3 }),
  selu: core.selu,
  celu: (x) => core.celu(x, { alpha: 0.7 }),
  gelu: core.gelu,
  gelu_tanh: core.geluTanh,
  silu: core.silu,
  mish: core.mish,
  softplus: (x) => core.softplus(x, { beta: 1.5 }),
  hardswish: core.hardSwish,
  hardsigmoid: core.hardSigmoid,
  hardtanh: core.hardTanh,
  sigmoid: core.sigmoid,
  tanh: core.tanh,
  logsigmoid: core.logSigmoid,
  softsign: core.softsign,
  tanhshrink: core.tanhShrink,
} satisfies Record<string, (x: Tensor) => Tensor>;

export const goldenRuns: Readonly<Record<string, GoldenRun>> = {
  ...Object.fromEntries(
    Object.entries(activations).map(([name, fn]) => [name, ({ x }: GoldenInputs) => fn(x)]),
  ),
  conv2d: ({ x, w, b }, attrs) => core.conv2d(x, w, { ...attrs, bias: b }),
  conv_transpose2d: ({ x, w, b }, { output_padding, ...attrs }) =>
    core.convTranspose2d(x, w, { ...attrs, outputPadding: output_padding, bias: b }),
  max_pool2d: ({ x }, { kernel, ceil_mode, ...attrs }) =>
    core.maxPool2d(x, { ...attrs, size: kernel, ceilMode: ceil_mode }),
  avg_pool2d: ({ x }, { kernel, ceil_mode, count_include_pad, ...attrs }) =>
    core.avgPool2d(x, { ...attrs, size: kernel, ceilMode: ceil_mode, countIncludePad: count_include_pad }),
  adaptive_avg_pool2d: ({ x }, { output }) => core.adaptiveAvgPool2d(x, output),
  adaptive_max_pool2d: ({ x }, { output }) => core.adaptiveMaxPool2d(x, output),
  batch_norm: ({ x, w, b }, { training, momentum, eps, running_mean, running_var }) => {
    const dtype = x.dtype;
    const mean = tensor(running_mean, { dtype });
    const variance = tensor(running_var, { dtype });
    const options = { scale: w, bias: b, epsilon: eps };
    if (!training) return core.batchNorm(x, { ...options, mean, variance });
    const batch = core.batchNormTraining(x, options);
    const mix = (old: Tensor, now: Tensor): Tensor => old.mul(1 - momentum).add(now.mul(momentum));
    return {
      output: batch.output,
      after: { running_mean: mix(mean, batch.mean), running_var: mix(variance, batch.variance) },
    };
  },
  layer_norm: ({ x, w, b }, { normalized_shape, eps }) =>
    core.layerNorm(x, { scale: w, bias: b, epsilon: eps, axes: normalized_shape.length }),
  instance_norm: ({ x, w, b }, { eps }) => core.instanceNorm(x, { scale: w, bias: b, epsilon: eps }),
  group_norm: ({ x, w, b }, { groups, eps }) =>
    core.groupNorm(x, { groups, scale: w, bias: b, epsilon: eps }),
  local_response_norm: ({ x }, attrs) => core.localResponseNorm(x, attrs),
  softmax: ({ x }, { dim }) => core.softmax(x, dim),
  log_softmax: ({ x }, { dim }) => core.logSoftmax(x, dim),
  interpolate: ({ x }, { size, mode, align_corners }) =>
    core.interpolate(x, { size, mode, alignCorners: align_corners }),
  pad: ({ x }, { pad: [left, right, top, bottom], mode }) => {
    const pads = [
      [0, 0],
      [0, 0],
      [top, bottom],
      [left, right],
    ] as const;
    const named: string = mode;
    return named === "constant" ? core.pad(x, pads) : core.padMode(x, pads, mode);
  },
  linear: ({ x, w, b }) => core.linear(x, w, b),
  matmul: ({ x, y }) => core.matmul(x, y),
  reduce_sum: ({ x }) => x.sum(1),
  reduce_mean: ({ x }) => x.mean([0, 2]),
  reduce_var_unbiased: ({ x }) => core.variance(x, 1),
  reduce_var_biased: ({ x }) => core.variance(x, 1, { correction: 0 }),
  reduce_std: ({ x }) => core.std(x, [1, 2]),
  reduce_max: ({ x }) => x.max(1),
  reduce_min: ({ x }) => x.min([0, 2]),
  reduce_prod: ({ x }) => x.prod(2),
  reduce_logsumexp: ({ x }) => core.logSumExp(x, 1),
  reduce_norm: ({ x }) => core.norm(x, 1),
  reduce_cumsum: ({ x }) => core.cumsum(x, 1),
  unfold: ({ x }, { kernel, ...attrs }) => core.unfold(x, { ...attrs, size: kernel }),
  pixel_shuffle: ({ x }, { r }) => core.pixelShuffle(x, r),
  gram_matrix: ({ x }) => core.gram(x),
};
