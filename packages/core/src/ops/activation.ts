// Activation functions: composites, with gradients of their own where the derived one would lose digits or the kink.
import { normaliseAxis, type Shape } from "@convoke/shape";
import type { DType } from "../dtype.js";
import { apply } from "../graph/apply.js";
import { describeOperation } from "../graph/scope.js";
import type { Tensor } from "../tensor.js";
import { composite, type Composite } from "./definition.js";
import { floatDType } from "./dtype-rules.js";
import { erf, expm1, log1p } from "./elementwise.js";

type NoAttributes = {
  readonly [key: string]: never;
};

const none: NoAttributes = {};

interface ActivationParts<A> {
  readonly body: (x: Tensor, attributes: A) => Tensor;
  /** d(activation)·g; left out, it is derived from the body. */
  readonly gradient?: (parts: { x: Tensor; y: Tensor; g: Tensor; attributes: A }) => Tensor;
  /** Whether it only compares, and so rounds nothing. */
  readonly staysInFloat16?: true;
}

function activation<N extends string, A extends object>(name: N, parts: ActivationParts<A>): Composite<N, A> {
  const { body, gradient, staysInFloat16 } = parts;
  return composite<N, A>({
    name,
    check: (operation, [x]) => {
      floatDType(operation, x!);
    },
    body: ([x], attributes) => body(x!, attributes),
    ...(staysInFloat16 && { staysInFloat16 }),
    ...(gradient && {
      gradient: ({ inputs: [x], outputs: [y], gradients: [g], attributes }) => [
        gradient({ x: x!, y: y!, g: g!, attributes }),
      ],
    }),
  });
}

/** x where it is negative or NaN, 0 elsewhere: keeps exp from overflowing in the branch that is not taken. */
function negativePart(x: Tensor): Tensor {
  return x.greater(0).where(x.literal(0), x);
}

/** e^−|x|, in (0, 1]: the exponential that never overflows. */
function decay(x: Tensor): Tensor {
  return x.abs().neg().exp();
}

type Bounds = {
  readonly min: number;
  readonly max: number;
};

type Alpha = {
  readonly alpha: number;
};

type Axis = {
  readonly axis: number;
};

