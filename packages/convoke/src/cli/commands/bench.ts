import type { Profile } from "@convoke/backend-webgpu";
import {
  benchJob,
  benchJobs,
  benchJobsOf,
  deviceJobs,
  measureJob,
  roofOf,
  type BenchBackend,
  type BenchJob,
  type BenchResult,
  type RoofShare,
} from "../../bench/index.js";
import { adapterOf, openBackend } from "../backends.js";
import { profileText, takeProfile } from "../kernel-profile.js";
import { suggestion } from "../nearest-name.js";
import type { Terminal } from "../terminal.js";
import { UsageError } from "../usage-error.js";

export interface BenchOptions {
  readonly backend: string;
  readonly threads?: number;
  readonly only?: readonly string[];
  readonly profile?: boolean;
}

const jobNames = [...benchJobs, ...deviceJobs].map(({ name }) => name);
const nameWidth = Math.max(...jobNames.map((name) => name.length));

/** `convoke bench`: how fast this machine computes, trains and runs networks. */
export async function benchCommand(options: BenchOptions, terminal: Terminal): Promise<void> {
  const wanted = options.only?.map(jobNamed);
  const { threads: given, profile } = options;
  const backend: BenchBackend = await openBackend(options.backend, { threads: given, profile });
  const threads = backend.threads ?? 1;
  const features = featuresOf(backend);
  terminal.print(
    `backend ${backend.name}, ${threads} ${threads === 1 ? "thread" : "threads"}${features.map((feature) => `, ${feature}`).join("")}\n`,
  );
  const results: Measured[] = [];
  try {
    for (const job of wanted ?? benchJobsOf(backend)) {
      const refusal = job.refusal?.(backend);
      if (refusal !== undefined) {
        terminal.print(`${job.name.padEnd(nameWidth)}  left out: ${refusal}`);
        continue;
      }
      if (terminal.interactive) terminal.progress(`${job.name}: ${job.about} …`);
      const result = await measureJob(job, backend);
      if (terminal.interactive) terminal.progress("\r\u001b[K");
      const kernels = takeProfile(backend);
      const roof = roofOf(result, results);
      results.push({ ...result, ...roof, ...(kernels && { profile: kernels }) });
      terminal.print(line(result, roof));
      if (kernels !== undefined) terminal.print(profileText(kernels));
    }
  } finally {
    await backend.dispose();
  }
  terminal.result({ backend: backend.name, threads, features, results });
}

/** A result with what it is compared to and made of. */
type Measured = BenchResult & Partial<RoofShare> & { readonly profile?: Profile };

function jobNamed(name: string): BenchJob {
  const job = benchJob(name);
  if (job !== undefined) return job;
  throw new UsageError({
    operation: "--only",
    problem: `there is no job "${name}".`,
    wayOut: suggestion(name, jobNames),
  });
}

/** What the backend says that it makes use of. */
function featuresOf(backend: BenchBackend): string[] {
  const adapter = adapterOf(backend);
  if (adapter !== undefined) return [adapter];
  if (backend.fused === undefined) return [];
  return backend.fused ? ["simd", "relaxed-simd"] : ["simd"];
}

function line({ name, value, unit }: BenchResult, roof: RoofShare | undefined): string {
  const share = roof === undefined ? "" : `  ${(100 * roof.share).toFixed(0).padStart(4)} % of ${roof.limit}`;
  const digits = value < 100 ? 2 : 0;
  return `${name.padEnd(nameWidth)}  ${value.toFixed(digits).padStart(9)} ${unit}${share}`;
}
