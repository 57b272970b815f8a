// Adam and its variants: moments of the gradient, corrected for their start at zero. Formulas as in PyTorch 1.13.
import type { Tensor } from "@convoke/core";
import { decayed } from "./gradient-descent.js";
import { optimizerOf, requireSetting, updateOp, type Optimizer } from "./optimizer.js";
import type { LearningRate } from "./schedule.js";

export interface MomentOptions {
  /** Shares of the first and the second moment that are kept. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Keeps the division from blowing up. Default 1e-8. */
  readonly epsilon?: number;
  /** Adds so many times the parameter to its gradient (`adamW`: takes it off the parameter itself). */
  readonly weightDecay?: number;
}

export interface AdamOptions extends MomentOptions {
  /** Divides by the largest second moment so far (Reddi, Kale and Kumar, 2018). Default false. */
  readonly amsgrad?: boolean;
}

interface MomentSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

type Moments = { firstMoment: Tensor; secondMoment: Tensor };
type AdamSlots = Moments & { largestMoment?: Tensor };

function settingsOf(name: string, options: MomentOptions, weightDecay = 0): MomentSettings {
  const [beta1, beta2] = options.betas ?? [0.9, 0.999];
  const settings = { epsilon: options.epsilon ?? 1e-8, weightDecay: options.weightDecay ?? weightDecay };
  requireSetting(name, { beta1, beta2 }, { min: 0, below: 1 });
  requireSetting(name, settings, { min: 0 });
  return { beta1, beta2, ...settings };
}

/** m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g² */
function moments(slots: Moments, g: Tensor, { beta1, beta2 }: MomentSettings): Moments {
  return {
    firstMoment: slots.firstMoment.mul(beta1).add(g.mul(1 - beta1)),
    secondMoment: slots.secondMoment.mul(beta2).add(g.square().mul(1 - beta2)),
  };
}

/** p ← p − stepSize · m / (√v / rootCorrection + ε), with stepSize = lr / (1 − β₁ᵗ) and rootCorrection = √(1 − β₂ᵗ) */
const adamUpdate = updateOp<
  AdamSlots,
  { stepSize: Tensor; rootCorrection: Tensor; shrink?: Tensor },
  MomentSettings
>("adamUpdate", ({ parameter, gradient, slots, scalars }, settings) => {
  const { shrink } = scalars;
  const g = shrink === undefined ? decayed(gradient, parameter, settings.weightDecay) : gradient;
  const from = shrink === undefined ? parameter : parameter.sub(parameter.mul(shrink));
  const next: AdamSlots = moments(slots, g, settings);
  if (slots.largestMoment !== undefined) next.largestMoment = slots.largestMoment.maximum(next.secondMoment);
  const scale = (next.largestMoment ?? next.secondMoment)
    .sqrt()
    .div(scalars.rootCorrection)
    .add(settings.epsilon);
  return { parameter: from.sub(next.firstMoment.div(scale).mul(scalars.stepSize)), slots: next };
});

function adamSlots(options: AdamOptions): Record<string, number> {
  const both = { firstMoment: 0, secondMoment: 0 };
  return options.amsgrad === true ? { ...both, largestMoment: 0 } : both;
}

function adamScalars(step: number, rate: number, settings: MomentSettings): Record<string, number> {
  return {
    stepSize: rate / (1 - settings.beta1 ** (step + 1)),
    rootCorrection: Math.sqrt(1 - settings.beta2 ** (step + 1)),
  };
}

/**
 * Adam (Kingma and Ba, 2014).
 *
 * @example
 * ```ts
 * import { adam, cosine } from "@convoke/optimizers";
 *
 * const optimizer = adam(cosine(1e-3, { steps: 1000, warmup: 50 }), { betas: [0.9, 0.99] });
 * console.log(optimizer.name); // adam
 * ```
 */
export function adam(learningRate: LearningRate = 1e-3, options: AdamOptions = {}): Optimizer {
  const settings = settingsOf("adam", options);
  return optimizerOf(learningRate, {
    name: "adam",
    op: adamUpdate,
    settings,
    slots: adamSlots(options),
    scalars: (step, rate) => adamScalars(step, rate, settings),
  });
}

/** Adam with weight decay that does not pass through the moments (Loshchilov and Hutter, 2017). Decay 0.01 by default. */
export function adamW(learningRate: LearningRate = 1e-3, options: AdamOptions = {}): Optimizer {
  const settings = settingsOf("adamW", options, 0.01);
  return optimizerOf(learningRate, {
    name: "adamW",
    op: adamUpdate,
    settings,
    slots: adamSlots(options),
    scalars: (step, rate) => ({ ...adamScalars(step, rate, settings), shrink: rate * settings.weightDecay }),
  });
}

/** u ← max(β₂ u, |g| + ε),  p ← p − stepSize · m / u */
const adamaxUpdate = updateOp<
  { firstMoment: Tensor; largestGradient: Tensor },
  { stepSize: Tensor },
  MomentSettings
