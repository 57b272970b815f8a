/**
 * Benchmark jobs: single ops, training steps and inference, on any backend. They are what `convoke bench` measures, and
 * what a new backend can be measured with.
 *
 * @packageDocumentation
 */
import type { BenchJob } from "./job.js";
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
export { cifarCnn } from "./cifar-cnn.js";

/** All jobs: `fma-peak` first, then the kernels, training and inference. */
export const benchJobs: readonly BenchJob[] = [...kernelJobs, ...networkJobs];

/** The job of this name, if there is one. */
export function benchJob(name: string): BenchJob | undefined {
  return benchJobs.find((job) => job.name === name);
}
