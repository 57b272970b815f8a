import * as core from "@convoke/core";
import { gradients, logSoftmax, softmax, tensor, type Composite, type Tensor } from "@convoke/core";
import { describe, expect, it } from "vitest";
import { expectGradientOfBody } from "../../test/derived-gradients.js";
import { checkGradients, difference } from "../../test/finite-differences.js";
import { seededTensor } from "../../test/seeded-numbers.js";
import { activationOps } from "./activation.js";

/** Away from every kink (0, ±1, ±3, 6), on all sides of them. */
const smoothPoints = tensor(Float64Array.of(-7.3, -3.4, -2.1, -0.8, -0.3, 0.2, 0.7, 1.6, 2.9, 4.4, 7.7));

const activations: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  relu: core.relu,
  relu6: core.relu6,
  leakyRelu: core.leakyRelu,
  elu: (x) => core.elu(x, { alpha: 1.3 }),
  selu: core.selu,
  celu: (x) => core.celu(x, { alpha: 0.7 }),
  gelu: core.gelu,
  geluTanh: core.geluTanh,
  silu: core.silu,
  mish: core.mish,
  softplus: (x) => core.softplus(x, { beta: 1.5 }),
  hardSwish: core.hardSwish,
  hardSigmoid: core.hardSigmoid,
  hardTanh: core.hardTanh,
  sigmoid: core.sigmoid,
  logSigmoid: core.logSigmoid,
  softsign: core.softsign,
  tanhShrink: core.tanhShrink,
  softmax: (x) => core.softmax(x),
  logSoftmax: (x) => core.logSoftmax(x),
};

async function valuesAndSlopes(
  fn: (x: Tensor) => Tensor,
  points: number[],
): Promise<{ y: number[]; slope: number[] }> {
  const x = tensor(Float64Array.from(points));
  const y = fn(x);
  const [slope] = gradients(y.sum(), [x]);
  return { y: [...((await y.data()) as Float64Array)], slope: [...((await slope!.data()) as Float64Array)] };
}

describe("activations", () => {
  it.each(Object.keys(activations))("%s has right first and second derivatives", async (name) => {
    await checkGradients(activations[name]!, [smoothPoints]);
  });

  it.each(Object.keys(activations))("%s stays float32 and works on scalars and nothing", async (name) => {
    const y = activations[name]!(seededTensor([0, 3]).cast("float32"));
    expect([y.dtype, y.shape, [...(await y.data())]]).toEqual(["float32", [0, 3], []]);
    if (!name.toLowerCase().includes("softmax")) expect(activations[name]!(tensor(0.5)).shape).toEqual([]);
  });

  it("take PyTorch's side at each kink", async () => {
    const slopes = async (name: string, points: number[]): Promise<number[]> =>
      (await valuesAndSlopes(activations[name]!, points)).slope;
    expect(await slopes("relu", [0])).toEqual([0]);
    expect(await slopes("relu6", [0, 6])).toEqual([0, 0]);
    expect(await slopes("leakyRelu", [0])).toEqual([0.01]);
    expect(await slopes("elu", [0])).toEqual([1.3]);
    expect(await slopes("celu", [0])).toEqual([1]);
    expect(await slopes("hardTanh", [-1, 1])).toEqual([0, 0]);
    expect(await slopes("hardSigmoid", [-3, 3])).toEqual([0, 0]);
    expect(await slopes("hardSwish", [-3, 3])).toEqual([-0.5, 1.5]);
    expect(await slopes("softsign", [0])).toEqual([1]);
  });

  it("neither overflow nor lose their small values far out", async () => {
    for (const [name, fn] of Object.entries(activations)) {
      const { y, slope } = await valuesAndSlopes(fn, [-1000, 1000]);
      expect([...y, ...slope].every(Number.isFinite), `${name}: ${String([...y, ...slope])}`).toBe(true);
    }
    const far = await valuesAndSlopes(core.sigmoid, [-100, 100]);
    expect(far.y[0]! / Math.exp(-100)).toBeCloseTo(1, 12);
    expect(far.slope[1]! / Math.exp(-100)).toBeCloseTo(1, 12);
    expect((await valuesAndSlopes(core.logSigmoid, [-1000, 50])).y).toEqual([
      -1000,
      -Math.log1p(Math.exp(-50)),
    ]);
    expect((await valuesAndSlopes((x) => core.softplus(x), [-50])).y).toEqual([Math.log1p(Math.exp(-50))]);
  });

  it("carry NaN through", async () => {
    for (const [name, fn] of Object.entries(activations)) {
      expect((await fn(tensor([NaN])).data())[0], name).toBeNaN();
    }
  });

  it("declare the gradients of their bodies", async () => {
    const declared: Record<string, object> = {
      relu: {},
      hardTanh: { min: -1, max: 1 },
      sigmoid: {},
      logSigmoid: {},
      softplus: {},
      hardSwish: {},
      softmax: { axis: 0 },
      logSoftmax: { axis: 0 },
    };
    for (const [name, op] of Object.entries(activationOps)) {
      expect(op.gradient !== undefined, name).toBe(name in declared);
      if (name in declared) await expectGradientOfBody(op as Composite, [smoothPoints], declared[name]!);
    }
  });

  it("refuse integers", () => {
    expect(() => core.sigmoid(tensor(new Int32Array(2)))).toThrowErrorMatchingInlineSnapshot(`
      [DTypeError: sigmoid: got int32, but it takes a floating-point type.
        Cast it with .cast("float32").]
    `);
  });
});

describe("softmax and logSoftmax", () => {
  it("work along any axis, and are each other's logarithm and exponential", async () => {
    const x = seededTensor([2, 3, 4]);
    for (const axis of [0, 1, 2, -1]) {
      const p = softmax(x, axis);
      expect(
        difference(await p.sum(axis).data(), new Float64Array(24 / x.shape.at(axis)!).fill(1)),
      ).toBeLessThan(1e-15);
      expect(difference(await logSoftmax(x, axis).exp().data(), await p.data())).toBeLessThan(1e-15);
    }
    expect(() => softmax(x, 3)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: softmax: axis is 3, it must be a whole number from -3 to 2 for 3-D.
        Use 2 instead.]
    `);
  });

  it("give −∞ no weight and survive large numbers", async () => {
    const x = tensor([-Infinity, 1e30, 1e30]);
    expect(await softmax(x).array()).toEqual([0, 0.5, 0.5]);
    const [g] = gradients(
      softmax(x)
        .slice([{ start: 1, end: 2 }])
        .sum(),
      [x],
    );
    expect(difference((await g!.data()) as Float32Array, [0, 0.25, -0.25])).toBe(0);
    expect(await logSoftmax(tensor([-Infinity, 0])).array()).toEqual([-Infinity, 0]);
  });

  it("have right first and second derivatives along an inner axis", async () => {
    const x = seededTensor([2, 3, 2]);
    await checkGradients((t) => softmax(t, 1), [x]);
    await checkGradients((t) => logSoftmax(t, 1), [x]);
  });
});
