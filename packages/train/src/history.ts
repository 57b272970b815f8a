// What a training run leaves behind.
import { ConvokeError } from "@convoke/core";
import type { MetricValue } from "./metric.js";

/** One epoch's measures: means over its examples. */
export interface EpochRecord {
  /** Counted from 0. */
  readonly epoch: number;
  /** Updates since the start of the run. */
  readonly step: number;
  /** Mean training loss, of the parameters as they changed. */
  readonly loss: number;
  readonly accuracy?: number;
  /** Measures on the validation data carry the prefix `val`. */
  readonly valLoss?: number;
  readonly valAccuracy?: number;
  /** The scale of the loss at the epoch's end, in mixed precision. */
  readonly lossScale?: number;
  /** The rate of the epoch's last update. */
  readonly learningRate: number;
  readonly [metric: string]: MetricValue | undefined;
}

export interface History {
  readonly epochs: readonly EpochRecord[];
  /** Updates of the parameters; in mixed precision also those that were left out because gradients overflowed. */
  readonly steps: number;
  /** Examples seen, and the time spent on them, in this call: validation counts as time, too. */
  readonly examples: number;
  readonly seconds: number;
  /** Programs that were compiled for training: one for each shape of batch. */
  readonly programs: number;
  /** How often the device was lost and the run went back to its last copy, where it was. */
  readonly recoveries?: number;
  /** Why it ended before its last epoch, where it did. */
  readonly stopped?: string;
}

/** The names of a record's numbers. */
export function numbersOf(record: EpochRecord): string[] {
  return Object.keys(record).filter((name) => typeof record[name] === "number");
}

/**
 * The measure that is watched, with its name: `valLoss` where there is validation data, else `loss`, when nothing is said.
 *
 * @throws ConvokeError when it is not measured.
 */
export function measureOf(
  record: EpochRecord,
  monitor: string | undefined,
): { readonly name: string; readonly value: number } {
  const name = monitor ?? (record.valLoss === undefined ? "loss" : "valLoss");
  const value = record[name];
  if (typeof value === "number") return { name, value };
  throw new ConvokeError({
    operation: "monitor",
    problem: `"${name}" is not measured; the epochs hold ${numbersOf(record).join(", ")}.`,
    wayOut: "Watch one of these, add the metric, or give validation data.",
  });
}
