// Where a run begins, and what it needs to begin or to go on.
import { ConvokeError, type Module } from "@convoke/core";
import { CheckpointError } from "./checkpoint-error.js";
import type { RunPosition } from "./checkpoint.js";

/** The position of a new run. */
export const start: RunPosition = {
  epoch: 0,
  batch: 0,
  step: 0,
  number: 0,
  rate: 0,
  group: { batches: 0, examples: 0 },
  loss: { sum: 0, examples: 0 },
};

/** The seed of a run: a run that goes on keeps its own. */
export function seedOf(wanted: number | undefined, saved: number | undefined): number {
  if (wanted === undefined || saved === undefined || wanted === saved) return wanted ?? saved ?? 0;
  throw new CheckpointError({
    operation: "resume",
    problem: `the run was started with seed ${saved}, but fit got seed ${wanted}.`,
    wayOut: "Leave the seed out: a run goes on with its own.",
  });
}

/** The state in a checkpoint is that of one optimizer. */
export function assertSameOptimizer(saved: string, wanted: string): void {
  if (saved === wanted) return;
  throw new CheckpointError({
    operation: "resume",
    problem: `the run was started with the optimizer ${saved}, but fit got ${wanted}.`,
    wayOut: "Go on with the same optimizer; to change it, load the parameters and start a new run.",
  });
}

/** The error of a model without trainable parameters. */
export function nothingToTrain(model: Module<never, unknown>): ConvokeError {
  const isUnbuilt = !model.isBuilt && model.variables().length === 0;
  return new ConvokeError({
    operation: "fit",
    problem: isUnbuilt
      ? "the model has no parameters yet: it was not built."
      : "the model has no parameter that may be trained: all are frozen, or there are none.",
    wayOut: isUnbuilt
      ? "Call model.build([channels, height, width]), or start the model with input(…)."
      : "Call model.unfreeze() or model.build(…), or add layers that have parameters.",
  });
}