>("adamaxUpdate", ({ parameter, gradient, slots, scalars }, { beta1, beta2, epsilon, weightDecay }) => {
  const g = decayed(gradient, parameter, weightDecay);
  const firstMoment = slots.firstMoment.mul(beta1).add(g.mul(1 - beta1));
  const largestGradient = slots.largestGradient.mul(beta2).maximum(g.abs().add(epsilon));
  const step = firstMoment.div(largestGradient).mul(scalars.stepSize);
  return { parameter: parameter.sub(step), slots: { firstMoment, largestGradient } };
});

/** Adam with the largest gradient in place of the second moment (Kingma and Ba, 2014, section 7.1). */
export function adamax(learningRate: LearningRate = 2e-3, options: MomentOptions = {}): Optimizer {
  const settings = settingsOf("adamax", options);
  return optimizerOf(learningRate, {
    name: "adamax",
    op: adamaxUpdate,
    settings,
    slots: { firstMoment: 0, largestGradient: 0 },
    scalars: (step, rate) => ({ stepSize: rate / (1 - settings.beta1 ** (step + 1)) }),
  });
}

/** p ← p − (gradientStep · g + momentStep · m) / (√v / rootCorrection + ε) */
const nadamUpdate = updateOp<
  Moments,
  { gradientStep: Tensor; momentStep: Tensor; rootCorrection: Tensor },
  MomentSettings
>("nadamUpdate", ({ parameter, gradient, slots, scalars }, settings) => {
  const g = decayed(gradient, parameter, settings.weightDecay);
  const next = moments(slots, g, settings);
  const scale = next.secondMoment.sqrt().div(scalars.rootCorrection).add(settings.epsilon);
  const direction = g.mul(scalars.gradientStep).add(next.firstMoment.mul(scalars.momentStep));
  return { parameter: parameter.sub(direction.div(scale)), slots: next };
});

export interface NadamOptions extends MomentOptions {
  /** How fast the momentum schedule approaches β₁. Default 4e-3. */
  readonly momentumDecay?: number;
}

/** Adam with Nesterov momentum (Dozat, 2016). */
export function nadam(learningRate: LearningRate = 2e-3, options: NadamOptions = {}): Optimizer {
  const { momentumDecay = 4e-3 } = options;
  const settings = settingsOf("nadam", options);
  const momentum = (t: number): number => settings.beta1 * (1 - 0.5 * 0.96 ** (t * momentumDecay));
  // The product of all momenta up to step t, remembered until it is 0.
  const products = [1];
  const productUpTo = (t: number): number => {
    for (let i = products.length; i <= t && products[i - 1]! > 0; i++)
      products.push(products[i - 1]! * momentum(i));
    return products[t] ?? 0;
  };
  return optimizerOf(learningRate, {
    name: "nadam",
    op: nadamUpdate,
    settings,
    slots: { firstMoment: 0, secondMoment: 0 },
    scalars: (step, rate) => {
      const t = step + 1;
      const product = productUpTo(t);
      const next = momentum(t + 1);
      return {
        gradientStep: (rate * (1 - momentum(t))) / (1 - product),
        momentStep: (rate * next) / (1 - product * next),
        rootCorrection: Math.sqrt(1 - settings.beta2 ** t),
      };
    },
  });
}

/** p ← p − (adaptiveStep · m / (√v + ε) + plainStep · m): one of the two steps is 0 */
const radamUpdate = updateOp<Moments, { adaptiveStep: Tensor; plainStep: Tensor }, MomentSettings>(
  "radamUpdate",
  ({ parameter, gradient, slots, scalars }, settings) => {
    const g = decayed(gradient, parameter, settings.weightDecay);
    const next = moments(slots, g, settings);
    const adaptive = next.firstMoment
      .div(next.secondMoment.sqrt().add(settings.epsilon))
      .mul(scalars.adaptiveStep);
    const plain = next.firstMoment.mul(scalars.plainStep);
    return { parameter: parameter.sub(adaptive.add(plain)), slots: next };
  },
);

/** Adam that takes plain steps while the second moment rests on too few gradients (Liu et al., 2019). */
export function radam(learningRate: LearningRate = 1e-3, options: MomentOptions = {}): Optimizer {
  const settings = settingsOf("radam", options);
  const { beta1, beta2 } = settings;
  const limit = 2 / (1 - beta2) - 1;
  return optimizerOf(learningRate, {
    name: "radam",
    op: radamUpdate,
    settings,
    slots: { firstMoment: 0, secondMoment: 0 },
    scalars: (step, rate) => {
      const t = step + 1;
      const correction = 1 - beta2 ** t;
      const length = limit - (2 * t * beta2 ** t) / correction;
      const stepSize = rate / (1 - beta1 ** t);
      if (length <= 5) return { adaptiveStep: 0, plainStep: stepSize };
      const variance = ((length - 4) * (length - 2) * limit) / ((limit - 4) * (limit - 2) * length);
      return { adaptiveStep: stepSize * Math.sqrt(variance * correction), plainStep: 0 };
    },
  });
}