export const activationOps = {
  /** max(x, 0); its gradient at 0 is 0. */
  relu: activation<"relu", NoAttributes>("relu", {
    body: (x) => x.maximum(0),
    staysInFloat16: true,
    // The result tells as much as the input, and is kept in any case by what reads it.
    gradient: ({ y, g }) => y.lessEqual(0).where(g.literal(0), g),
  }),
  /** x between two bounds; the gradient at a bound is 0. ReLU6 is [0, 6], hard tanh [−1, 1]. */
  hardTanh: activation<"hardTanh", Bounds>("hardTanh", {
    body: (x, { min, max }) => x.maximum(min).minimum(max),
    staysInFloat16: true,
    gradient: ({ x, g, attributes: { min, max } }) =>
      x.lessEqual(min).logicalOr(x.greaterEqual(max)).where(g.literal(0), g),
  }),
  leakyRelu: activation<"leakyRelu", Alpha>("leakyRelu", {
    body: (x, { alpha }) => x.greater(0).where(x, x.mul(alpha)),
  }),
  /** x above 0, alpha·(eˣ − 1) below. */
  elu: activation<"elu", Alpha>("elu", {
    body: (x, { alpha }) => x.greater(0).where(x, expm1(negativePart(x)).mul(alpha)),
  }),
  celu: activation<"celu", Alpha>("celu", {
    body: (x, { alpha }) => x.greater(0).where(x, expm1(negativePart(x).div(alpha)).mul(alpha)),
  }),
  selu: activation<"selu", NoAttributes>("selu", {
    body: (x) =>
      x
        .greater(0)
        .where(x, expm1(negativePart(x)).mul(SELU_ALPHA))
        .mul(SELU_SCALE),
  }),
  /** x·Φ(x), with the distribution function of the normal distribution. */
  gelu: activation<"gelu", NoAttributes>("gelu", {
    body: (x) => x.mul(erf(x.mul(Math.SQRT1_2)).add(1)).mul(0.5),
  }),
  geluTanh: activation<"geluTanh", NoAttributes>("geluTanh", {
    body: (x) => {
      const inner = x.add(x.mul(x).mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
      return x.mul(inner.tanh().add(1)).mul(0.5);
    },
  }),
  /** 1 / (1 + e⁻ˣ), with e^−|x| so that neither side overflows or loses its small values. */
  sigmoid: activation<"sigmoid", NoAttributes>("sigmoid", {
    body: (x) => {
      const e = decay(x);
      return x.less(0).where(e, e.literal(1)).div(e.add(1));
    },
    // σ′ = σ(x)·σ(−x): 1 − σ(x) would round to 0 on the right.
    gradient: ({ x, y, g }) => g.mul(y).mul(sigmoid(x.neg())),
  }),
  /** ln σ(x) = min(x, 0) − ln(1 + e^−|x|). */
  logSigmoid: activation<"logSigmoid", NoAttributes>("logSigmoid", {
    body: (x) => x.minimum(0).sub(log1p(decay(x))),
    gradient: ({ x, g }) => g.mul(sigmoid(x.neg())),
  }),
  /** ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|). */
  softplus: activation<"softplus", NoAttributes>("softplus", {
    body: (x) => x.maximum(0).add(log1p(decay(x))),
    gradient: ({ x, g }) => g.mul(sigmoid(x)),
  }),
  silu: activation<"silu", NoAttributes>("silu", { body: (x) => x.mul(sigmoid(x)) }),
  mish: activation<"mish", NoAttributes>("mish", { body: (x) => x.mul(softplus(x).tanh()) }),
  /** min(max(x/6 + 1/2, 0), 1); the gradient at the kinks is 0. */
  hardSigmoid: activation<"hardSigmoid", NoAttributes>("hardSigmoid", {
    body: (x) => hardTanh(x.add(3), { min: 0, max: 6 }).div(6),
  }),
  /** x·hardSigmoid(x); the gradient at ±3 is the one from inside. */
  hardSwish: activation<"hardSwish", NoAttributes>("hardSwish", {
    body: (x) => x.mul(x.add(3).maximum(0).minimum(6)).div(6),
    gradient: ({ x, g }) => {
      const inside = x.lessEqual(3).where(g.mul(x.div(3).add(0.5)), g);
      return x.less(-3).where(g.literal(0), inside);
    },
  }),
  softsign: activation<"softsign", NoAttributes>("softsign", { body: (x) => x.div(x.abs().add(1)) }),
  tanhShrink: activation<"tanhShrink", NoAttributes>("tanhShrink", { body: (x) => x.sub(x.tanh()) }),
  /** eˣ / Σ eˣ along an axis; the maximum is taken away first, so that nothing overflows. */
  softmax: activation<"softmax", Axis>("softmax", {
    body: (x, { axis }) => {
      if (x.size === 0) return x.exp();
      const e = x.sub(x.max(axis, { keepDims: true }).detach()).exp();
      return e.div(e.sum(axis, { keepDims: true }));
    },
    // dx = y·(g − Σ g·y)
    gradient: ({ y, g, attributes: { axis } }) => y.mul(g.sub(g.mul(y).sum(axis, { keepDims: true }))),
  }),
  /** x − ln Σ eˣ along an axis. */
  logSoftmax: activation<"logSoftmax", Axis>("logSoftmax", {
    body: (x, { axis }) => {
      if (x.size === 0) return x.exp();
      const shifted = x.sub(x.max(axis, { keepDims: true }).detach());
      return shifted.sub(shifted.exp().sum(axis, { keepDims: true }).log());
    },
    // dx = g − softmax(x)·Σ g
    gradient: ({ y, g, attributes: { axis } }) => g.sub(y.exp().mul(g.sum(axis, { keepDims: true }))),
  }),
};

// Klambauer et al., Self-Normalizing Neural Networks, arXiv:1706.02515, appendix A.
const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

type Activation = <S extends Shape, D extends DType>(x: Tensor<S, D>) => Tensor<S, D>;

function activationFunction(name: PlainActivation): Activation {
  return <S extends Shape, D extends DType>(x: Tensor<S, D>) =>
    apply(activationOps[name], [x], none) as Tensor<S, D>;
}

/** The activations without parameters. */
type PlainActivation = {
  [N in keyof typeof activationOps]: (typeof activationOps)[N] extends Composite<string, NoAttributes>
    ? N
    : never;
}[keyof typeof activationOps];

/** max(x, 0); its gradient at 0 is 0. */
export const relu = activationFunction("relu");
/** x·Φ(x), exact, with the error function (Hendrycks, Gimpel, arXiv:1606.08415). */
export const gelu = activationFunction("gelu");
/** GELU in the approximation with tanh. */
export const geluTanh = activationFunction("geluTanh");
/** Scaled ELU, which keeps mean 0 and variance 1 (Klambauer et al., arXiv:1706.02515). */
export const selu = activationFunction("selu");
/** x·σ(x), also called Swish. */
export const silu = activationFunction("silu");
/** x·tanh(softplus(x)) (Misra, arXiv:1908.08681). */
export const mish = activationFunction("mish");
/** x·min(max(x + 3, 0), 6)/6 (Howard et al., arXiv:1905.02244). */
export const hardSwish = activationFunction("hardSwish");
/** min(max(x + 3, 0), 6)/6. */
export const hardSigmoid = activationFunction("hardSigmoid");
/** 1 / (1 + e⁻ˣ), accurate on both sides. */
export const sigmoid = activationFunction("sigmoid");
/** ln σ(x), accurate on both sides. */
export const logSigmoid = activationFunction("logSigmoid");
/** x / (1 + |x|). */
export const softsign = activationFunction("softsign");
/** x − tanh x. */
export const tanhShrink = activationFunction("tanhShrink");

/** min(max(x, min), max), [−1, 1] by default; the gradient at a bound is 0. */
export function hardTanh<S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  { min = -1, max = 1 }: Partial<Bounds> = {},
): Tensor<S, D> {
  return apply(activationOps.hardTanh, [x], { min, max }) as Tensor<S, D>;
}

