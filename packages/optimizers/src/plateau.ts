// The one schedule that has a state: it lowers the learning rate when a measure stops getting better.
import { learningRateAt, type LearningRate, type Schedule } from "./schedule.js";

export interface PlateauOptions {
  /** What the learning rate is multiplied with. Default 0.1. */
  readonly factor?: number;
  /** How many observations in a row may be no better than the best before the rate is lowered. Default 10. */
  readonly patience?: number;
  /** A better value is better by more than this share of the best. Default 1e-4. */
  readonly threshold?: number;
  /** Whether smaller or larger is better. Default "min". */
  readonly mode?: "min" | "max";
  /** How many observations after a reduction do not count. Default 0. */
  readonly cooldown?: number;
  /** The rate is not lowered below this. Default 0. */
  readonly min?: number;
  /** What a trainer observes after each epoch. Default: the validation loss where there is one, else the loss. */
  readonly monitor?: string;
}

/** What a plateau schedule has seen: plain data for a checkpoint. */
export interface PlateauState {
  readonly scale: number;
  readonly best: number | null;
  readonly waited: number;
  readonly cooling: number;
}

/** A schedule that learns from observations. */
export interface PlateauSchedule extends Schedule {
  readonly monitor: string | undefined;
  /** Tells it the newest value of what it watches. */
  observe(value: number): void;
  state(): PlateauState;
  restore(state: PlateauState): void;
  /** Forgets everything: the state in which it was made. */
  reset(): void;
}

const initial: PlateauState = { scale: 1, best: null, waited: 0, cooling: 0 };

/**
 * Lowers `rate` (a number or another schedule) when what is observed stops getting better. A trainer observes after
 * each epoch; it finds this schedule when it is the outermost one.
 *
 * @example
 * ```ts
 * import { cosine, reduceOnPlateau } from "@convoke/optimizers";
 *
 * const schedule = reduceOnPlateau(cosine(0.1, { steps: 1000 }), { factor: 0.5, patience: 0 });
 * schedule.observe(1);
 * schedule.observe(1); // no better
 * console.log(schedule(0)); // 0.05
 * ```
 */
export function reduceOnPlateau(rate: LearningRate, options: PlateauOptions = {}): PlateauSchedule {
  const { factor = 0.1, patience = 10, threshold = 1e-4, mode = "min", cooldown = 0, min = 0 } = options;
  let state = initial;
  const isBetter = (value: number, best: number): boolean =>
    mode === "min" ? value < best * (1 - threshold) : value > best * (1 + threshold);
  const schedule: Schedule = (step) => {
    const base = learningRateAt(rate, step);
    return state.scale === 1 ? base : Math.max(Math.min(min, base), base * state.scale);
  };
  return Object.assign(schedule, {
    monitor: options.monitor,
    observe(value: number): void {
      const better = state.best === null || isBetter(value, state.best);
      const best = better ? value : state.best;
      const cooling = Math.max(0, state.cooling - 1);
      // While it cools down, bad values do not count.
      const waited = better || state.cooling > 0 ? 0 : state.waited + 1;
      if (waited > patience) state = { scale: state.scale * factor, best, waited: 0, cooling: cooldown };
      else state = { scale: state.scale, best, waited, cooling };
    },
    state: () => state,
    restore: (saved: PlateauState) => {
      state = { scale: saved.scale, best: saved.best, waited: saved.waited, cooling: saved.cooling };
    },
    reset: () => {
      state = initial;
    },
  });
}

/** Whether a learning rate is one that wants to be told what it watches. */
export function isPlateauSchedule(rate: LearningRate): rate is PlateauSchedule {
  return typeof rate === "function" && "observe" in rate && "restore" in rate;
}
