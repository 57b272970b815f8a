// Where a run begins, and what it needs to begin or to go on.
import { ConvokeError, type Module } from "@convoke/core";
import { CheckpointError } from "./checkpoint-error.js";
import type { RunOptions, RunPosition, RunRecord } from "./checkpoint.js";

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

const ofEpoch = ["batchSize", "batches", "shuffle"];

/** Refuses to go on with options under which the state in a checkpoint would mean something else. */
export function assertSameOptions({ options: saved, position }: RunRecord, wanted: RunOptions): void {
  for (const [name, value] of Object.entries(wanted)) {
    const before = saved[name as keyof RunOptions];
    const isOfEpoch = ofEpoch.includes(name);
    if (before === value || (isOfEpoch && position.batch === 0)) continue;
    const was = `${name} ${JSON.stringify(before)}`;
    throw new CheckpointError({
      operation: "resume",
      problem: `the run was started with ${was}, but fit got ${JSON.stringify(value)}.`,
      wayOut:
        `Go on with ${was}, or start a new run after loadParameters.` +
        (isOfEpoch ? " Between epochs it may change." : ""),
    });
  }
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
