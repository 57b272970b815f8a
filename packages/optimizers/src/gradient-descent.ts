// Stochastic gradient descent and its kin. Formulas as PyTorch 1.13 documents them.
import type { Tensor } from "@convoke/core";
import { optimizerOf, requireSetting, updateOp, type Optimizer } from "./optimizer.js";
import { learningRateAt, type LearningRate } from "./schedule.js";

export interface SgdOptions {
  /** Share of the last velocity that is kept. Default 0: no velocity. */
  readonly momentum?: number;
  /** Share of the gradient that does not enter the velocity, after the first step. Default 0. */
  readonly dampening?: number;
  /** Looks one step ahead along the velocity. Default false. */
  readonly nesterov?: boolean;
  /** Adds so many times the parameter to its gradient. Default 0. */
  readonly weightDecay?: number;
}

interface SgdSettings {
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
}

/** The gradient of the loss plus `weightDecay / 2 · ‖parameter‖²`. */
export function decayed(gradient: Tensor, parameter: Tensor, weightDecay: number): Tensor {
  return weightDecay === 0 ? gradient : gradient.add(parameter.mul(weightDecay));
}

const sgdUpdate = updateOp<
  { velocity?: Tensor },
  { learningRate: Tensor; gradientShare: Tensor },
  SgdSettings
>("sgdUpdate", ({ parameter, gradient, slots, scalars }, { momentum, nesterov, weightDecay }) => {
  const g = decayed(gradient, parameter, weightDecay);
  if (slots.velocity === undefined) return { parameter: parameter.sub(g.mul(scalars.learningRate)), slots };
  const velocity = slots.velocity.mul(momentum).add(g.mul(scalars.gradientShare));
  const direction = nesterov ? g.add(velocity.mul(momentum)) : velocity;
  return { parameter: parameter.sub(direction.mul(scalars.learningRate)), slots: { velocity } };
});

/**
 * Stochastic gradient descent.
 *
 * @example
 * ```ts
 * import { compile, gradients, tensor, Variable, type Tensor } from "@convoke/core";
 * import { sgd } from "@convoke/optimizers";
 *
 * const w = new Variable(tensor([3, -2]), { name: "w" });
 * const state = sgd(0.1, { momentum: 0.9 }).init([w]);
 * const step = compile((scalars: Record<string, Tensor>) => {
 *   const loss = w.value.square().sum();
 *   state.update([w], gradients(loss, [w]), { scalars });
 * });
 * for (let i = 0; i < 200; i++) await step(state.scalarTensors(i));
 * console.log(await w.data()); // near [0, 0]
 * ```
 */
export function sgd(learningRate: LearningRate, options: SgdOptions = {}): Optimizer {
  const { momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 } = options;
  requireSetting("sgd", { momentum, weightDecay }, { min: 0 });
  return optimizerOf(learningRate, {
    name: "sgd",
    op: sgdUpdate,
    settings: { momentum, nesterov, weightDecay },
    slots: momentum === 0 ? {} : { velocity: 0 },
    // The velocity starts as the first gradient itself, undampened.
    scalars: (step, rate) => ({ learningRate: rate, gradientShare: step === 0 ? 1 : 1 - dampening }),
  });
}

export interface AveragedSgdOptions {
  /** How fast the rate decays. Default 1e-4. */
  readonly decay?: number;
  /** Power of that decay. Default 0.75. */
  readonly power?: number;
  /** The step at which averaging starts. Default 1e6. */
  readonly averageFrom?: number;
  readonly weightDecay?: number;
}

const averagedSgdUpdate = updateOp<
  { average: Tensor },
  { learningRate: Tensor; shrink: Tensor; averageShare: Tensor },
  { readonly weightDecay: number }
>("averagedSgdUpdate", ({ parameter, gradient, slots, scalars }, { weightDecay }) => {
  const g = decayed(gradient, parameter, weightDecay);
  const next = parameter.sub(parameter.mul(scalars.shrink)).sub(g.mul(scalars.learningRate));
  const average = slots.average.add(next.sub(slots.average).mul(scalars.averageShare));
  return { parameter: next, slots: { average } };
});

/**
 * Averaged stochastic gradient descent (Polyak and Juditsky, 1992): the state keeps the mean of the parameters since
 * step `averageFrom`, and the last value before.
 */
export function averagedSgd(learningRate: LearningRate, options: AveragedSgdOptions = {}): Optimizer {
  const { decay = 1e-4, power = 0.75, averageFrom = 1e6, weightDecay = 0 } = options;
  requireSetting("averagedSgd", { decay, power, averageFrom, weightDecay }, { min: 0 });
  return optimizerOf(learningRate, {
    name: "averagedSgd",
    op: averagedSgdUpdate,
    settings: { weightDecay },
    slots: { average: 0 },
    scalars: (step, rate) => {
      const eta = rate / (1 + decay * rate * step) ** power;
      return { learningRate: eta, shrink: decay * eta, averageShare: 1 / Math.max(1, step - averageFrom) };
    },
  });
}

export interface RPropOptions {
  /** Factors of the step size after a change of sign, and without one. Default [0.5, 1.2]. */
  readonly factors?: readonly [number, number];
  /** Smallest and largest step size. Default [1e-6, 50]. */
  readonly limits?: readonly [number, number];
}

interface RPropSettings {
  readonly shrink: number;
  readonly grow: number;
  readonly smallest: number;
  readonly largest: number;
}

const rPropUpdate = updateOp<{ previous: Tensor; stepSize: Tensor }, Record<string, never>, RPropSettings>(
  "rPropUpdate",
  ({ parameter, gradient, slots }, { shrink, grow, smallest, largest }) => {
    const agreement = gradient.mul(slots.previous).sign();
    const turned = agreement.less(0);
    const one = agreement.literal(1);
    const factor = turned.where(
      agreement.literal(shrink),
      agreement.greater(0).where(agreement.literal(grow), one),
    );
    const stepSize = slots.stepSize.mul(factor).maximum(smallest).minimum(largest);
    const previous = turned.where(agreement.literal(0), gradient);
    return { parameter: parameter.sub(previous.sign().mul(stepSize)), slots: { previous, stepSize } };
  },
);

/**
 * Resilient backpropagation (Riedmiller and Braun, 1993): a step size per element, from the sign of the gradient only.
 * For full batches. `learningRate` is the first step size.
 */
export function rProp(learningRate: LearningRate, options: RPropOptions = {}): Optimizer {
  const [shrink, grow] = options.factors ?? [0.5, 1.2];
  const [smallest, largest] = options.limits ?? [1e-6, 50];
  return optimizerOf(learningRate, {
    name: "rProp",
    op: rPropUpdate,
    settings: { shrink, grow, smallest, largest },
    slots: { previous: 0, stepSize: learningRateAt(learningRate, 0) },
    scalars: () => ({}),
  });
}
