// Activations, to be exported and run by ONNX Runtime.
import * as core from "@convoke/core";
import { n, gradientOf, type ExportCase } from "./export-case.js";

export const activation: Record<string, ExportCase> = {
  relu: { inputs: [n], fn: (x) => core.relu(x!), writes: ["Relu"] },
  hardTanh: {
    inputs: [n],
    fn: (x) => [core.hardTanh(x!), core.relu6(x!.mul(5))],
    writes: ["Clip", "Mul", "Clip"],
  },
  leakyRelu: { inputs: [n], fn: (x) => core.leakyRelu(x!, { alpha: 0.2 }), writes: ["LeakyRelu"] },
  elu: { inputs: [n], fn: (x) => core.elu(x!, { alpha: 1.5 }), writes: ["Elu"] },
  celu: { inputs: [n], fn: (x) => core.celu(x!, { alpha: 1.5 }), writes: ["Celu"] },
  selu: { inputs: [n], fn: (x) => core.selu(x!), writes: ["Selu"] },
  gelu: { inputs: [n], fn: (x) => [core.gelu(x!), core.geluTanh(x!)], writes: ["Gelu", "Gelu"] },
  sigmoid: { inputs: [n], fn: (x) => core.sigmoid(x!.mul(20)), writes: ["Mul", "Sigmoid"] },
  logSigmoid: { reformulated: true, inputs: [n], fn: (x) => core.logSigmoid(x!.mul(20)) },
  softplus: { inputs: [n], fn: (x) => core.softplus(x!.mul(20)), writes: ["Mul", "Softplus"] },
  silu: { inputs: [n], fn: (x) => core.silu(x!), writes: ["Sigmoid", "Mul"] },
  mish: { inputs: [n], fn: (x) => core.mish(x!), writes: ["Mish"] },
  hardSigmoid: {
    inputs: [n],
    fn: (x) => [core.hardSigmoid(x!.mul(3)), core.hardSwish(x!.mul(3))],
    writes: ["Mul", "HardSigmoid", "HardSwish"],
  },
  softsign: {
    inputs: [n],
    fn: (x) => [core.softsign(x!), core.tanhShrink(x!)],
    writes: ["Softsign", "Tanh", "Sub"],
  },
  softmax: {
    inputs: [n],
    fn: (x) => [core.softmax(x!.mul(30)), core.softmax(x!, 1)],
    writes: ["Mul", "Softmax", "Softmax"],
  },
  logSoftmax: { inputs: [n], fn: (x) => core.logSoftmax(x!.mul(30)), writes: ["Mul", "LogSoftmax"] },
  "activations, gradients": {
    inputs: [n],
    fn: gradientOf((x) => core.selu(core.gelu(core.softmax(core.mish(x))))) as ExportCase["fn"],
  },
};
