// What drivers share, in Node and in pages: timing, and the data.

/**
 * @typedef {import("../jobs.mjs").Job} Job
 *
 * @typedef {object} Prepared
 * @property {() => unknown} once does the job's work once
 * @property {() => Promise<void>} [settled] waits until what was started is done
 * @property {() => void} [dispose]
 *
 * @typedef {object} TimedJob for a runtime that keeps the time itself
 * @property {(milliseconds: number) => Promise<number>} run gives the speed
 * @property {() => unknown} [dispose]
 *
 * @typedef {object} Driver
 * @property {string} version
 * @property {string} [adapter] the GPU that it runs on
 * @property {number} threads
 * @property {(job: Job) => Promise<Prepared | TimedJob> | Prepared} prepare
 * @property {(job: Job) => number} workOf what one run does, in the job's unit
 */

/** Runs that may be under way on a GPU before the next one waits. */
const MOST_UNDER_WAY = 3;

/**
 * For GPUs: lets a few runs be under way, as training loops do that do not read each loss.
 *
 * @param {() => Promise<unknown>} done resolves when all that was submitted so far is done
 */
export function pace(done) {
  /** @type {Promise<unknown>[]} */
  const underWay = [];
  return {
    next: async () => {
      underWay.push(done());
      if (underWay.length > MOST_UNDER_WAY) await underWay.shift();
    },
    settled: async () => {
      await Promise.all(underWay.splice(0));
    },
  };
}

/**
 * Runs once, so that what is compiled is compiled.
 *
 * @param {Driver} driver
 * @param {Job} job
 * @returns {Promise<TimedJob>}
 */
export async function prepareTimed({ prepare: open, workOf }, job) {
  const prepared = await open(job);
  if ("run" in prepared) return prepared;
  const { once, dispose, settled } = prepared;
  await once();
  await settled?.();
  const work = workOf(job);
  return {
    run: async (milliseconds) => {
      const start = performance.now();
      let count = 0;
      let elapsed = 0;
      while (elapsed < milliseconds || count === 0) {
        await once();
        count++;
        elapsed = performance.now() - start;
      }
      await settled?.();
      elapsed = performance.now() - start;
      return (1000 * count * work) / elapsed;
    },
    ...(dispose !== undefined && { dispose }),
  };
}

/**
 * Numbers from −1 to 1, the same ones each time.
 *
 * @param {number} length
 */
export function noise(length) {
  let state = 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/**
 * Batches of a shuffled set of noise, as a training loop takes them.
 *
 * @param {number} batch
 * @param {number} imageSize
 */
export function shuffledBatches(batch, imageSize) {
  const count = 16 * batch;
  const images = noise(count * imageSize);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  let next = count;
  return () => {
    if (next + batch > count) {
      for (let i = count - 1; i > 0; i--) {
        const j = Math.floor(Math.random() * (i + 1));
        [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
      }
      next = 0;
    }
    const x = new Float32Array(batch * imageSize);
    const y = new Int32Array(batch);
    for (let row = 0; row < batch; row++, next++) {
      const from = order[next] ?? 0;
      x.set(images.subarray(from * imageSize, (from + 1) * imageSize), row * imageSize);
      y[row] = from % 10;
    }
    return { x, y };
  };
}
