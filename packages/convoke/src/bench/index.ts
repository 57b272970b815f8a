/**
 * Benchmark jobs: single ops, training steps and inference, on any backend. They are what `convoke bench` measures, and
 * what a new backend can be measured with.
 *
 * @packageDocumentation
 */
import { deviceJobs } from "./device-jobs.js";
import type { BenchBackend, BenchJob } from "./job.js";
import { kernelJobs } from "./kernel-jobs.js";
import { networkJobs } from "./network-jobs.js";

export {
  measureJob,
  median,
  type BenchBackend,
  type BenchJob,
  type BenchResult,
  type BenchUnit,
  type MeasureOptions,
  type PreparedJob,
} from "./job.js";
export { convolutionJob, matmulJob, type ConvolutionSize } from "./kernel-jobs.js";
export { lenet5InferenceJob, resnetTrainingJob } from "./network-jobs.js";
export { cifarCnn } from "./cifar-cnn.js";

export { roofOf, type RoofShare } from "./roof.js";

/** The jobs of every backend: `fma-peak` first, then the kernels, training and inference. */
export const benchJobs: readonly BenchJob[] = [...kernelJobs, ...networkJobs];

export { deviceJobs };

/** All jobs that fit a backend; one that measures the bandwidth of its memory has the larger ones of a GPU, too. */
export function benchJobsOf(backend: BenchBackend): readonly BenchJob[] {
  return backend.measureBandwidth === undefined ? benchJobs : [...benchJobs, ...deviceJobs];
}

/** The job of this name, if there is one. */
export function benchJob(name: string): BenchJob | undefined {
  return [...benchJobs, ...deviceJobs].find((job) => job.name === name);
}
