// Activation functions.
import {
  celu,
  elu,
  expm1,
  gelu,
  geluTanh,
  hardSigmoid,
  hardSwish,
  isFloat,
  leakyRelu,
  logSoftmax,
  mish,
  oneHot,
  argMax,
  relu,
  selu,
  sigmoid,
  silu,
  softmax,
  softplus,
  softsign,
  type Tensor,
} from "@convoke/core";
import { shapeSize } from "@convoke/shape";
import { stepwise, type Converter, type NodeCall, type OperatorTable } from "../import/node-call.js";

function plain(fn: (x: Tensor) => Tensor): Converter {
  return ({ x }) => fn(x);
}

/** Klambauer et al., arXiv:1706.02515, as ONNX rounds the constants. */
const SELU = { alpha: 1.6732632423543772, gamma: 1.0507009873554805 };

function seluOf(call: NodeCall): Tensor {
  const { x } = call;
  const isOld = call.opset < 6;
  const alpha = call.float("alpha", isOld ? 1.6732 : SELU.alpha);
  const gamma = call.float("gamma", isOld ? 1.0507 : SELU.gamma);
  if (Math.fround(alpha) === Math.fround(SELU.alpha) && Math.fround(gamma) === Math.fround(SELU.gamma))
    return selu(x);
  if (x.dtype === "float16") return seluOf(call.inFloat32()).cast("float16");
  const below = expm1(x.minimum(0)).mul(alpha);
  return x.greater(0).where(x, below).mul(gamma);
}

/** One slope for each channel until opset 6; then any shape that can be repeated to x's. */
function prelu(call: NodeCall): Tensor {
  const [x, slope] = [call.input(0), call.input(1)];
  const perChannel = call.opset < 7 && slope.rank === 1 && slope.size > 1 && x.rank > 2;
  const factor = perChannel ? slope.reshape([slope.size, ...x.shape.slice(2).map(() => 1)]) : slope;
  return x.less(0).where(x.mul(factor), x);
}

function hardSigmoidOf(call: NodeCall): Tensor {
  const { x } = call;
  const [alpha, beta] = [call.float("alpha", 0.2), call.float("beta", 0.5)];
  if (Math.fround(alpha) === Math.fround(1 / 6) && beta === 0.5) return hardSigmoid(x);
  if (x.dtype === "float16") return hardSigmoidOf(call.inFloat32()).cast("float16");
  return x.mul(alpha).add(beta).maximum(0).minimum(1);
}

function geluOf(call: NodeCall): Tensor {
  return call.choice("approximate", ["none", "tanh"], "none") === "tanh" ? geluTanh(call.x) : gelu(call.x);
}

function shrink(call: NodeCall): Tensor {
  const { x } = call;
  const dtype = x.dtype;
  const [lambda, bias] = [call.float("lambd", 0.5), call.float("bias", 0)];
  const values = isFloat(dtype) ? x : x.cast("float64");
  const above = values.greater(lambda).where(values.sub(bias), values.literal(0));
  return values.less(-lambda).where(values.add(bias), above).cast(dtype);
}

/** Until opset 12 all axes from `axis` on are one; since then it works along one axis. */
function alongAxis(fn: (x: Tensor, axis: number, call: NodeCall) => Tensor): Converter {
  return (call) => {
    const { x } = call;
    if (call.opset >= 13) return fn(x, call.axis(call.int("axis", -1), x.rank), call);
    const given = call.int("axis", 1);
    const axis = given === x.rank ? given : call.axis(given, x.rank);
    const rows = x.reshape([shapeSize(x.shape.slice(0, axis)), shapeSize(x.shape.slice(axis))]);
    // Where the rest is one axis anyway, nothing needs to be laid flat.
    return axis === x.rank - 1 ? fn(x, axis, call) : fn(rows, 1, call).reshape(x.shape);
  };
}

function hardmax(x: Tensor, axis: number, call: NodeCall): Tensor {
  call.checkCount(x.shape[axis]!);
  const hot = oneHot(argMax(x, axis), x.shape[axis]!, x.dtype);
  const order = x.shape.map((_, i) => i).slice(0, -1);
  return hot.permute([...order.slice(0, axis), x.rank - 1, ...order.slice(axis)]);
}

export const activationOperators: OperatorTable = {
  Relu: ({ x }) => (isFloat(x.dtype) ? relu(x) : x.maximum(0)),
  LeakyRelu: (call) => leakyRelu(call.x, { alpha: call.float("alpha", 0.01) }),
  PRelu: prelu,
  ThresholdedRelu: (call) => {
    const { x } = call;
    return x.greater(call.float("alpha", 1)).where(x, x.literal(0));
  },
  Elu: (call) => elu(call.x, { alpha: call.float("alpha", 1) }),
  Celu: (call) => celu(call.x, { alpha: call.float("alpha", 1) }),
  Selu: seluOf,
  Gelu: geluOf,
  Sigmoid: plain(sigmoid),
  HardSigmoid: hardSigmoidOf,
  HardSwish: plain(hardSwish),
  Softplus: plain((x) => softplus(x)),
  Softsign: plain(softsign),
  Mish: plain(mish),
  Swish: stepwise((call) => {
    const alpha = call.float("alpha", 1);
    return alpha === 1 ? silu(call.x) : call.x.mul(sigmoid(call.x.mul(alpha)));
  }),
  Shrink: shrink,
  Softmax: alongAxis((x, axis) => softmax(x, axis)),
  LogSoftmax: alongAxis((x, axis) => logSoftmax(x, axis)),
  Hardmax: alongAxis(hardmax),
};
