// Learning-rate schedules: pure functions from the step number to the learning rate.
import { ConvokeError } from "@convoke/core";

/** The learning rate at a step, counted from 0. Deterministic: a resumed run asks again. */
export type Schedule = (step: number) => number;

/** A fixed learning rate, or one that depends on the step. */
export type LearningRate = number | Schedule;

/**
 * The learning rate of step number `step`.
 *
 * @throws ConvokeError when it is negative or not finite.
 */
export function learningRateAt(rate: LearningRate, step: number): number {
  const value = typeof rate === "function" ? rate(step) : rate;
  if (Number.isFinite(value) && value >= 0) return value;
  throw new ConvokeError({
    operation: "learning rate",
    problem: `it is ${typeof value === "number" ? value : JSON.stringify(value)} at step ${step}, but it must be a finite number, 0 or more.`,
    wayOut: "Correct the number, or the schedule at that step.",
  });
}

function positive(schedule: string, name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new ConvokeError({
    operation: schedule,
    problem: `${name} is ${value}, but it must be a positive number.`,
    wayOut: `Give the number of steps that ${name} stands for.`,
  });
}

/** Multiplies the learning rate by `factor` after every `every` steps. */
export function stepDecay(
  rate: number,
  { every, factor = 0.1 }: { every: number; factor?: number },
): Schedule {
  positive("stepDecay", "every", every);
  return (step) => rate * factor ** Math.floor(step / every);
}

/** Multiplies the learning rate by `factor` at each of the steps `at`. */
export function multiStep(
  rate: number,
  { at, factor = 0.1 }: { at: readonly number[]; factor?: number },
): Schedule {
  return (step) => rate * factor ** at.filter((milestone) => milestone <= step).length;
}

/** Multiplies the learning rate by `factor` at every step, or smoothly once every `every` steps. */
export function exponential(
  rate: number,
  { factor, every = 1 }: { factor: number; every?: number },
): Schedule {
  positive("exponential", "every", every);
  return (step) => rate * factor ** (step / every);
}

/** From `rate` to `min` as x goes from 0 to 1, along half a cosine. */
function halfCosine(rate: number, min: number, x: number): number {
  return min + ((rate - min) * (1 + Math.cos(Math.PI * x))) / 2;
}

/**
 * Falls from `rate` to `min` along half a cosine within `steps`, and stays there. With `warmup`, it first rises from 0
 * within so many of these steps.
 *
 * @example
 * ```ts
 * import { cosine } from "@convoke/optimizers";
 *
 * const schedule = cosine(0.1, { steps: 100, warmup: 10 });
 * console.log(schedule(4), schedule(9), schedule(100)); // 0.05 0.1 0
 * ```
 */
export function cosine(
  rate: number,
  { steps, warmup: rising = 0, min = 0 }: { steps: number; warmup?: number; min?: number },
): Schedule {
  positive("cosine", "steps - warmup", steps - rising);
  const falling: Schedule = (step) => halfCosine(rate, min, Math.min(1, step / (steps - rising)));
  return rising > 0 ? warmup((step) => falling(step - rising), rising) : falling;
}

/** Swings between `rate` and `min` along a cosine: down within `halfPeriod` steps, up again, and so on. */
export function cosineWave(
  rate: number,
  { halfPeriod, min = 0 }: { halfPeriod: number; min?: number },
): Schedule {
  positive("cosineWave", "halfPeriod", halfPeriod);
  return (step) => halfCosine(rate, min, step / halfPeriod);
}

/**
 * Falls along half a cosine within `period` steps, starts again at `rate`, and so on; each period is `growth` times as
 * long as the one before. Loshchilov and Hutter, SGDR, 2016.
 */
export function cosineRestarts(
  rate: number,
  { period, growth = 1, min = 0 }: { period: number; growth?: number; min?: number },
): Schedule {
  positive("cosineRestarts", "period", period);
  if (!(growth >= 1)) positive("cosineRestarts", "growth - 1", growth - 1);
  return (step) => {
    let start = 0;
    let length = period;
    if (growth === 1) start = Math.floor(step / period) * period;
    else {
      for (; step >= start + length; length *= growth) start += length;
    }
    return halfCosine(rate, min, (step - start) / length);
  };
}

/** From `rate · from` to `rate · to` in equal parts within `steps`, and stays there. */
export function linear(
  rate: number,
  { steps, from = 1, to = 0 }: { steps: number; from?: number; to?: number },
): Schedule {
  positive("linear", "steps", steps);
  return (step) => rate * (from + (to - from) * Math.min(1, step / steps));
}

/** Falls from `rate` to `min` with a power of the remaining share of `steps`, and stays there. */
export function polynomial(
  rate: number,
  { steps, power = 1, min = 0 }: { steps: number; power?: number; min?: number },
): Schedule {
  positive("polynomial", "steps", steps);
  return (step) => min + (rate - min) * (1 - Math.min(1, step / steps)) ** power;
}

/** `rate · factor` for the first `steps` steps, then `rate`. */
export function held(rate: number, { steps, factor }: { steps: number; factor: number }): Schedule {
  return (step) => (step < steps ? rate * factor : rate);
}

/** Rises from almost 0 to the schedule's own value within `steps` steps; the schedule's own value afterwards. */
export function warmup(schedule: LearningRate, steps: number): Schedule {
  positive("warmup", "steps", steps);
  return (step) => {
    const value = typeof schedule === "number" ? schedule : schedule(Math.max(step, steps));
    if (step < steps) return (value * (step + 1)) / steps;
    return value;
  };
}

/** One schedule after the other, each for so many steps and counting its own steps from 0; the last one goes on. */
export function sequence(
  parts: readonly { readonly schedule: LearningRate; readonly steps: number }[],
): Schedule {
  return (step) => {
    let start = 0;
    for (const [i, { schedule, steps }] of parts.entries()) {
      if (step < start + steps || i === parts.length - 1) return learningRateAt(schedule, step - start);
      start += steps;
    }
    return 0;
  };
}

/**
 * Rises from `max / startDivisor` to `max` in the first part of `steps`, then falls to `max / startDivisor /
 * endDivisor`, both along half a cosine. Smith and Topin, Super-Convergence, 2017.
 */
export function oneCycle(
  max: number,
  {
    steps,
    rising = 0.3,
    startDivisor = 25,
    endDivisor = 1e4,
  }: { steps: number; rising?: number; startDivisor?: number; endDivisor?: number },
): Schedule {
  positive("oneCycle", "steps", steps);
  const start = max / startDivisor;
  const peak = rising * steps - 1;
  const last = steps - 1;
  return (step) => {
    if (step <= peak) return halfCosine(start, max, step / peak);
    return halfCosine(max, start / endDivisor, Math.min(1, (step - peak) / (last - peak)));
  };
}

/** Goes up from `min` to `max` within `up` steps, down within `down`, and so on, in straight lines. */
export function triangular({
  min,
  max,
  up,
  down = up,
}: {
  min: number;
  max: number;
  up: number;
  down?: number;
}): Schedule {
  positive("triangular", "up", up);
  positive("triangular", "down", down);
  return (step) => {
    const position = step % (up + down);
    const height = position <= up ? position / up : 1 - (position - up) / down;
    return min + (max - min) * height;
  };
}
