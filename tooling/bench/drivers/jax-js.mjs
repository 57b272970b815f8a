// jax-js in Node, on its WASM backend. Every function takes ownership of its arguments: what is used again is passed as
// `x.ref`.
import {
  blockUntilReady,
  defaultDevice,
  init,
  jit,
  lax,
  nn,
  numpy as np,
  valueAndGrad,
  vjp,
} from "@jax-js/jax";
import { readFileSync } from "node:fs";
import { workOf } from "../jobs.mjs";
import { noise, serve, shuffledBatches } from "./serve.mjs";

/**
 * @typedef {import("../jobs.mjs").Job} Job
 * @typedef {import("../jobs.mjs").Network} Network
 * @typedef {import("@jax-js/jax").numpy.Array} NdArray
 * @typedef {readonly NdArray[]} Arrays
 */

await init("wasm");
defaultDevice("wasm");
const manifest = new URL("../package.json", import.meta.resolve("@jax-js/jax"));

await serve({
  version: JSON.parse(readFileSync(manifest, "utf8")).version,
  // Its workers need a global Worker, which Node does not have.
  threads: "Worker" in globalThis ? navigator.hardwareConcurrency : 1,
  workOf,
  prepare: (job) => {
    if (job.kind === "matmul") return matmul(job.size);
    if (job.kind === "train") return training(job);
    if (job.kind === "infer") return inference(job);
    if (job.kind === "peak") throw new Error("does not measure it");
    return convolution(job);
  },
});

/** @param {readonly number[]} shape @param {number} [scale] */
function randomArray(shape, scale = 1) {
  const values = noise(shape.reduce((size, dim) => size * dim, 1));
  return np.array(values.map((value) => value * scale)).reshape([...shape]);
}

/** @param {unknown} result */
async function finish(result) {
  const arrays = /** @type {NdArray[]} */ (result);
  await blockUntilReady(arrays);
  for (const array of arrays) array.dispose();
}

/** @param {number} size */
function matmul(size) {
  const a = randomArray([size, size]);
  const b = randomArray([size, size]);
  const product = jit((/** @type {NdArray} */ x, /** @type {NdArray} */ y) => np.matmul(x, y));
  return { once: () => finish([product(a.ref, b.ref)]) };
}

/** @param {Extract<Job, { kind: "conv" | "conv-input-grad" | "conv-filter-grad" }>} job */
function convolution({ kind, images, channels, size, kernel, groups }) {
  const pad = (kernel - 1) / 2;
  const x = randomArray([images, channels, size, size]);
  const w = randomArray([channels, channels / groups, kernel, kernel]);
  const conv = (/** @type {NdArray} */ a, /** @type {NdArray} */ b) =>
    lax.convGeneralDilated(
      a,
      b,
      [1, 1],
      [
        [pad, pad],
        [pad, pad],
      ],
      { featureGroupCount: groups },
    );
  if (kind === "conv") {
    const run = jit(conv);
    return { once: () => finish([run(x.ref, w.ref)]) };
  }
  const byInput = kind === "conv-input-grad";
  const gradient = jit((/** @type {NdArray} */ a, /** @type {NdArray} */ b, /** @type {NdArray} */ g) => {
    const [y, pullBack] = byInput
      ? vjp((/** @type {NdArray} */ v) => conv(v, b), [a])
      : vjp((/** @type {NdArray} */ v) => conv(a, v), [b]);
    y.dispose();
    return pullBack(g)[0];
  });
  return { once: () => finish([gradient(x.ref, w.ref, x.ref)]) };
}

/**
 * A network without batch norm: its parameters, and the function of them.
 *
 * @param {Network} network
 */
