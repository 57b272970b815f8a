// Measures ours and the peers in turns, round by round, so that a machine that slows down slows all of them.
import { setTimeout as sleep } from "node:timers/promises";
import { unitOf } from "./jobs.mjs";
import { driverOf } from "./runtimes.mjs";

/**
 * @typedef {import("./jobs.mjs").Job} Job
 * @typedef {import("./runtimes.mjs").Runtime} Runtime
 * @typedef {import("./runtimes.mjs").Driver} Driver
 *
 * @typedef {object} Measured one runtime on one job: a value, or why there is none
 * @property {string} runtime
 * @property {number} [value] the median
 * @property {number[]} [rounds]
 * @property {number} [images] how many, where it did a smaller form of the job
 * @property {string} [skipped]
 *
 * @typedef {{ job: string, unit: string, measured: Measured[] }} JobResult
 *
 * @typedef {{ name: string, title: string, version?: string, threads?: number, adapter?: string, missing?: string }} Participant
 *
 * @typedef {object} Options
 * @property {readonly Runtime[]} runtimes ours comes first
 * @property {readonly Job[]} jobs
 * @property {import("./runtimes.mjs").Setup} setup
 * @property {number} rounds
 * @property {number} milliseconds
 * @property {(text: string) => void} report
 */

/** A run that takes longer needs no warm-up, and is repeated once only. */
const LONG_MS = 1500;
/** What a runtime that was just at work may still do, like threads that spin before they sleep. */
const SETTLE_MS = 30;

/**
 * @param {Options} options
 * @returns {Promise<{ participants: Participant[], results: JobResult[] }>}
 */
export async function measure(options) {
  const { runtimes, jobs, setup, report } = options;
  const { processes, participants } = await start(runtimes, setup);
  /** @type {JobResult[]} */
  const results = [];
  try {
    for (const job of jobs) {
      report(`${job.name} …`);
      results.push(await measureJob(job, processes, options));
    }
  } finally {
    for (const { child } of processes) child.close();
  }
  return { participants, results };
}

/**
 * @param {readonly Runtime[]} runtimes
 * @param {import("./runtimes.mjs").Setup} setup
 */
async function start(runtimes, setup) {
  /** @type {{ runtime: Runtime, child: Driver }[]} */
  const processes = [];
  /** @type {Participant[]} */
  const participants = [];
  for (const runtime of runtimes) {
    const { name, title } = runtime;
    const child = driverOf(runtime, setup);
    try {
      participants.push({ name, title, ...(await child.hello()) });
      processes.push({ runtime, child });
    } catch (error) {
      child.close();
      participants.push({ name, title, missing: messageOf(error) });
    }
  }
  return { processes, participants };
}

/**
 * @param {Job} job
 * @param {{ runtime: Runtime, child: Driver }[]} processes those that end are taken out
 * @param {Options} options
 * @returns {Promise<JobResult>}
 */
async function measureJob(job, processes, { rounds, milliseconds, setup, report }) {
  /** @type {Map<string, Measured>} */
  const measured = new Map();
  /** @type {{ runtime: Runtime, child: Driver, values: number[], last: number }[]} */
  const running = [];
  for (const entry of processes) {
    const { runtime } = entry;
    const skipped = runtime.skip?.(job);
    const given = runtime.lighter?.(job) ?? job;
    const images = "images" in given && given !== job ? { images: given.images } : {};
    measured.set(runtime.name, { runtime: runtime.name, ...images, ...(skipped && { skipped }) });
    if (skipped !== undefined) continue;
    try {
      await entry.child.prepare(given);
      const first = await entry.child.run(milliseconds / 2);
      running.push({
        ...entry,
        values: first.milliseconds > LONG_MS ? [first.value] : [],
        last: first.milliseconds,
      });
    } catch (error) {
      measured.set(runtime.name, { runtime: runtime.name, skipped: messageOf(error) });
      entry.child = await again(entry.child, runtime, setup);
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const entry of running) {
      if (entry.last > LONG_MS && entry.values.length >= 2) continue;
      await sleep(SETTLE_MS);
      const { value, milliseconds: taken } = await entry.child.run(milliseconds);
      entry.values.push(value);
      entry.last = taken;
    }
  }
  for (const { runtime, child, values } of running) {
    const before = measured.get(runtime.name);
    measured.set(runtime.name, { runtime: runtime.name, ...before, value: median(values), rounds: values });
    await child.dispose();
  }
  const result = { job: job.name, unit: unitOf(job), measured: [...measured.values()] };
  report(`${line(result)}\n`);
  return result;
}

/**
 * A driver that failed may have ended.
 *
 * @param {Driver} child
 * @param {Runtime} runtime
 * @param {import("./runtimes.mjs").Setup} setup
 */
async function again(child, runtime, setup) {
  try {
    await child.dispose();
    return child;
  } catch {
    child.close();
    const next = driverOf(runtime, setup);
    await next.hello();
    return next;
  }
}

/** @param {JobResult} result */
function line({ job, unit, measured }) {
  const values = measured.map(({ runtime, value, skipped }) =>
    value === undefined ? `${runtime} – (${skipped})` : `${runtime} ${value.toPrecision(4)}`,
  );
  return `${job} [${unit}]: ${values.join(", ")}`;
}

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? NaN) + (sorted[Math.floor(half)] ?? NaN)) / 2;
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
