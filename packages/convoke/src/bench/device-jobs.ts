// What is asked of a GPU besides: sizes that fill one, and its memory.
import { byteLength, relu } from "@convoke/core";
import type { BenchJob } from "./job.js";
import { convolutionJob, inType, matmulJob, suffixOf } from "./kernel-jobs.js";
import { limitJob } from "./limit-job.js";
import { resnetTrainingJob } from "./network-jobs.js";
import { opJob } from "./op-job.js";

/** Elements that no cache holds. */
const ELEMENTS = 2 ** 26;

/** Ops that run as one: their speed is that of the memory. */
function chainJob(dtype: "float16" | "float32"): BenchJob {
  return opJob({
    name: `elementwise-chain${suffixOf(dtype)}`,
    about: `relu(x · 1.5 + 0.5) · x over 2²⁶ elements, read once and written once${inType(dtype)}`,
    operands: [[ELEMENTS]],
    dtype,
    op: (x) => relu(x!.mul(1.5).add(0.5)).mul(x!),
    bytes: 2 * byteLength(dtype, ELEMENTS),
  });
}

export const deviceJobs: readonly BenchJob[] = [
  limitJob({
    name: "memory-bandwidth",
    unit: "GB/s",
    about: "copying a large array: the limit of the memory",
    measure: "measureBandwidth",
  }),
  chainJob("float32"),
  chainJob("float16"),
  matmulJob(2048),
  matmulJob(4096),
  matmulJob(4096, "float16"),
  convolutionJob("conv2d-3x3-64-56", { channels: 64, size: 56, kernel: 3 }, "float16"),
  resnetTrainingJob(128),
  resnetTrainingJob(128, "mixed"),
];
