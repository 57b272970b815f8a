// The state of a run: gathered for a checkpoint, and put back from one.
import { ConvokeError, type Variable } from "@convoke/core";
import { isPlateauSchedule, type LearningRate, type OptimizerState } from "@convoke/optimizers";
import type { Callback } from "./callback.js";
import { prefixed, under, underGroups, type Checkpoint, type RunPosition } from "./checkpoint.js";
import { numberOf, watched, type EpochRecord } from "./history.js";
import { dataOf, putData } from "./parameters.js";
import { assertSameOptimizer } from "./run-start.js";

/** What of a run has a state. */
export interface StatefulParts {
  /** The model's. */
  readonly variables: Readonly<Record<string, Variable>>;
  readonly optimizer: OptimizerState;
  readonly schedule: LearningRate;
  /** Measures and sums of gradients: what a checkpoint in mid-epoch holds beside model and optimizer. */
  readonly training: readonly Variable[];
  readonly callbacks: readonly Callback[];
}

/** What a run knows of itself. */
export interface RunProgress {
  readonly seed: number;
  readonly position: RunPosition;
  readonly epochs: readonly EpochRecord[];
}

export async function checkpointOf(
  { variables, optimizer, schedule, training, callbacks }: StatefulParts,
  progress: RunProgress,
): Promise<Checkpoint> {
  const states = callbacks.flatMap(({ name, state }) =>
    name === undefined || state === undefined ? [] : [{ name, state: state() }],
  );
  return {
    run: {
      version: 1,
      optimizer: optimizer.name,
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
  { variables, optimizer, schedule, training, callbacks }: StatefulParts,
  saved: Checkpoint,
): void {
  assertSameOptimizer(saved.run.optimizer, optimizer.name);
  // In one go: a checkpoint that does not fit changes nothing.
  const own = underGroups(variables, optimizer.namedVariables(), byName(training));
  putData("resume", own, underGroups(saved.model, saved.optimizer, saved.training));
  if (isPlateauSchedule(schedule) && saved.run.schedule !== null) schedule.restore(saved.run.schedule);
  for (const { name, restore } of callbacks) {
    const data = name === undefined ? undefined : saved.run.callbacks[name];
    if (data === undefined || restore === undefined) continue;
    restore({ data, tensors: under(saved.callbacks, `${name}/`) });
  }
}

/** Shows the epoch to a schedule that follows a measure. */
export function observeEpoch(schedule: LearningRate, record: EpochRecord): void {
  if (!isPlateauSchedule(schedule)) return;
  const name = watched(record, schedule.monitor);
  const value = numberOf(record, name);
  if (value === undefined) {
    throw new ConvokeError({
      operation: "reduceOnPlateau",
      problem: `it watches "${name}", which is not measured.`,
      wayOut: "Add the metric, give validation data, or watch the loss.",
    });
  }
  schedule.observe(value);
}

function byName(variables: readonly Variable[]): Record<string, Variable> {
  return Object.fromEntries(variables.map((variable) => [variable.name, variable]));
}
