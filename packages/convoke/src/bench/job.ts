// What a benchmark job is, and how its speed is taken.
import type { Backend } from "@convoke/core";

/** A backend as the jobs see it; what is optional is what `@convoke/backend-cpu` tells and others may. */
export interface BenchBackend extends Backend {
  /** How many threads a run uses. */
  readonly threads?: number;
  /** Whether kernels use fused multiply-add. */
  readonly fused?: boolean;
  /** The limit of the machine in GFLOP/s, on all threads at once. */
  measurePeak?(): Promise<number>;
  /** The limit of the memory in GB/s: what is read and what is written both count. */
  measureBandwidth?(): Promise<number>;
  /** What the device is; `shader-f16` among its features stands for half precision. */
  readonly info?: { readonly adapter: string; readonly features: readonly string[] };
  /** Waits until what was started is done, where a run may go on after its promise is resolved. */
  settled?(): Promise<void>;
}

export type BenchUnit = "GFLOP/s" | "GB/s" | "images/s";

/** A job that is compiled and has run once. */
export interface PreparedJob {
  /** Works for at least so many milliseconds, and gives the speed in the job's unit. At its end nothing is under way. */
  run(milliseconds: number): Promise<number>;
  dispose(): Promise<void>;
}

export interface BenchJob {
  readonly name: string;
  readonly unit: BenchUnit;
  /** What it does, in a few words. */
  readonly about: string;
  /** Multiply-adds of the direct algorithm in one run, counted as two operations each. Only where the unit is GFLOP/s. */
  readonly operations?: number;
  /** Bytes that one run reads and writes at the least. Only where the unit is GB/s. */
  readonly bytes?: number;
  /** Why it does not run on this backend, if it does not. */
  refusal?(backend: BenchBackend): string | undefined;
  /** Makes data, compiles, and runs once. */
  prepare(backend: BenchBackend): Promise<PreparedJob>;
}

export interface BenchResult {
  readonly name: string;
  /** The median of the rounds. */
  readonly value: number;
  readonly unit: BenchUnit;
}

export interface MeasureOptions {
  /** How often the speed is taken. Default 5. */
  readonly rounds?: number;
  /** How long each round takes at least; one more round goes before, as a warm-up. Default 200. */
  readonly milliseconds?: number;
}

/** On a backend that needs much longer for one run than a round lasts, rounds end after so many times their length. */
const PATIENCE = 10;

/**
 * The speed of one job on one backend: compiled, warmed up, then the median of several rounds.
 *
 * @example
 * ```ts
 * import { benchJob, measureJob } from "convoke/bench";
 * import { cpu } from "convoke";
 *
 * const job = benchJob("matmul-256")!;
 * const { value, unit } = await measureJob(job, await cpu(), { rounds: 3, milliseconds: 20 });
 * console.log(value > 0, unit); // true GFLOP/s
 * ```
 */
export async function measureJob(
  job: BenchJob,
  backend: BenchBackend,
  { rounds = 5, milliseconds = 200 }: MeasureOptions = {},
): Promise<BenchResult> {
  const prepared = await job.prepare(backend);
  try {
    const start = performance.now();
    await prepared.run(milliseconds);
    const values: number[] = [];
    do {
      values.push(await prepared.run(milliseconds));
    } while (values.length < rounds && performance.now() - start < PATIENCE * rounds * milliseconds);
    return { name: job.name, value: median(values), unit: job.unit };
  } finally {
    await prepared.dispose();
  }
}

/** The middle one of these numbers, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2;
}

/** Runs `once` for at least so many milliseconds, and waits until all is `settled`; how often it ran per second. */
export async function timesPerSecond(
  milliseconds: number,
  once: () => Promise<void>,
  settled: () => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  const start = performance.now();
  let count = 0;
  do {
    await once();
    count++;
  } while (performance.now() - start < milliseconds);
  await settled();
  return (1000 * count) / (performance.now() - start);
}
