// A driver's side of the conversation: a request is a line of JSON on stdin, an answer a line on stdout behind a mark,
// because libraries print there as well.
import { createInterface } from "node:readline";
import process from "node:process";

/**
 * @typedef {import("../jobs.mjs").Job} Job
 *
 * @typedef {object} Prepared
 * @property {() => unknown} once does the job's work once
 * @property {() => void} [dispose]
 *
 * @typedef {object} TimedJob for a runtime that keeps the time itself
 * @property {(milliseconds: number) => Promise<number>} run gives the speed
 * @property {() => unknown} [dispose]
 *
 * @typedef {object} Driver
 * @property {string} version
 * @property {number} threads
 * @property {(job: Job) => Promise<Prepared | TimedJob> | Prepared} prepare
 * @property {(job: Job) => number} workOf what one run does, in the job's unit
 */

export const MARK = "@bench ";

/** @param {Driver} driver */
export async function serve(driver) {
  /** @type {TimedJob | undefined} */
  let current;
  answer({ version: driver.version, threads: driver.threads });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    try {
      if (request.prepare !== undefined) {
        const start = performance.now();
        current = await prepare(driver, request.prepare);
        answer({ prepared: performance.now() - start });
      } else if (request.run !== undefined) {
        const start = performance.now();
        const value = await current?.run(request.run);
        answer({ value, milliseconds: performance.now() - start });
      } else {
        await current?.dispose?.();
        current = undefined;
        answer({});
      }
    } catch (error) {
      answer({ error: error instanceof Error ? error.message : String(error) });
    }
  }
  process.exit(0);
}

/**
 * Runs once, so that what is compiled is compiled.
 *
 * @param {Driver} driver
 * @param {Job} job
 * @returns {Promise<TimedJob>}
 */
async function prepare({ prepare: open, workOf }, job) {
  const prepared = await open(job);
  if ("run" in prepared) return prepared;
  const { once, dispose } = prepared;
  await once();
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
      return (1000 * count * work) / elapsed;
    },
    ...(dispose !== undefined && { dispose }),
  };
}

/** @param {Record<string, unknown>} message */
function answer(message) {
  process.stdout.write(`${MARK}${JSON.stringify(message)}\n`);
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
