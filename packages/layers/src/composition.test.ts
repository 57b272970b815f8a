import { Module, ones, tensor, type Context, type Tensor } from "@convoke/core";
import { describe, expect, it } from "vitest";
import { refusal } from "../test/refusal.js";
import {
  conv2d,
  dense,
  denseBlock,
  flatten,
  groupNorm,
  identity,
  input,
  lambda,
  maxPool2d,
  model,
  parallel,
  relu,
  residual,
  sequential,
  upsample2d,
} from "./index.js";

/** What the compiler does not know is left to the program. */
const unknownShape = (x: Tensor): Tensor => x;
const numbers = async (x: Tensor) => Array.from((await x.data()) as Float32Array);
const scale = (factor: number) => lambda((x) => x.mul(factor));

describe("branches side by side", () => {
  it("are joined along the channels, in their order", async () => {
    const both = parallel([identity(), scale(10)]);
    const y = both.forward(tensor([1, 2, 3, 4], { shape: [2, 2] }));
    expect(y.shape).toEqual([2, 4]);
    expect(await numbers(y)).toEqual([1, 2, 10, 20, 3, 4, 30, 40]);
  });

  it("are joined along another axis", () => {
    expect(parallel([identity(), identity()], { axis: -1 }).forward(ones([2, 3, 4])).shape).toEqual([
      2, 3, 8,
    ]);
  });

  it("name their parameters by their place", () => {
    const block = parallel([dense({ units: 2 }), sequential(dense({ units: 3 }))], { name: "both" });
    const net = sequential(input(4), block);
    expect(Object.keys(net.namedVariables())).toEqual([
      "both.0.weight",
      "both.0.bias",
      "both.1.0.weight",
      "both.1.0.bias",
    ]);
    expect(net.outputShape).toEqual([1, 5]);
  });
});

describe("a dense block", () => {
  it("appends the output of each layer to its input", async () => {
    const block = denseBlock([scale(2), scale(3)]);
    const y = block.forward(tensor([1], { shape: [1, 1] }));
    expect(await numbers(y)).toEqual([1, 2, 3, 6]);
  });

  it("keeps the shares of each layer's parameters apart", () => {
    const block = denseBlock([dense({ units: 3 }), dense({ units: 3 })]).build([4]);
    const shapes = Object.entries(block.namedVariables()).map(([name, { shape }]) => [name, shape]);
    expect(shapes).toEqual([
      ["0.weight", [3, 4]],
      ["0.bias", [3]],
      ["1.weight", [3, 7]],
      ["1.bias", [3]],
    ]);
  });
});

describe("pipe", () => {
  it("adds a layer to a model, builds it at once and leaves the first model as it was", async () => {
    const first = sequential(input(4)).pipe(dense({ units: 3 }));
    const longer = first.pipe(relu()).pipe(dense({ units: 2, name: "output" }));
    expect(Object.keys(longer.namedVariables())).toEqual([
      "0.weight",
      "0.bias",
      "output.weight",
      "output.bias",
    ]);
    expect([first.outputShape, longer.outputShape]).toEqual([
      [1, 3],
      [1, 2],
    ]);
    const whole = sequential(input(4), dense({ units: 3 }), relu(), dense({ units: 2, name: "output" }));
    const x = ones([1, 4]);
    expect(await numbers(longer.forward(x))).toEqual(await numbers(whole.forward(x)));
  });

  it("adds a layer to layers without an input", () => {
    const net = sequential(relu()).pipe(dense({ units: 2 }));
    expect(net.isBuilt).toBe(false);
    expect(net.build([4]).outputShape).toEqual([1, 2]);
  });
});

