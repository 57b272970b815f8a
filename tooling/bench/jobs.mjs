// What the peers are told to do: the jobs of `convoke/bench`, which has no form that another library could read. The test
// beside this file compares the two.

/**
 * @typedef {{ kind: "conv", filters: number, kernel: number, padding: number, bias: boolean }
 *   | { kind: "batch-norm" | "relu" | "max-pool" | "global-average" | "flatten" }
 *   | { kind: "block", filters: number, stride: number }
 *   | { kind: "dense", units: number }} Layer
 *
 * @typedef {object} Network
 * @property {readonly [number, number, number]} image channels, height, width
 * @property {readonly Layer[]} layers `max-pool` is 2×2; `block` is that of ResNet-20, with a shortcut that pads
 *
 * @typedef {{ name: string, kind: "peak" }
 *   | { name: string, kind: "matmul", size: number }
 *   | { name: string, kind: "conv" | "conv-input-grad" | "conv-filter-grad", images: number, channels: number,
 *       size: number, kernel: number, groups: number }
 *   | { name: string, kind: "train", batch: number, optimizer: "adam" | "momentum", network: Network }
 *   | { name: string, kind: "infer", batch: number, network: Network }} Job
 */

const relu = /** @type {const} */ ({ kind: "relu" });
const maxPool = /** @type {const} */ ({ kind: "max-pool" });
const batchNorm = /** @type {const} */ ({ kind: "batch-norm" });
const flatten = /** @type {const} */ ({ kind: "flatten" });

/** @param {number} units @returns {Layer} */
const dense = (units) => ({ kind: "dense", units });

/** @param {number} filters @returns {Layer[]} */
const normalised = (filters) => [
  { kind: "conv", filters, kernel: 3, padding: 1, bias: true },
  batchNorm,
  relu,
];

/** @param {number} filters @param {number} stride @returns {Layer[]} */
const stage = (filters, stride) => [
  { kind: "block", filters, stride },
  { kind: "block", filters, stride: 1 },
  { kind: "block", filters, stride: 1 },
];

/** @type {Record<"lenet5" | "cifarCnn" | "resnet20", Network>} */
export const networks = {
  lenet5: {
    image: [1, 28, 28],
    layers: [
      { kind: "conv", filters: 6, kernel: 5, padding: 2, bias: true },
      relu,
      maxPool,
      { kind: "conv", filters: 16, kernel: 5, padding: 0, bias: true },
      relu,
      maxPool,
      flatten,
      dense(120),
      relu,
      dense(84),
      relu,
      dense(10),
    ],
  },
  cifarCnn: {
    image: [3, 32, 32],
    layers: [
      ...normalised(32),
      ...normalised(32),
      maxPool,
      ...normalised(64),
      ...normalised(64),
      maxPool,
      flatten,
      dense(10),
    ],
  },
  resnet20: {
    image: [3, 32, 32],
    layers: [
      { kind: "conv", filters: 16, kernel: 3, padding: 1, bias: false },
      batchNorm,
      relu,
      ...stage(16, 1),
      ...stage(32, 2),
      ...stage(64, 2),
      { kind: "global-average" },
      dense(10),
    ],
  },
};

const { lenet5, cifarCnn, resnet20 } = networks;
const large = { images: 32, channels: 64, size: 56, kernel: 3, groups: 1 };

/** @type {readonly Job[]} */
export const jobs = [
  { name: "fma-peak", kind: "peak" },
  { name: "matmul-256", kind: "matmul", size: 256 },
  { name: "matmul-1024", kind: "matmul", size: 1024 },
  { name: "conv2d-3x3-64-56", kind: "conv", ...large },
  { name: "conv2d-input-grad-3x3-64-56", kind: "conv-input-grad", ...large },
  { name: "conv2d-filter-grad-3x3-64-56", kind: "conv-filter-grad", ...large },
  { name: "conv2d-1x1-256-14", kind: "conv", images: 32, channels: 256, size: 14, kernel: 1, groups: 1 },
  { name: "depthwise-3x3-128-28", kind: "conv", images: 32, channels: 128, size: 28, kernel: 3, groups: 128 },
  { name: "train-lenet5-b64", kind: "train", batch: 64, optimizer: "adam", network: lenet5 },
  { name: "train-cifar-cnn-b32", kind: "train", batch: 32, optimizer: "momentum", network: cifarCnn },
  { name: "train-resnet20-b32", kind: "train", batch: 32, optimizer: "momentum", network: resnet20 },
  { name: "infer-lenet5-b256", kind: "infer", batch: 256, network: lenet5 },
  { name: "infer-resnet20-b32", kind: "infer", batch: 32, network: resnet20 },
];

/**
 * Jobs on a GPU: in sizes that a processor which plays one can do as well.
 *
 * @type {readonly Job[]}
 */
export const gpuJobs = [
  { name: "matmul-512", kind: "matmul", size: 512 },
  { name: "conv2d-3x3-64-56-n4", kind: "conv", ...large, images: 4 },
  { name: "infer-lenet5-b64", kind: "infer", batch: 64, network: lenet5 },
  { name: "train-lenet5-b64", kind: "train", batch: 64, optimizer: "adam", network: lenet5 },
  { name: "train-cifar-cnn-b32", kind: "train", batch: 32, optimizer: "momentum", network: cifarCnn },
];

/**
 * What one run does: operations (two for a multiply-add of the direct algorithm) in units of 10⁹, or images.
 *
 * @param {Job} job
 */
export function workOf(job) {
  switch (job.kind) {
    case "peak":
      return 1;
    case "matmul":
      return (2 * job.size ** 3) / 1e9;
    case "conv":
    case "conv-input-grad":
    case "conv-filter-grad":
      return (
        (2 * job.images * job.channels * job.size ** 2 * (job.channels / job.groups) * job.kernel ** 2) / 1e9
      );
    default:
      return job.batch;
  }
}

/**
 * The input of a job that has one from outside, as ONNX models take it: the second operand of an op is a weight.
 *
 * @param {Job} job
 */
export function inputShapeOf(job) {
  if (job.kind === "matmul") return [job.size, job.size];
  if (job.kind === "infer") return [job.batch, ...job.network.image];
  if (job.kind === "peak" || job.kind === "train") throw new Error("runs inference only");
  return [job.images, job.channels, job.size, job.size];
}

/** @param {Job} job */
export function unitOf(job) {
  return job.kind === "train" || job.kind === "infer" ? "images/s" : "GFLOP/s";
}

/**
 * Trainable numbers of a network.
 *
 * @param {Network} network
 */
export function parameterCount({ image, layers }) {
  let [channels, height] = image;
  let features = 0;
  let count = 0;
  for (const layer of layers) {
    if (layer.kind === "conv") {
      count += channels * layer.filters * layer.kernel ** 2 + (layer.bias ? layer.filters : 0);
      height += 2 * layer.padding + 1 - layer.kernel;
      channels = layer.filters;
    } else if (layer.kind === "batch-norm") count += 2 * channels;
    else if (layer.kind === "max-pool") height /= 2;
    else if (layer.kind === "block") {
      count += 9 * (channels + layer.filters) * layer.filters + 4 * layer.filters;
      channels = layer.filters;
      height /= layer.stride;
    } else if (layer.kind === "global-average") features = channels;
    else if (layer.kind === "flatten") features = channels * height ** 2;
    else if (layer.kind === "dense") {
      count += (features + 1) * layer.units;
      features = layer.units;
    }
  }
  return count;
}
