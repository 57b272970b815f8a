// A12: a kernel learned from data. A13: the tiny network whose output and gradient can be written down.
import {
  compile,
  conv2d,
  globalMaxPool,
  gradients,
  hostKey,
  hostUniform,
  tensor,
  valueAndGrad,
  Variable,
  type Tensor,
} from "@convoke/core";
import { describe, expect, it } from "vitest";

describe("A12: a kernel learned from images and their edge maps", () => {
  const kernels = {
    vertical: [1, 0, -1, 1, 0, -1, 1, 0, -1],
    sobel: [1, 0, -1, 2, 0, -2, 1, 0, -1],
    oblique: [2, 1, 0, 1, 0, -1, 0, -1, -2],
  };
  it.each(Object.entries(kernels))("%s: gradient descent recovers W1 to W9", async (_, truth) => {
    const images = tensor(Float32Array.from(hostUniform(hostKey(1), 8 * 12 * 12)), { shape: [8, 1, 12, 12] });
    const edges = await conv2d(images, tensor(truth).reshape([1, 1, 3, 3])).realize();
    const kernel = new Variable(tensor(new Float32Array(9), { shape: [1, 1, 3, 3] }), { name: "kernel" });
    const step = compile((x: Tensor, y: Tensor) => {
      const [loss, [g]] = valueAndGrad(() => conv2d(x, kernel.value).sub(y).square().mean(), [kernel])();
      kernel.assign(kernel.value.sub(g!.mul(0.3)));
      return loss;
    });
    let loss = Infinity;
    for (let i = 0; i < 400; i++) loss = Number(await (await step(images, edges)).item());
    const learned = [...(await kernel.data())].map(Number);
    expect(Math.max(...learned.map((w, i) => Math.abs(w - truth[i]!)))).toBeLessThan(1e-2);
    expect(loss).toBeLessThan(1e-4);
  });
});

/** The convolution of a 3×3 input with a 2×2 filter, written out: one sum of products for each window. */
function symbolicWindows(): { text: string; weights: string[]; inputs: string[] }[] {
  const windows = [];
  for (let row = 0; row < 2; row++) {
    for (let column = 0; column < 2; column++) {
      const weights = ["w11", "w12", "w21", "w22"];
      const inputs = [0, 1].flatMap((i) => [0, 1].map((j) => `x${row + i + 1}${column + j + 1}`));
      windows.push({ text: weights.map((w, i) => `${w}·${inputs[i]}`).join(" + "), weights, inputs });
    }
  }
  return windows;
}

describe("A13: 3×3 input, one 2×2 filter, global maximum", () => {
  it("has this output and this gradient", async () => {
    const windows = symbolicWindows();
    expect(`y = max(\n${windows.map(({ text }) => `  ${text}`).join(",\n")})`).toMatchInlineSnapshot(`
      "y = max(
        w11·x11 + w12·x12 + w21·x21 + w22·x22,
        w11·x12 + w12·x13 + w21·x22 + w22·x23,
        w11·x21 + w12·x22 + w21·x31 + w22·x32,
        w11·x22 + w12·x23 + w21·x32 + w22·x33)"
    `);

    const x = [3, -1, 2, 0.5, 4, -2, 1, 2.5, -3];
    const w = [1, -0.5, 2, 0.25];
    const named: Record<string, number> = {};
    x.forEach((value, i) => (named[`x${Math.floor(i / 3) + 1}${(i % 3) + 1}`] = value));
    ["w11", "w12", "w21", "w22"].forEach((name, i) => (named[name] = w[i]!));
    const values = windows.map(({ weights, inputs }) =>
      weights.reduce((sum, name, i) => sum + named[name]! * named[inputs[i]!]!, 0),
    );
    const winner = windows[values.indexOf(Math.max(...values))]!;

    // ∂y/∂w is the window that wins, ∂y/∂x the filter laid over it, 0 elsewhere.
    const shown = winner.weights.map(
      (name, i) => `∂y/∂${name} = ${winner.inputs[i]} = ${named[winner.inputs[i]!]}`,
    );
    expect(shown).toMatchInlineSnapshot(`
      [
        "∂y/∂w11 = x22 = 4",
        "∂y/∂w12 = x23 = -2",
        "∂y/∂w21 = x32 = 2.5",
        "∂y/∂w22 = x33 = -3",
      ]
    `);
    const expectedX = Object.keys(named)
      .filter((name) => name.startsWith("x"))
      .map((name) =>
        winner.inputs.includes(name) ? named[winner.weights[winner.inputs.indexOf(name)]!]! : 0,
      );

    const [input, filter] = [
      new Variable(tensor(x, { shape: [1, 1, 3, 3] })),
      new Variable(tensor(w, { shape: [1, 1, 2, 2] })),
    ];
    const y = globalMaxPool(conv2d(input.value, filter.value)).sum();
    const [dx, dw] = gradients(y, [input, filter]);
    expect(await y.item()).toBeCloseTo(Math.max(...values), 5);
    expect([...(await dw!.data())]).toEqual(winner.inputs.map((name) => named[name]));
    expect([...(await dx!.data())]).toEqual(expectedX);
  });
});
