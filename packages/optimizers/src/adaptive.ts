// Optimizers that divide by the running size of the gradient. Formulas as PyTorch 1.13 documents them.
import type { Tensor } from "@convoke/core";
import { decayed } from "./gradient-descent.js";
import { optimizerOf, requireSetting, updateOp, type Optimizer } from "./optimizer.js";
import type { LearningRate } from "./schedule.js";

export interface RmsPropOptions {
  /** Share of the mean square that is kept. Default 0.99. */
  readonly alpha?: number;
  /** Keeps the division from blowing up. Default 1e-8. */
  readonly epsilon?: number;
  /** Share of the last velocity that is kept. Default 0. */
  readonly momentum?: number;
  /** Divides by the deviation in place of the root mean square. Default false. */
  readonly centered?: boolean;
  readonly weightDecay?: number;
}

interface RmsPropSettings {
  readonly alpha: number;
  readonly epsilon: number;
  readonly momentum: number;
  readonly weightDecay: number;
}

type RmsPropSlots = { meanSquare: Tensor; mean?: Tensor; velocity?: Tensor };

const rmsPropUpdate = updateOp<RmsPropSlots, { learningRate: Tensor }, RmsPropSettings>(
  "rmsPropUpdate",
  ({ parameter, gradient, slots, scalars }, { alpha, epsilon, momentum, weightDecay }) => {
    const g = decayed(gradient, parameter, weightDecay);
    const next: RmsPropSlots = { meanSquare: slots.meanSquare.mul(alpha).add(g.square().mul(1 - alpha)) };
    let variance = next.meanSquare;
    if (slots.mean !== undefined) {
      next.mean = slots.mean.mul(alpha).add(g.mul(1 - alpha));
      // Rounding may take the difference below zero.
      variance = variance.sub(next.mean.square()).maximum(0);
    }
    let direction = g.div(variance.sqrt().add(epsilon));
    if (slots.velocity !== undefined) direction = next.velocity = slots.velocity.mul(momentum).add(direction);
    return { parameter: parameter.sub(direction.mul(scalars.learningRate)), slots: next };
  },
);

/** RMSprop (Hinton, lecture notes, 2012; centered: Graves, 2013). */
export function rmsProp(learningRate: LearningRate = 1e-2, options: RmsPropOptions = {}): Optimizer {
  const { alpha = 0.99, epsilon = 1e-8, momentum = 0, centered = false, weightDecay = 0 } = options;
  requireSetting("rmsProp", { alpha }, { min: 0, below: 1 });
  requireSetting("rmsProp", { epsilon, momentum, weightDecay }, { min: 0 });
  return optimizerOf(learningRate, {
    name: "rmsProp",
    op: rmsPropUpdate,
    settings: { alpha, epsilon, momentum, weightDecay },
    slots: { meanSquare: 0, ...(centered && { mean: 0 }), ...(momentum > 0 && { velocity: 0 }) },
    scalars: (_, rate) => ({ learningRate: rate }),
  });
}

export interface AdagradOptions {
  /** The rate is divided by 1 + decay · step. Default 0. */
  readonly decay?: number;
  /** What the sum of squares starts with. Default 0. */
  readonly initialSum?: number;
  /** Keeps the division from blowing up. Default 1e-10. */
  readonly epsilon?: number;
  readonly weightDecay?: number;
}

const adagradUpdate = updateOp<
  { sum: Tensor },
  { learningRate: Tensor },
  { readonly epsilon: number; readonly weightDecay: number }
>("adagradUpdate", ({ parameter, gradient, slots, scalars }, { epsilon, weightDecay }) => {
  const g = decayed(gradient, parameter, weightDecay);
  const sum = slots.sum.add(g.square());
  const direction = g.div(sum.sqrt().add(epsilon));
  return { parameter: parameter.sub(direction.mul(scalars.learningRate)), slots: { sum } };
});

/** Adagrad (Duchi, Hazan and Singer, 2011). */
export function adagrad(learningRate: LearningRate = 1e-2, options: AdagradOptions = {}): Optimizer {
  const { decay = 0, initialSum = 0, epsilon = 1e-10, weightDecay = 0 } = options;
  requireSetting("adagrad", { decay, initialSum, epsilon, weightDecay }, { min: 0 });
  return optimizerOf(learningRate, {
    name: "adagrad",
    op: adagradUpdate,
    settings: { epsilon, weightDecay },
    slots: { sum: initialSum },
    scalars: (step, rate) => ({ learningRate: rate / (1 + step * decay) }),
  });
}

export interface AdadeltaOptions {
  /** Share of the mean squares that is kept. Default 0.9. */
  readonly rho?: number;
  /** Keeps the division from blowing up, and the first step from being 0. Default 1e-6. */
  readonly epsilon?: number;
  readonly weightDecay?: number;
}

const adadeltaUpdate = updateOp<
  { meanSquare: Tensor; meanStep: Tensor },
  { learningRate: Tensor },
  { readonly rho: number; readonly epsilon: number; readonly weightDecay: number }
>("adadeltaUpdate", ({ parameter, gradient, slots, scalars }, { rho, epsilon, weightDecay }) => {
  const g = decayed(gradient, parameter, weightDecay);
  const meanSquare = slots.meanSquare.mul(rho).add(g.square().mul(1 - rho));
  const step = slots.meanStep.add(epsilon).sqrt().div(meanSquare.add(epsilon).sqrt()).mul(g);
  const meanStep = slots.meanStep.mul(rho).add(step.square().mul(1 - rho));
  return { parameter: parameter.sub(step.mul(scalars.learningRate)), slots: { meanSquare, meanStep } };
});

/** Adadelta (Zeiler, 2012). */
export function adadelta(learningRate: LearningRate = 1, options: AdadeltaOptions = {}): Optimizer {
  const { rho = 0.9, epsilon = 1e-6, weightDecay = 0 } = options;
  requireSetting("adadelta", { rho }, { min: 0, below: 1 });
  requireSetting("adadelta", { epsilon, weightDecay }, { min: 0 });
  return optimizerOf(learningRate, {
    name: "adadelta",
    op: adadeltaUpdate,
    settings: { rho, epsilon, weightDecay },
    slots: { meanSquare: 0, meanStep: 0 },
    scalars: (_, rate) => ({ learningRate: rate }),
  });
}
