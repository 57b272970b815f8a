// What a training run leaves behind.
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

/** A number of a record by name, for whoever watches one. */
export function numberOf(record: EpochRecord, name: string): number | undefined {
  const value = record[name];
  return typeof value === "number" ? value : undefined;
}

/** What is watched when nothing else is said. */
export function watched(record: EpochRecord, monitor: string | undefined): string {
  return monitor ?? (record.valLoss === undefined ? "loss" : "valLoss");
}
