// The jobs that all libraries are told, as Convoke does them.
import { benchJob, convolutionJob, lenet5InferenceJob, matmulJob, type BenchJob } from "convoke/bench";
import type { Job } from "./jobs.mjs";

/** One of `convoke bench`, or one of the same making in another size. */
export function benchJobOf(job: Job): BenchJob {
  const known = benchJob(job.name);
  if (known !== undefined) return known;
  if (job.kind === "matmul") return matmulJob(job.size);
  if (job.kind === "conv") return convolutionJob(job.name, job);
  if (job.kind === "infer" && job.name.startsWith("infer-lenet5-")) return lenet5InferenceJob(job.batch);
  throw new Error(`there is no job "${job.name}"`);
}
