// Says which step and which layer gave the first value that is not finite.
import { checkFinite, NonFiniteError } from "@convoke/core";
import { nonFiniteField, type HostBatch } from "./batch.js";

/** Where in a run a batch stands; everything is counted from 0. */
export interface StepPlace {
  /** Updates before it. */
  readonly step: number;
  readonly epoch: number;
  /** Its place in the epoch. */
  readonly batch: number;
}

/** A loss or gradient that is not finite: names the step and the first layer. Everything is as before that step. */
export class NonFiniteStepError extends NonFiniteError implements StepPlace {
  readonly step: number;
  readonly epoch: number;
  readonly batch: number;

  constructor(place: StepPlace, found: { what: string; op: string; scope: string }, options?: ErrorOptions) {
    super({
      operation: "fit",
      problem:
        `step ${place.step} (batch ${place.batch} of epoch ${place.epoch}, counted from 0) has a loss or gradient ` +
        `that is not finite: ${found.what}. Parameters and optimizer are as before that step.`,
      wayOut:
        found.op === "input"
          ? "Mend the data."
          : "A smaller learning rate, clipping (clip: { norm: 1 }) or a larger epsilon often helps; look at values with .tap().",
      op: found.op,
      scope: found.scope,
    });
    if (options?.cause !== undefined) this.cause = options.cause;
    this.step = place.step;
    this.epoch = place.epoch;
    this.batch = place.batch;
  }
}

/** Runs the failed batch again, node by node, and gives the error to throw. */
export async function explainNonFinite<I>(
  place: StepPlace,
  batch: HostBatch,
  { run, inputs }: { run: (inputs: I) => unknown; inputs: I },
): Promise<NonFiniteStepError> {
  const field = nonFiniteField(batch);
  if (field !== undefined)
    return new NonFiniteStepError(place, { what: `the ${field}`, op: "input", scope: "" });
  try {
    await checkFinite(run, inputs);
  } catch (error) {
    if (!(error instanceof NonFiniteError)) throw error;
    const [first = ""] = error.message.split("\n");
    const said = first.slice(error.operation.length + 2).replace(/, where all values must be finite\.$/, "");
    const found = { what: `first ${error.operation} ${said}`, op: error.op, scope: error.scope };
    return new NonFiniteStepError(place, found, { cause: error });
  }
  const what =
    "run again node by node, all its values are finite, so that fused kernels must have overflowed";
  return new NonFiniteStepError(place, { what, op: "unknown", scope: "" });
}
