// The jobs in TensorFlow.js, on whatever backend was chosen, in its own layout (NHWC).
import * as tf from "@tensorflow/tfjs";
import { noise, pace, shuffledBatches } from "./work.mjs";

/**
 * @typedef {import("../jobs.mjs").Job} Job
 * @typedef {import("../jobs.mjs").Network} Network
 */

/**
 * What its WebGPU backend does to send off what it has collected.
 *
 * @typedef {tf.KernelBackend & {
 *   queue: { onSubmittedWorkDone(): Promise<void> },
 *   ensureCommandEncoderReady(): void,
 *   endComputePassEncoder(): void,
 *   submitQueue(): void,
 * }} GpuBackend
 */

/** @param {Job} job */
export function prepareJob(job) {
  if (job.kind === "matmul") return matmul(job.size);
  if (job.kind === "train") return training(job);
  if (job.kind === "infer") return inference(job);
  if (job.kind === "peak") throw new Error("does not measure it");
  return convolution(job);
}

/**
 * On a GPU, a job that gives nothing back has to be waited for.
 *
 * @template {{ once: () => unknown }} T
 * @param {T} job
 */
function paced(job) {
  const backend = tf.backend();
  if (!("submitQueue" in backend)) return job;
  const gpu = /** @type {GpuBackend} */ (backend);
  const { next, settled } = pace(() => {
    gpu.ensureCommandEncoderReady();
    gpu.endComputePassEncoder();
    gpu.submitQueue();
    return gpu.queue.onSubmittedWorkDone();
  });
  return {
    ...job,
    once: async () => {
      job.once();
      await next();
    },
    settled,
  };
}

/** @param {number} size */
function matmul(size) {
  const a = tf.tensor2d(noise(size * size), [size, size]);
  const b = tf.tensor2d(noise(size * size), [size, size]);
  return paced({ once: () => tf.matMul(a, b).dispose(), dispose: () => tf.dispose([a, b]) });
}

/** @param {Extract<Job, { kind: "conv" | "conv-input-grad" | "conv-filter-grad" }>} job */
function convolution({ kind, images, channels, size, kernel, groups }) {
  /** @type {[number, number, number, number]} */
  const imageShape = [images, size, size, channels];
  const isDepthwise = groups === channels;
  /** @type {[number, number, number, number]} */
  const filterShape = [kernel, kernel, channels, isDepthwise ? 1 : channels];
  const x = tf.tensor4d(noise(images * size * size * channels), imageShape);
  const w = tf.tensor4d(noise(filterShape.reduce((product, dim) => product * dim, 1)), filterShape);
  const attributes = { strides: 1, pad: "same", dataFormat: "NHWC" };
  /** @type {() => tf.TensorInfo | tf.TensorInfo[]} */
  let once = () => (isDepthwise ? tf.depthwiseConv2d(x, w, 1, "same") : tf.conv2d(x, w, 1, "same"));
  if (kind === "conv-input-grad") {
    const inputs = { dy: x, filter: w };
    once = () =>
      tf.engine().runKernel("Conv2DBackpropInput", inputs, { ...attributes, inputShape: imageShape });
  } else if (kind === "conv-filter-grad") {
    once = () => tf.engine().runKernel("Conv2DBackpropFilter", { x, dy: x }, { ...attributes, filterShape });
  }
  return paced({ once: () => tf.tidy(() => void once()), dispose: () => tf.dispose([x, w]) });
}

/**
 * The network as a function of its variables.
 *
 * @param {Network} network
 * @param {boolean} isTraining whether batch norm takes the statistics of the batch
 */
