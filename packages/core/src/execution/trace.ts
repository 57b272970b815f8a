// What is recorded while a traced function runs: reads and writes of Variables, and the modules that were called.
import { TraceError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import type { Variable } from "../variable.js";

/** Something whose structure a compiled program depends on. */
export interface Structured {
  readonly structureVersion: number;
}

/** The record of one run of a traced function. */
export class Trace {
  /** Variables in the order of their first use, with the placeholder that stands for the old value. */
  readonly reads = new Map<Variable, Tensor>();
  /** The new values of the Variables that were assigned. */
  readonly writes = new Map<Variable, Tensor>();
  readonly modules = new Map<Structured, number>();
}

let current: Trace | undefined;

/** The trace that is being recorded, if any. */
export function currentTrace(): Trace | undefined {
  return current;
}

/** Runs `fn` and records what it does. A trace inside a trace records into its own. */
export function record<T>(fn: () => T): { trace: Trace; result: T } {
  const outer = current;
  const trace = new Trace();
  current = trace;
  try {
    return { trace, result: fn() };
  } finally {
    current = outer;
  }
}

/** Refuses what reads values while a function is being traced. */
export function assertNotTracing(operation: string): void {
  if (current === undefined) return;
  throw new TraceError({
    operation,
    problem: "a traced function only describes the computation; there are no values to read while it runs.",
    wayOut: "Return the tensor and read it outside, or look at it with .tap(fn).",
  });
}

/** Refuses the result of an async function. */
export function assertSynchronous(operation: string, result: unknown): void {
  if (!(result instanceof Promise)) return;
  result.catch(() => undefined);
  throw new TraceError({
    operation,
    problem:
      "the function is async, but a traced function is synchronous: it only describes the computation.",
    wayOut: "Take the async parts out of it: load data before, read results after.",
  });
}