/** min(max(x, 0), 6); the gradient at 0 and at 6 is 0. */
export function relu6<S extends Shape, D extends DType>(x: Tensor<S, D>): Tensor<S, D> {
  return hardTanh(x, { min: 0, max: 6 });
}

/** ln(1 + e^(beta·x)) / beta, without overflow: a ReLU with a round corner, the sharper the larger beta is. */
export function softplus<S extends Shape, D extends DType>(x: Tensor<S, D>, { beta = 1 } = {}): Tensor<S, D> {
  if (beta === 1) return apply(activationOps.softplus, [x], none) as Tensor<S, D>;
  return apply(activationOps.softplus, [x.mul(beta)], none).div(beta) as Tensor<S, D>;
}

/** x above 0, alpha·x below (alpha 0.01 by default). */
export function leakyRelu<S extends Shape, D extends DType>(
  x: Tensor<S, D>,
  { alpha = 0.01 } = {},
): Tensor<S, D> {
  return apply(activationOps.leakyRelu, [x], { alpha }) as Tensor<S, D>;
}

/** x above 0, alpha·(eˣ − 1) below (Clevert et al., arXiv:1511.07289). */
export function elu<S extends Shape, D extends DType>(x: Tensor<S, D>, { alpha = 1 } = {}): Tensor<S, D> {
  return apply(activationOps.elu, [x], { alpha }) as Tensor<S, D>;
}

/** x above 0, alpha·(e^(x/alpha) − 1) below: ELU with a continuous derivative (Barron, arXiv:1704.07483). */
export function celu<S extends Shape, D extends DType>(x: Tensor<S, D>, { alpha = 1 } = {}): Tensor<S, D> {
  return apply(activationOps.celu, [x], { alpha }) as Tensor<S, D>;
}

/**
 * eˣ / Σ eˣ along `axis` (the last by default): positive numbers with sum 1. −∞ gives 0.
 *
 * @example
 * ```ts
 * import { softmax, tensor } from "@convoke/core";
 *
 * console.log(await softmax(tensor([[1, 1, 1000, 1000]])).data()); // Float32Array [0, 0, 0.5, 0.5]
 * ```
 */
export function softmax<S extends Shape, D extends DType>(x: Tensor<S, D>, axis = -1): Tensor<S, D> {
  const normal = normaliseAxis(describeOperation("softmax"), axis, x.rank);
  return apply(activationOps.softmax, [x], { axis: normal }) as Tensor<S, D>;
}

/** ln softmax(x) along `axis` (the last by default), accurate where softmax underflows. */
export function logSoftmax<S extends Shape, D extends DType>(x: Tensor<S, D>, axis = -1): Tensor<S, D> {
  const normal = normaliseAxis(describeOperation("logSoftmax"), axis, x.rank);
  return apply(activationOps.logSoftmax, [x], { axis: normal }) as Tensor<S, D>;
}