function build({ image, layers }, isTraining) {
  let [channels, height] = image;
  let features = 0;
  /** @type {tf.Variable[]} */
  const variables = [];
  /** @type {((x: tf.Tensor4D) => tf.Tensor)[]} */
  const steps = [];
  /** @param {number[]} shape @param {number} fanIn */
  const weight = (shape, fanIn) => {
    const variable = tf.variable(tf.randomUniform(shape, -1 / Math.sqrt(fanIn), 1 / Math.sqrt(fanIn)));
    variables.push(variable);
    return variable;
  };
  /** @param {number} filters @param {number} kernel @param {{ stride: number, padding: number }} options */
  const conv = (filters, kernel, { stride, padding }) => {
    const w = weight([kernel, kernel, channels, filters], channels * kernel ** 2);
    channels = filters;
    return (/** @type {tf.Tensor4D} */ x) =>
      tf.conv2d(x, /** @type {tf.Tensor4D} */ (/** @type {tf.Tensor} */ (w)), stride, padding);
  };
  const batchNorm = () => {
    const [mean, variance, offset, scale] = [tf.zeros, tf.ones, tf.zeros, tf.ones].map((fill, i) =>
      tf.variable(fill([channels]), i >= 2),
    );
    return (/** @type {tf.Tensor4D} */ x) => {
      const measured = isTraining ? tf.moments(x, [0, 1, 2]) : { mean, variance };
      return tf.batchNorm4d(
        x,
        vector(measured.mean),
        vector(measured.variance),
        vector(offset),
        vector(scale),
      );
    };
  };
  for (const layer of layers) {
    if (layer.kind === "conv") {
      const { filters, kernel, padding, bias } = layer;
      const apply = conv(filters, kernel, { stride: 1, padding });
      height += 2 * padding + 1 - kernel;
      const b = bias ? weight([filters], 1) : undefined;
      steps.push((x) => (b === undefined ? apply(x) : tf.add(apply(x), b)));
    } else if (layer.kind === "batch-norm") steps.push(batchNorm());
    else if (layer.kind === "relu") steps.push((x) => tf.relu(x));
    else if (layer.kind === "max-pool") {
      height /= 2;
      steps.push((x) => tf.maxPool(x, 2, 2, 0));
    } else if (layer.kind === "block") {
      const { filters, stride } = layer;
      const extra = filters - channels;
      const first = conv(filters, 3, { stride, padding: 1 });
      const firstNorm = batchNorm();
      const second = conv(filters, 3, { stride: 1, padding: 1 });
      const secondNorm = batchNorm();
      height /= stride;
      steps.push((x) => {
        const body = secondNorm(second(tf.relu(firstNorm(first(x)))));
        const smaller = stride === 1 ? x : tf.stridedSlice(x, [0, 0, 0, 0], x.shape, [1, stride, stride, 1]);
        const padded =
          extra === 0
            ? smaller
            : tf.pad(smaller, [
                [0, 0],
                [0, 0],
                [0, 0],
                [extra / 2, extra / 2],
              ]);
        return tf.relu(tf.add(body, padded));
      });
    } else if (layer.kind === "global-average") {
      features = channels;
      steps.push((x) => tf.mean(x, [1, 2]));
    } else if (layer.kind === "flatten") {
      features = channels * height ** 2;
      steps.push((x) => tf.reshape(x, [x.shape[0], -1]));
    } else if (layer.kind === "dense") {
      const w = weight([features, layer.units], features);
      const b = weight([layer.units], features);
      features = layer.units;
      steps.push((x) => tf.add(tf.matMul(x, w), b));
    }
  }
  const forward = (/** @type {tf.Tensor} */ x) =>
    steps.reduce((value, step) => step(/** @type {tf.Tensor4D} */ (value)), x);
  return { forward, variables };
}

/** @param {tf.Tensor | undefined} variable */
function vector(variable) {
  return /** @type {tf.Tensor1D} */ (variable);
}

/** @param {Extract<Job, { kind: "train" }>} job */
function training({ batch, optimizer: name, network }) {
  const [channels, height, width] = network.image;
  const { forward, variables } = build(network, true);
  const optimizer = name === "adam" ? tf.train.adam(1e-3) : tf.train.momentum(0.01, 0.9);
  const nextBatch = shuffledBatches(batch, channels * height * width);
  return paced({
    once: () =>
      tf.tidy(() => {
        const { x, y } = nextBatch();
        const images = tf.tensor4d(x, [batch, height, width, channels]);
        const labels = tf.oneHot(tf.tensor1d(y, "int32"), 10);
        optimizer.minimize(() => {
          const loss = tf.losses.softmaxCrossEntropy(labels, forward(images));
          return /** @type {tf.Scalar} */ (tf.reshape(loss, []));
        });
      }),
    dispose: () => tf.dispose(variables),
  });
}

/** @param {Extract<Job, { kind: "infer" }>} job */
function inference({ batch, network }) {
  const [channels, height, width] = network.image;
  const { forward, variables } = build(network, false);
  const data = noise(batch * channels * height * width);
  return {
    once: async () => {
      const scores = tf.tidy(() => forward(tf.tensor4d(data, [batch, height, width, channels])));
      await scores.data();
      scores.dispose();
    },
    dispose: () => tf.dispose(variables),
  };
}