function build({ image, layers }) {
  let [channels, height] = image;
  let features = 0;
  /** @type {NdArray[]} */
  const parameters = [];
  /** @type {((x: NdArray, next: () => NdArray) => NdArray)[]} */
  const steps = [];
  for (const layer of layers) {
    if (layer.kind === "conv") {
      const { filters, kernel, padding } = layer;
      const fanIn = channels * kernel ** 2;
      parameters.push(randomArray([filters, channels, kernel, kernel], 1 / Math.sqrt(fanIn)));
      parameters.push(np.zeros([filters, 1, 1]));
      channels = filters;
      height += 2 * padding + 1 - kernel;
      /** @type {[number, number]} */
      const padTo = [padding, padding];
      steps.push((x, next) => lax.convGeneralDilated(x, next(), [1, 1], [padTo, padTo]).add(next()));
    } else if (layer.kind === "relu") steps.push((x) => nn.relu(x));
    else if (layer.kind === "max-pool") {
      height /= 2;
      steps.push((x) => {
        const [n = 0, c = 0, h = 0, w = 0] = x.shape;
        return np.max(x.reshape([n, c, h / 2, 2, w / 2, 2]), [3, 5]);
      });
    } else if (layer.kind === "flatten") {
      features = channels * height ** 2;
      steps.push((x) => x.reshape([x.shape[0] ?? 0, -1]));
    } else if (layer.kind === "dense") {
      parameters.push(randomArray([features, layer.units], 1 / Math.sqrt(features)));
      parameters.push(np.zeros([layer.units]));
      features = layer.units;
      steps.push((x, next) => np.matmul(x, next()).add(next()));
    } else throw new Error("a step would take more than ten seconds");
  }
  const forward = (/** @type {Arrays} */ weights, /** @type {NdArray} */ x) => {
    let used = 0;
    const next = () => {
      const weight = weights[used++];
      if (weight === undefined) throw new Error("too few weights");
      return weight;
    };
    return steps.reduce((value, step) => step(value, next), x);
  };
  return { parameters, forward };
}

/** @param {Extract<Job, { kind: "train" }>} job */
function training({ batch, optimizer, network }) {
  const { parameters: initial, forward } = build(network);
  if (optimizer !== "adam") throw new Error("a step would take more than ten seconds");
  const lossOf = (/** @type {Arrays} */ weights, /** @type {NdArray} */ x, /** @type {NdArray} */ y) => {
    const logs = nn.logSoftmax(forward(weights, x));
    return logs
      .mul(nn.oneHot(y, 10))
      .sum()
      .mul(-1 / batch);
  };
  // Adam in the same program as the gradients, with its bias corrections computed on the host.
  const step = jit(
    (
      /** @type {NdArray[][]} */ [weights = [], first = [], second = []],
      /** @type {NdArray} */ x,
      /** @type {NdArray} */ y,
      /** @type {NdArray} */ rates,
    ) => {
      const [loss, gradients] = valueAndGrad(lossOf)(
        weights.map((weight) => weight.ref),
        x,
        y,
      );
      const [rate, correction] = np.split(rates, 2);
      const firsts = first.map((m, i) => m.mul(0.9).add(at(gradients, i).ref.mul(0.1)));
      const seconds = second.map((v, i) => v.mul(0.999).add(np.square(at(gradients, i)).mul(0.001)));
      const updated = weights.map((weight, i) => {
        const scale = np.sqrt(at(seconds, i).ref.mul(at([correction], 0).ref)).add(1e-8);
        return weight.sub(
          at(firsts, i)
            .ref.mul(at([rate], 0).ref)
            .div(scale),
        );
      });
      at([rate], 0).dispose();
      at([correction], 0).dispose();
      return [[updated, firsts, seconds], loss];
    },
  );
  const zeros = () => initial.map((weight) => np.zeros(weight.shape));
  let state = [initial, zeros(), zeros()];
  let count = 0;
  const [channels, height, width] = network.image;
  const nextBatch = shuffledBatches(batch, channels * height * width);
  return {
    once: async () => {
      const { x, y } = nextBatch();
      count++;
      const rates = np.array(new Float32Array([1e-3 / (1 - 0.9 ** count), 1 / (1 - 0.999 ** count)]));
      const images = np.array(x).reshape([batch, channels, height, width]);
      const result = step(state, images, np.array(y), rates);
      state = /** @type {NdArray[][]} */ (result[0]);
      await finish([result[1]]);
      await blockUntilReady(state);
    },
  };
}

/** @template T @param {readonly (T | undefined)[]} list @param {number} index @returns {T} */
function at(list, index) {
  const item = list[index];
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
}

/** @param {Extract<Job, { kind: "infer" }>} job */
function inference({ batch, network }) {
  const { parameters, forward } = build(network);
  const run = jit((/** @type {NdArray[]} */ weights, /** @type {NdArray} */ x) => forward(weights, x));
  const data = noise(batch * network.image.reduce((product, dim) => product * dim, 1));
  return {
    once: async () => {
      const x = np.array(data).reshape([batch, ...network.image]);
      const scores = run(
        parameters.map((weight) => weight.ref),
        x,
      );
      await scores.data();
    },
  };
}
