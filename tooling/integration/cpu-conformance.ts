// The conformance suite on the CPU backend, as a function for Node and for pages.
import { cpu, type CpuOptions } from "@convoke/backend-cpu";
import { conformanceTests } from "@convoke/conformance";
import { declaredSkips } from "../../packages/backend-cpu/test/declared-skips.js";

export interface ConformanceRequest extends CpuOptions {
  /** One test in so many; 1 for all tests of the full suite. */
  readonly every: number;
}

export interface ConformanceReport {
  readonly run: number;
  readonly threads: number;
  readonly fused: boolean;
  readonly failures: readonly string[];
}

/** Runs the suite, or a part of it; what disposes the shared backend stays last. */
export async function runConformance({ every, ...options }: ConformanceRequest): Promise<ConformanceReport> {
  const create = () => cpu({ maxMemory: 2 ** 28, ...options });
  const probe = await create();
  const { threads, fused } = probe;
  await probe.dispose();
  const all = conformanceTests({ create, skip: declaredSkips, full: every === 1 });
  const tests = all.filter((_, i) => i % every === 0 || i >= all.length - 2);
  const failures: string[] = [];
  for (const { name, run } of tests) {
    await run().catch((error: unknown) => failures.push(`${name}: ${String(error)}`));
  }
  return { run: tests.length, threads, fused, failures };
}
