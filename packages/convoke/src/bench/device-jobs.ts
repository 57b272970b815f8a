// What is asked of a GPU besides: sizes that fill one, and its memory.
import { relu } from "@convoke/core";
import type { BenchJob } from "./job.js";
import { matmulJob } from "./kernel-jobs.js";
import { limitJob } from "./limit-job.js";
import { resnetTrainingJob } from "./network-jobs.js";
import { opJob } from "./op-job.js";

/** Elements that no cache holds. */
const ELEMENTS = 2 ** 26;
const FLOAT_BYTES = 4;

export const deviceJobs: readonly BenchJob[] = [
  limitJob({
    name: "memory-bandwidth",
    unit: "GB/s",
    about: "copying a large array: the limit of the memory",
    measure: "measureBandwidth",
  }),
  opJob({
    name: "elementwise-chain",
    about: "relu(x · 1.5 + 0.5) · x over 2²⁶ elements, read once and written once",
    operands: [[ELEMENTS]],
    op: (x) => relu(x!.mul(1.5).add(0.5)).mul(x!),
    bytes: 2 * ELEMENTS * FLOAT_BYTES,
  }),
  matmulJob(2048),
  matmulJob(4096),
  resnetTrainingJob(128),
];
