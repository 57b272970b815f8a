// The state of a run: gathered for a checkpoint, and put back from one.
import type { Variable } from "@convoke/core";
import { isPlateauSchedule, type LearningRate, type OptimizerState } from "@convoke/optimizers";
import type { Callback } from "./callback.js";
import {
  prefixed,
  under,
  underGroups,
  type Checkpoint,
  type RunOptions,
  type RunRecord,
} from "./checkpoint.js";
import { measureOf, type EpochRecord } from "./history.js";
import { dataOf, putData } from "./parameters.js";
import { assertSameOptions } from "./run-start.js";

/** What of a run has a state. */
export interface StatefulParts {
  readonly options: RunOptions;
  /** The model's. */
  readonly variables: Readonly<Record<string, Variable>>;
  readonly optimizer: OptimizerState;
  readonly schedule: LearningRate;
  /** Measures and sums of gradients: what a checkpoint in mid-epoch holds beside model and optimizer. */
  readonly training: readonly Variable[];
  readonly callbacks: readonly Callback[];
}

export async function checkpointOf(
  { options, variables, optimizer, schedule, training, callbacks }: StatefulParts,
  progress: Pick<RunRecord, "position" | "epochs">,
): Promise<Checkpoint> {
  const states = callbacks.flatMap(({ name, state }) =>
    name === undefined || state === undefined ? [] : [{ name, state: state() }],
  );
  return {
    run: {
      version: 2,
      options,
      ...progress,
      schedule: isPlateauSchedule(schedule) ? schedule.state() : null,
      callbacks: Object.fromEntries(states.map(({ name, state }) => [name, state.data])),
    },
    model: await dataOf(variables),
    optimizer: await dataOf(optimizer.namedVariables()),
    training: await dataOf(byName(training)),
    callbacks: Object.fromEntries(
      states.flatMap(({ name, state }) => Object.entries(prefixed(`${name}/`, state.tensors ?? {}))),
    ),
  };
}

/** @throws CheckpointError when the checkpoint is not one of such a run; then nothing is changed. */
export function restoreParts(
  { options, variables, optimizer, schedule, training, callbacks }: StatefulParts,
  saved: Checkpoint,
): void {
  // Callbacks may refuse it in their own words.
  for (const { name, restore } of callbacks) {
    const data = name === undefined ? undefined : saved.run.callbacks[name];
    if (data === undefined || restore === undefined) continue;
    restore({ data, tensors: under(saved.callbacks, `${name}/`) });
  }
  assertSameOptions(saved.run, options);
  // In one go: a checkpoint that does not fit changes nothing.
  const own = underGroups(variables, optimizer.namedVariables(), byName(training));
  putData("resume", own, underGroups(saved.model, saved.optimizer, saved.training));
  if (isPlateauSchedule(schedule) && saved.run.schedule !== null) schedule.restore(saved.run.schedule);
}

/** Shows the epoch to a schedule that follows a measure. */
export function observeEpoch(schedule: LearningRate, record: EpochRecord): void {
  if (!isPlateauSchedule(schedule)) return;
  schedule.observe(measureOf(record, schedule.monitor).value);
}

function byName(variables: readonly Variable[]): Record<string, Variable> {
  return Object.fromEntries(variables.map((variable) => [variable.name, variable]));
}
