// Who is measured: how each is started, and what it is spared.
import { fileURLToPath } from "node:url";
import { DriverProcess } from "./driver-process.mjs";

/**
 * @typedef {import("./jobs.mjs").Job} Job
 *
 * @typedef {object} Setup
 * @property {number} threads
 * @property {string} node the Node that runs Convoke; the peers run on that of this process
 * @property {string} ours the bundled driver of Convoke
 * @property {string} models the folder of the jobs as ONNX models
 * @property {Readonly<Record<string, string>>} [environment] of the processes: a Vulkan driver
 * @property {{ open(name: string): Driver }} [pages] Chromium, for those that run in one
 *
 * @typedef {DriverProcess | import("./driver-page.mjs").DriverPage} Driver
 *
 * @typedef {object} Runtime
 * @property {string} name
 * @property {string} title
 * @property {(setup: Setup) => readonly [command: string, ...args: string[]]} [start] as a process
 * @property {string} [page] as a page: its name
 * @property {(job: Job) => string | undefined} [skip] why it does not take part in a job
 * @property {(job: Job) => Job} [lighter] a smaller form of a job: the speed is the same, one run takes seconds
 */

/**
 * The other side of the conversation with a runtime, in a process or in a page of its own.
 *
 * @param {Runtime} runtime
 * @param {Setup} setup
 * @returns {Driver}
 */
export function driverOf({ start, page, title }, setup) {
  if (start !== undefined) return new DriverProcess(start(setup), setup.environment);
  if (page === undefined || setup.pages === undefined) throw new Error(`${title} has nowhere to run`);
  return setup.pages.open(page);
}

/** @param {string} file */
const driver = (file) => fileURLToPath(new URL(`drivers/${file}`, import.meta.url));

/** @type {Runtime} */
export const ours = {
  name: "convoke",
  title: "Convoke",
  start: ({ node, ours: file, threads }) => [node, file, "cpu", String(threads)],
};

/** @param {Job} job */
const noTraining = (job) => (job.kind === "train" ? "runs inference only" : undefined);

/** @param {Job} job */
const onlyTraining = (job) => (job.kind === "train" ? undefined : "is measured by training");

/** @param {Job} job @returns {job is Extract<Job, { images: number }>} */
const isConvolution = (job) => "images" in job;

/** @param {Job} job */
const usesBatchNorm = (job) =>
  (job.kind === "train" || job.kind === "infer") &&
  job.network.layers.some(({ kind }) => kind === "batch-norm");

/**
 * For runtimes that need some ten seconds for 10 GFLOP.
 *
 * @param {Job} job
 */
const tooSlow = (job) => (usesBatchNorm(job) ? "a run takes more than ten seconds" : undefined);

/** @param {Job} job @returns {Job} */
const oneImage = (job) => (isConvolution(job) && job.groups === 1 ? { ...job, images: 1 } : job);

/** @type {readonly Runtime[]} */
const known = [
  {
    name: "one-thread",
    title: "Convoke, 1 thread",
    start: ({ node, ours: file }) => [node, file, "cpu", "1"],
  },
  {
    name: "convoke-onnxruntime",
    title: "Convoke through onnxruntime-node",
    start: ({ node, ours: file, threads }) => [node, file, "onnxruntime-node", String(threads)],
    skip: onlyTraining,
  },
  {
    name: "convoke-onnxruntime-web",
    title: "Convoke through onnxruntime-web, WASM",
    start: ({ node, ours: file, threads }) => [node, file, "onnxruntime-web", String(threads)],
    skip: onlyTraining,
  },
  {
    name: "pytorch",
    title: "PyTorch",
    start: ({ threads }) => ["/usr/bin/python3", driver("pytorch.py"), String(threads)],
  },
  {
    name: "onnxruntime-node",
    title: "onnxruntime-node",
    start: ({ threads, models }) => [
      process.execPath,
      driver("onnxruntime.mjs"),
      "node",
      String(threads),
      models,
    ],
    skip: noTraining,
  },
  {
    name: "onnxruntime-web",
    title: "onnxruntime-web, WASM",
    start: ({ threads, models }) => [
      process.execPath,
      driver("onnxruntime.mjs"),
      "web",
      String(threads),
      models,
    ],
    skip: noTraining,
  },
  {
    name: "tfjs-wasm",
    title: "TensorFlow.js, WASM",
    start: ({ threads }) => [process.execPath, driver("tfjs.mjs"), "wasm", String(threads)],
    skip: (job) =>
      job.kind === "train" || job.kind === "conv-filter-grad"
        ? "cannot train: it has no gradient by the kernels"
        : undefined,
    lighter: (job) => (job.kind === "conv-input-grad" ? { ...job, images: 4 } : job),
  },
  {
    name: "jax-js",
    title: "jax-js, WASM",
    start: () => [process.execPath, driver("jax-js.mjs")],
    skip: (job) =>
      job.kind === "conv-filter-grad" ? "a run on a single image takes more than ten seconds" : tooSlow(job),
    lighter: oneImage,
  },
  {
    name: "tfjs-cpu",
    title: "TensorFlow.js, plain",
    start: ({ threads }) => [process.execPath, driver("tfjs.mjs"), "cpu", String(threads)],
    skip: (job) =>
      job.name === "matmul-1024"
        ? "a run takes more than ten seconds"
        : job.kind === "conv-filter-grad"
          ? "a run on a single image takes more than ten seconds"
          : tooSlow(job),
    lighter: oneImage,
  },
];

/** @type {readonly Runtime[]} */
export const peers = known.map((peer) => ({
  ...peer,
  skip: (job) => (job.kind === "peak" ? "does not measure it" : peer.skip?.(job)),
}));

/**
 * On WebGPU, all on the same adapter: Convoke first. Those with a page run in Chromium, the last one in Node.
 *
 * @type {readonly Runtime[]}
 */
export const gpuRuntimes = [
  { name: "convoke", title: "Convoke", page: "convoke" },
  { name: "tfjs-webgpu", title: "TensorFlow.js, WebGPU", page: "tfjs" },
  { name: "jax-js-webgpu", title: "jax-js, WebGPU", page: "jax-js" },
  { name: "onnxruntime-webgpu", title: "onnxruntime-web, WebGPU", page: "onnxruntime", skip: noTraining },
  {
    name: "convoke-node",
    title: "Convoke in Node",
    start: ({ node, ours: file }) => [node, file, "webgpu"],
  },
];
