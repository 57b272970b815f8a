// Stops a run that gets no better, and keeps the best of it.
import { writeFileAtomic } from "#host";
import type { Callback, CallbackState } from "./callback.js";
import { measureOf, type EpochRecord } from "./history.js";
import { dataOf, saveParameters } from "./parameters.js";
import type { TensorData } from "./safetensors.js";

export interface WatchOptions {
  /** The measure that is watched. Default: `valLoss` where there is validation data, else `loss`. */
  readonly monitor?: string;
  /** Whether smaller or larger is better. Default: larger for accuracies, F1 and the like, smaller else. */
  readonly mode?: "min" | "max";
}

export interface EarlyStoppingOptions extends WatchOptions {
  /** How many epochs in a row may be no better before it stops. Default 5. */
  readonly patience?: number;
  /** What an epoch must be better by. Default 0. */
  readonly minDelta?: number;
  /** Puts the best epoch's parameters back at the end. Default false. */
  readonly restoreBest?: boolean;
}

/** Finds out whether an epoch is the best so far. */
class Watch {
  best: number | null = null;
  readonly #options: WatchOptions;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  isBest(record: EpochRecord, minDelta = 0): boolean {
    const { name, value } = measureOf(record, this.#options.monitor);
    const mode =
      this.#options.mode ?? (/accuracy|^(val)?top|f1|precision|recall/i.test(name) ? "max" : "min");
    const better =
      this.best === null || (mode === "min" ? value < this.best - minDelta : value > this.best + minDelta);
    if (better) this.best = value;
    return better;
  }
}

/**
 * Stops when the watched measure has not become better for `patience` epochs.
 *
 * @example
 * ```ts
 * import { earlyStopping } from "@convoke/train";
 *
 * const callback = earlyStopping({ monitor: "valAccuracy", patience: 3, restoreBest: true });
 * console.log(callback.name); // earlyStopping
 * ```
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): Callback {
  const { patience = 5, minDelta = 0, restoreBest = false } = options;
  const watch = new Watch(options);
  let waited = 0;
  let kept: Readonly<Record<string, TensorData>> = {};
  return {
    name: "earlyStopping",
    async onEpochEnd(record, run) {
      if (watch.isBest(record, minDelta)) {
        waited = 0;
        if (restoreBest) kept = await dataOf(run.variables);
        return;
      }
      waited++;
      if (waited >= patience) run.stop(`no better for ${waited} epochs`);
    },
    onEnd(_, run) {
      for (const [path, { data }] of Object.entries(kept)) run.variables[path]?.set(data);
    },
    state: () => ({ data: { best: watch.best, waited }, tensors: kept }),
    restore({ data, tensors = {} }: CallbackState) {
      const saved = data as { best: number | null; waited: number };
      watch.best = saved.best;
      waited = saved.waited;
      kept = tensors;
    },
  };
}

export interface BestCheckpointOptions extends WatchOptions {
  /** Where the parameters go, as safetensors; in a browser use `save`. */
  readonly file?: string;
  /** Is given the parameters as the bytes of a safetensors file. */
  readonly save?: (bytes: Uint8Array, record: EpochRecord) => void | Promise<void>;
}

/** Saves the model's parameters after each epoch that is better than all before. */
export function bestCheckpoint(options: BestCheckpointOptions): Callback {
  const watch = new Watch(options);
  return {
    name: "bestCheckpoint",
    async onEpochEnd(record, run) {
      if (!watch.isBest(record)) return;
      const bytes = await saveParameters(run.model);
      if (options.file !== undefined) await writeFileAtomic(options.file, bytes);
      await options.save?.(bytes, record);
    },
    state: () => ({ data: { best: watch.best } }),
    restore: ({ data }) => {
      watch.best = (data as { best: number | null }).best;
    },
  };
}
