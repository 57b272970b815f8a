import { tensor, type Module } from "@convoke/core";
import { describe, expect, it } from "vitest";
import { casesOf, expectClose, numbers, of } from "../test/golden-ops.js";
import {
  celu,
  elu,
  gelu,
  geluTanh,
  hardSigmoid,
  hardSwish,
  hardTanh,
  leakyRelu,
  logSigmoid,
  logSoftmax,
  mish,
  relu,
  relu6,
  selu,
  sigmoid,
  silu,
  softmax,
  softplus,
  softsign,
  tanh,
  tanhShrink,
} from "./index.js";

describe("activations", () => {
  it.each<[Module, string]>([
    [relu(), "relu"],
    [relu6(), "relu6"],
    [leakyRelu({ alpha: 0.1 }), "leaky_relu"],
    [elu({ alpha: 1.3 }), "elu"],
    [selu(), "selu"],
    [celu({ alpha: 0.7 }), "celu"],
    [gelu(), "gelu"],
    [geluTanh(), "gelu_tanh"],
    [silu(), "silu"],
    [mish(), "mish"],
    [hardSwish(), "hardswish"],
    [hardSigmoid(), "hardsigmoid"],
    [hardTanh(), "hardtanh"],
    [sigmoid(), "sigmoid"],
    [tanh(), "tanh"],
    [logSigmoid(), "logsigmoid"],
    [softsign(), "softsign"],
    [tanhShrink(), "tanhshrink"],
  ])("%#: $1", async (layer, name) => {
    const golden = casesOf(name);
    expect(golden.length).toBe(1);
    const { inputs, output } = golden[0]!;
    await expectClose(layer.forward(of(inputs.x!)), output.data);
  });

  it("softplus, and the default slopes", async () => {
    await expectClose(softplus().forward(tensor([-1, 0, 100])), [Math.log1p(Math.exp(-1)), Math.log(2), 100]);
    await expectClose(leakyRelu().forward(tensor([-2, 2])), [-0.02, 2]);
    await expectClose(elu().forward(tensor([-2, 2])), [Math.expm1(-2), 2]);
    await expectClose(celu().forward(tensor([-2, 2])), [Math.expm1(-2), 2]);
  });

  it("softmax and logSoftmax along an axis", async () => {
    const x = tensor([
      [
        [0, 1],
        [0, 1],
      ],
    ]);
    expect(await numbers(softmax(1).forward(x))).toEqual([0.5, 0.5, 0.5, 0.5]);
    const e = Math.exp(1);
    await expectClose(softmax().forward(x), [1 / (1 + e), e / (1 + e), 1 / (1 + e), e / (1 + e)]);
    await expectClose(
      logSoftmax(1).forward(x),
      Array.from({ length: 4 }, () => -Math.log(2)),
    );
  });
});
