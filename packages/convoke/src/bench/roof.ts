// The roofline: what share of the machine's limit a job reaches.
import type { BenchResult, BenchUnit } from "./job.js";

/** How much of a limit a result is. */
export interface RoofShare {
  /** The job that measured the limit. */
  readonly limit: string;
  /** Of 1. Algorithms that save multiply-adds can exceed it. */
  readonly share: number;
}

const limits: Partial<Record<BenchUnit, string>> = { "GFLOP/s": "fma-peak", "GB/s": "memory-bandwidth" };

/** The share of the limit that was measured in the same unit; undefined for limits, and where none was measured. */
export function roofOf(result: BenchResult, results: readonly BenchResult[]): RoofShare | undefined {
  const limit = limits[result.unit];
  const measured = results.find(({ name }) => name === limit);
  if (limit === undefined || measured === undefined || result.name === limit) return undefined;
  return { limit, share: result.value / measured.value };
}
