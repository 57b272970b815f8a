// The jobs in jax-js, on whatever device was chosen. Every function takes ownership of its arguments: what is used again
// is passed as `x.ref`.
import { blockUntilReady, jit, lax, nn, numpy as np, valueAndGrad, vjp } from "@jax-js/jax";
import { noise, shuffledBatches } from "./work.mjs";

/**
 * @typedef {import("../jobs.mjs").Job} Job
 * @typedef {import("../jobs.mjs").Network} Network
 * @typedef {import("@jax-js/jax").numpy.Array} NdArray
 * @typedef {readonly NdArray[]} Arrays
 */

/** @param {Job} job */
export function prepareJob(job) {
  if (job.kind === "matmul") return matmul(job.size);
  if (job.kind === "train") return training(job);
  if (job.kind === "infer") return inference(job);
  if (job.kind === "peak") throw new Error("does not measure it");
  return convolution(job);
}

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
 * A network as its parameters and the function of them; batch norm takes the statistics of the batch.
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
    } else if (layer.kind === "batch-norm") {
      parameters.push(np.ones([channels, 1, 1]), np.zeros([channels, 1, 1]));
      steps.push((x, next) => {
        const keep = { keepdims: true };
        const centred = x.ref.sub(np.mean(x, [0, 2, 3], keep));
        const variance = np.mean(np.square(centred.ref), [0, 2, 3], keep);
        return centred
          .div(np.sqrt(variance.add(1e-5)))
          .mul(next())
          .add(next());
      });
    } else throw new Error(`has no ${layer.kind} here`);
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
  const lossOf = (/** @type {Arrays} */ weights, /** @type {NdArray} */ x, /** @type {NdArray} */ y) => {
    const logs = nn.logSoftmax(forward(weights, x));
    return logs
      .mul(nn.oneHot(y, 10))
      .sum()
      .mul(-1 / batch);
  };
  const update = optimizer === "adam" ? adam : momentum;
  // The update is in the same program as the gradients.
  const step = jit(
    (
      /** @type {NdArray[][]} */ state,
      /** @type {NdArray} */ x,
      /** @type {NdArray} */ y,
      /** @type {NdArray} */ rates,
    ) => {
      const weights = at(state, 0).map((weight) => weight.ref);
      const [loss, gradients] = valueAndGrad(lossOf)(weights, x, y);
      return [update(state, /** @type {Arrays} */ (gradients), rates), loss];
    },
  );
  const zeros = () => initial.map((weight) => np.zeros(weight.shape));
  let state = optimizer === "adam" ? [initial, zeros(), zeros()] : [initial, zeros()];
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

/** @typedef {(state: NdArray[][], gradients: Arrays, rates: NdArray) => NdArray[][]} Update */

/**
 * Adam, with its bias corrections computed on the host.
 *
 * @type {Update}
 */
function adam([weights = [], first = [], second = []], gradients, rates) {
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
  return [updated, firsts, seconds];
}

/** @type {Update} */
function momentum([weights = [], velocities = []], gradients, rates) {
  rates.dispose();
  const moved = velocities.map((velocity, i) => velocity.mul(0.9).add(at(gradients, i)));
  return [weights.map((weight, i) => weight.sub(at(moved, i).ref.mul(0.01))), moved];
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
