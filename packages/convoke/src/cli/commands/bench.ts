import {
  benchJobs,
  measureJob,
  type BenchBackend,
  type BenchJob,
  type BenchResult,
} from "../../bench/index.js";
import { openBackend } from "../backends.js";
import { suggestion } from "../nearest-name.js";
import type { Terminal } from "../terminal.js";
import { UsageError } from "../usage-error.js";

export interface BenchOptions {
  readonly backend: string;
  readonly threads?: number;
  readonly only?: readonly string[];
}

const jobNames = benchJobs.map(({ name }) => name);
const nameWidth = Math.max(...jobNames.map((name) => name.length));

/** `convoke bench`: how fast this machine computes, trains and runs networks. */
export async function benchCommand(options: BenchOptions, terminal: Terminal): Promise<void> {
  const jobs = options.only === undefined ? benchJobs : options.only.map(jobNamed);
  const backend: BenchBackend = await openBackend(options.backend, { threads: options.threads });
  const threads = backend.threads ?? 1;
  const features = featuresOf(backend);
  terminal.print(
    `backend ${backend.name}, ${threads} ${threads === 1 ? "thread" : "threads"}${features.map((feature) => `, ${feature}`).join("")}\n`,
  );
  const results: BenchResult[] = [];
  try {
    for (const job of jobs) {
      const refusal = job.refusal?.(backend);
      if (refusal !== undefined) {
        terminal.print(`${job.name.padEnd(nameWidth)}  left out: ${refusal}`);
        continue;
      }
      if (terminal.interactive) terminal.progress(`${job.name}: ${job.about} …`);
      const result = await measureJob(job, backend);
      if (terminal.interactive) terminal.progress("\r\u001b[K");
      results.push(result);
      terminal.print(line(result, job, results));
    }
  } finally {
    await backend.dispose();
  }
  terminal.result({ backend: backend.name, threads, features, results });
}

function jobNamed(name: string): BenchJob {
  const job = benchJobs.find((known) => known.name === name);
  if (job !== undefined) return job;
  throw new UsageError({
    operation: "--only",
    problem: `there is no job "${name}".`,
    wayOut: suggestion(name, jobNames),
  });
}

/** What the backend says that it makes use of. */
function featuresOf(backend: BenchBackend): string[] {
  if (backend.fused === undefined) return [];
  return backend.fused ? ["simd", "relaxed-simd"] : ["simd"];
}

function line({ name, value, unit }: BenchResult, job: BenchJob, results: readonly BenchResult[]): string {
  const peak = results.find((result) => result.name === "fma-peak");
  const isShare = peak !== undefined && job.operations !== undefined;
  const share = isShare ? `  ${((100 * value) / peak.value).toFixed(0).padStart(4)} % of fma-peak` : "";
  const digits = value < 100 ? 2 : 0;
  return `${name.padEnd(nameWidth)}  ${value.toFixed(digits).padStart(9)} ${unit}${share}`;
}
