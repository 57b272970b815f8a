// TensorFlow.js in Node, on its plain CPU backend or its WASM backend, in its own layout (NHWC).
import * as tf from "@tensorflow/tfjs";
import { getThreadsCount, setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";
import { workOf } from "../jobs.mjs";
import { noise, serve, shuffledBatches } from "./serve.mjs";

/**
 * @typedef {import("../jobs.mjs").Job} Job
 * @typedef {import("../jobs.mjs").Network} Network
 */

const [backend = "cpu", threads] = process.argv.slice(2);
if (backend === "wasm") {
  const resolve = createRequire(import.meta.url).resolve;
  setWasmPaths(`${path.dirname(resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  setThreadsCount(Number(threads));
}
if (!(await tf.setBackend(backend))) throw new Error(`backend "${backend}" did not start`);
await tf.ready();

await serve({
  version: tf.version.tfjs,
  // Its WASM backend has threads in browsers only.
  threads: backend === "wasm" && tf.env().getBool("WASM_HAS_MULTITHREAD_SUPPORT") ? getThreadsCount() : 1,
  workOf,
  prepare: (job) => {
    if (job.kind === "matmul") return matmul(job.size);
    if (job.kind === "train") return training(job);
    if (job.kind === "infer") return inference(job);
    if (job.kind === "peak") throw new Error("does not measure it");
    return convolution(job);
  },
});

/** @param {number} size */
function matmul(size) {
  const a = tf.tensor2d(noise(size * size), [size, size]);
  const b = tf.tensor2d(noise(size * size), [size, size]);
  return { once: () => tf.matMul(a, b).dispose(), dispose: () => tf.dispose([a, b]) };
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
  return {
    once: () => tf.tidy(() => void once()),
    dispose: () => tf.dispose([x, w]),
  };
}

/**
 * The network as a function of its variables.
 *
 * @param {Network} network
 */
function build({ image, layers }) {
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
    const [mean, variance, offset, scale] = [tf.zeros, tf.ones, tf.zeros, tf.ones].map((fill) =>
      tf.variable(fill([channels])),
    );
    return (/** @type {tf.Tensor4D} */ x) =>
      tf.batchNorm4d(x, vector(mean), vector(variance), vector(offset), vector(scale));
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

/** @param {tf.Variable | undefined} variable */
function vector(variable) {
  return /** @type {tf.Tensor1D} */ (/** @type {tf.Tensor | undefined} */ (variable));
}

/** @param {Extract<Job, { kind: "train" }>} job */
function training({ batch, optimizer: name, network }) {
  if (network.layers.some(({ kind }) => kind === "batch-norm")) {
    throw new Error("a step would take more than ten seconds");
  }
  const [channels, height, width] = network.image;
  const { forward, variables } = build(network);
  const optimizer = name === "adam" ? tf.train.adam(1e-3) : tf.train.momentum(0.01, 0.9);
  const nextBatch = shuffledBatches(batch, channels * height * width);
  return {
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
  };
}

/** @param {Extract<Job, { kind: "infer" }>} job */
function inference({ batch, network }) {
  const [channels, height, width] = network.image;
  const { forward, variables } = build(network);
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
