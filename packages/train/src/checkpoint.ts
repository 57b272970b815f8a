// The whole state of a run as one safetensors file: the model's Variables under their own names, the rest under "@…".
import type { PlateauState } from "@convoke/optimizers";
import type { Json } from "./callback.js";
import { CheckpointError } from "./checkpoint-error.js";
import type { EpochRecord } from "./history.js";
import {
  decodeSafetensors,
  encodeSafetensors,
  isRecord,
  isWholeNumbers,
  type TensorData,
} from "./safetensors.js";

/** Where a run stands: what has been done, counted from the start. */
export interface RunPosition {
  readonly epoch: number;
  /** Batches of this epoch that are done. */
  readonly batch: number;
  /** Updates, and batches, of the whole run. */
  readonly step: number;
  readonly number: number;
  /** The learning rate of the last batch. */
  readonly rate: number;
  /** The group of batches whose gradients are being summed. */
  readonly group: { readonly batches: number; readonly examples: number };
  /** The epoch's losses so far, times the sizes of their batches. */
  readonly loss: { readonly sum: number; readonly examples: number };
}

/** What a run was started with, where it must be the same when the run goes on. */
export interface RunOptions {
  readonly seed: number;
  readonly optimizer: string;
  readonly precision: string;
  readonly accumulate: number;
  /** From here on only within an epoch: what its batches are. */
  readonly batchSize: number;
  readonly batches?: number | undefined;
  readonly shuffle: boolean;
}

/** What a checkpoint says in words and numbers. */
export interface RunRecord {
  readonly version: 2;
  readonly options: RunOptions;
  readonly position: RunPosition;
  readonly epochs: readonly EpochRecord[];
  readonly schedule: PlateauState | null;
  readonly callbacks: Readonly<Record<string, Json>>;
}

type Tensors = Readonly<Record<string, TensorData>>;

export interface Checkpoint {
  readonly run: RunRecord;
  readonly model: Tensors;
  readonly optimizer: Tensors;
  /** Measures and sums of gradients in mid-epoch. */
  readonly training: Tensors;
  /** What callbacks keep, by `<callback>/<name>`. */
  readonly callbacks: Tensors;
}

const groups = { optimizer: "@optimizer/", training: "@training/", callbacks: "@callback/" } as const;
const entry = "convoke.run";

/** The name of the file that `checkpoint: { dir }` writes, each time anew. */
export const checkpointFile = "checkpoint.safetensors";

export function prefixed<T>(prefix: string, entries: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [prefix + name, value]));
}

/** What belongs to model, optimizer and training under the names that it has in a file. */
export function underGroups<T>(
  model: Readonly<Record<string, T>>,
  optimizer: Readonly<Record<string, T>>,
  training: Readonly<Record<string, T>>,
): Record<string, T> {
  return { ...model, ...prefixed(groups.optimizer, optimizer), ...prefixed(groups.training, training) };
}

export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { model, optimizer, training, callbacks } = checkpoint;
  return encodeSafetensors({
    tensors: { ...underGroups(model, optimizer, training), ...prefixed(groups.callbacks, callbacks) },
    metadata: { [entry]: JSON.stringify(checkpoint.run) },
  });
}

/** @throws CheckpointError when the bytes are no safetensors file, or not the checkpoint of a run. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(bytes, { file: "checkpoint" });
  return {
    run: runRecordOf(metadata[entry]),
    model: modelTensors(tensors),
    optimizer: under(tensors, groups.optimizer),
    training: under(tensors, groups.training),
    callbacks: under(tensors, groups.callbacks),
  };
}

/** What has a name that starts with `prefix`, by the rest of the name. */
export function under(tensors: Tensors, prefix: string): Record<string, TensorData> {
  const kept = Object.entries(tensors).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(kept.map(([name, data]) => [name.slice(prefix.length), data]));
}

/** The tensors that belong to the model itself. */
export function modelTensors(tensors: Tensors): Tensors {
  return Object.fromEntries(Object.entries(tensors).filter(([name]) => !name.startsWith("@")));
}

function runRecordOf(text: string | undefined): RunRecord {
  const fail = (problem: string): never => {
    throw new CheckpointError({
      operation: "checkpoint",
      problem,
      wayOut: "Resume from a file that fit wrote; loadParameters takes files that hold only a model.",
    });
  };
  if (text === undefined) return fail("the file holds tensors, but no run that could go on.");
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    return fail("the state of its run is no JSON.");
  }
  return isRunRecord(record) ? record : fail("the state of its run is incomplete, or of another version.");
}

function isRunRecord(value: unknown): value is RunRecord {
  if (!isRecord(value) || value["version"] !== 2) return false;
  const { position, epochs, callbacks, options } = value;
  if (!isRecord(position) || !isRecord(callbacks) || !isRecord(options) || !Array.isArray(epochs))
    return false;
  const { group, loss } = position;
  return (
    Number.isSafeInteger(options["seed"]) &&
    Object.values(options).every((option) => typeof option !== "object") &&
    epochs.every(isRecord) &&
    isRecord(group) &&
    isRecord(loss) &&
    isWholeNumbers([
      ...["epoch", "batch", "step", "number"].map((name) => position[name]),
      group["batches"],
      group["examples"],
      loss["examples"],
    ]) &&
    typeof position["rate"] === "number" &&
    typeof loss["sum"] === "number"
  );
}