describe("declared inputs", () => {
  const two = () =>
    model(
      { left: dense({ units: 2 }), right: dense({ units: 2 }) },
      ({ left, right }, { a, b }, context) => left.forward(a, context).add(right.forward(b, context)),
      { inputs: { a: input(3), b: input(5) } },
    );

  it("build the model", () => {
    expect(two().outputShape).toEqual([1, 2]);
    expect(two().forward({ a: ones([4, 3]), b: ones([4, 5]) }).shape).toEqual([4, 2]);
  });

  it("may be one, or several in a list", () => {
    const one = model({ d: dense({ units: 2 }) }, ({ d }, x, context) => d.forward(x, context), {
      inputs: input(3),
    });
    expect(one.forward(ones([4, 3])).shape).toEqual([4, 2]);
    const sum = model({}, (_, [a, b]) => a.add(b), { inputs: [input(3), input(3)] });
    expect(sum.forward([ones([4, 3]), ones([4, 3])]).shape).toEqual([4, 3]);
    expect(refusal(() => sum.forward([ones([4, 3]), unknownShape(ones([4, 2]))]))).toMatchInlineSnapshot(`
      "ShapeError: forward: input 1 expects [N, 3] but got [4, 2].
        Give it samples of this size; made without input(…) and built by build(…), a model takes whatever its layers take."
    `);
  });

  it("agree on the names of dimensions in each call", () => {
    expect(refusal(() => two().forward({ a: unknownShape(ones([32, 3])), b: unknownShape(ones([31, 5])) })))
      .toMatchInlineSnapshot(`
      "ShapeError: forward: the inputs have different N: 32 in [32, 3], 31 in [31, 5], whatever says N must have one size.
        Give both the same N."
    `);
    expect(refusal(() => two().forward({ a: unknownShape(ones([32, 4])), b: unknownShape(ones([32, 5])) })))
      .toMatchInlineSnapshot(`
      "ShapeError: forward: input "a" expects [N, 3] but got [32, 4].
        Give it samples of this size; made without input(…) and built by build(…), a model takes whatever its layers take."
    `);
  });

  it("are checked inside another model, whose layer is named", () => {
    const head = sequential(input(1, 8, 8), flatten(), dense({ units: 2 }));
    const body = { grow: upsample2d({ scale: 2 }), head };
    expect(refusal(() => sequential(input(1, 8, 8), body))).toMatchInlineSnapshot(`
      "ShapeError: forward "head": the model expects [N, 1, 8, 8] but got [1, 1, 16, 16].
        Give it samples of this size; made without input(…) and built by build(…), a model takes whatever its layers take."
    `);
  });
});

describe("assertOutput", () => {
  const net = () => sequential(input(4), { output: dense({ units: 2 }) });

  it("gives the model where it is right", () => {
    const found = net();
    expect(found.assertOutput(["N", 2])).toBe(found);
  });

  it("says what the outputs are where it is not", () => {
    expect(refusal(() => net().assertOutput(["N", 3]))).toMatchInlineSnapshot(`
      "ShapeError: assertOutput: the tensor has shape [1, 2], not [N, 3].
        Assert [N, 2], or find where the model gets its shape."
    `);
  });
});

describe("messages of layers", () => {
  it("name what does not fit", () => {
    const features = { conv: conv2d({ filters: 6, kernelSize: 5 }), output: dense({ units: 10 }) };
    expect(refusal(() => sequential(input(1, 28, 28), features))).toMatchInlineSnapshot(`
      "ShapeError: dense "output": input [1, 6, 24, 24] has 4 axes, it takes [N, features] or [N, L, features]; put flatten() or globalAvgPool2d() before it.
        To use it along the last axis all the same, reshape the input to [N, L, features]."
    `);
    expect(refusal(() => sequential(input(6, 4, 4), { norm: groupNorm({ groups: 4 }) })))
      .toMatchInlineSnapshot(`
      "ShapeError: groupNorm "norm": channels 6 are not divisible by groups 4; the input is [1, 6, 4, 4].
        Use a number of groups that divides 6."
    `);
    const branches = parallel([identity(), maxPool2d({ size: 2 })]);
    expect(refusal(() => sequential(input(6, 4, 4), { branches }))).toMatchInlineSnapshot(`
      "ShapeError: parallel "branches": [1, 6, 4, 4] and [1, 6, 2, 2] differ, only axis 1 may differ.
        Make the second [1, 6, 4, 4]."
    `);
    const block = denseBlock([identity(), conv2d({ filters: 6, kernelSize: 3 })]);
    expect(refusal(() => sequential(input(6, 4, 4), { block }))).toMatchInlineSnapshot(`
      "ShapeError: denseBlock "block": [1, 12, 4, 4] and [1, 6, 2, 2] differ, only axis 1 may differ.
        Make the second [1, 6, 4, 4]."
    `);
    expect(refusal(() => sequential(input(6, 4, 4), { up: upsample2d({ scale: 0.1 }) })))
      .toMatchInlineSnapshot(`
      "ShapeError: upsample2d "up": axis 2 scaled by 0.1 is 0, it must be a whole number of at least 1.
        Use 1 instead."
    `);
  });

  it("refuse parts that give no tensor", () => {
    class Two extends Module<Tensor, Tensor[]> {
      protected compute(x: Tensor, _context: Context): Tensor[] {
        return [x, x];
      }
    }
    expect(refusal(() => residual(new Two()).forward(ones([1])))).toMatchInlineSnapshot(`
      "ModuleError: forward: a part of it gives no tensor.
        Parts of sequential, residual, parallel and denseBlock take one tensor and give one."
    `);
  });
});
