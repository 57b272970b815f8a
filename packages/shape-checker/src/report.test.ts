import {
  conv2d,
  linear,
  maxPool2d,
  Module,
  relu,
  type Context,
  type Tensor,
  type Variable,
} from "@convoke/core";
import { ShapeError, type Shape } from "@convoke/shape";
import { describe, expect, it } from "vitest";
import { formatReport, report, reportToJson, type LayerReport } from "./index.js";

/** The layers that the networks of the tables need, straight on core. */
class Conv extends Module {
  weight!: Variable;
  bias: Variable | undefined;

  constructor(
    readonly filters: number,
    readonly size: number,
    readonly options: { stride?: number; padding?: number; groups?: number; bias?: false } = {},
  ) {
    super();
  }

  protected override setup([, channels]: Shape) {
    const { groups = 1, bias } = this.options;
    const shape = [this.filters, channels! / groups, this.size, this.size];
    this.weight = this.parameter(shape, (s) => new Float32Array(s.reduce((a, b) => a * b, 1)));
    if (bias !== false) this.bias = this.parameter([this.filters], () => new Float32Array(this.filters));
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    return conv2d(x, this.weight.value, { ...this.options, bias: this.bias?.value });
  }
}

class Dense extends Module {
  weight!: Variable;
  bias!: Variable;

  constructor(readonly units: number) {
    super();
  }

  protected override setup([, inputs]: Shape) {
    this.weight = this.parameter([this.units, inputs!], () => new Float32Array(this.units * inputs!));
    this.bias = this.parameter([this.units], () => new Float32Array(this.units));
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    return linear(x, this.weight.value, this.bias.value);
  }
}

class Relu extends Module {
  protected compute(x: Tensor, _context: Context): Tensor {
    return relu(x);
  }
}

class Pool extends Module {
  constructor(
    readonly size: number,
    readonly stride = size,
  ) {
    super();
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    return maxPool2d(x, { size: this.size, stride: this.stride });
  }
}

class Flatten extends Module {
  protected compute(x: Tensor, _context: Context): Tensor {
    return x.reshape([x.shape[0]!, -1]);
  }
}

/** A chain of layers under their names. */
class Chain extends Module {
  constructor(readonly layers: Record<string, Module>) {
    super();
  }

  protected compute(x: Tensor, context: Context): Tensor {
    return Object.values(this.layers).reduce((value, layer) => layer.forward(value, context), x);
  }
}

/** x + body(x): a container that computes something itself. */
class Around extends Module {
  constructor(readonly body: Module) {
    super();
  }

  protected compute(x: Tensor, context: Context): Tensor {
    return x.add(this.body.forward(x, context));
  }
}

class Scaled extends Module {
  factor!: Variable;
  running!: Variable;

  protected override setup() {
    this.factor = this.parameter([1], () => Float32Array.of(1));
    this.running = this.buffer([1], () => Float32Array.of(0));
  }

  protected compute(x: Tensor, _context: Context): Tensor {
    return x.mul(this.factor.value).sub(this.running.value);
  }
}

function rowOf(model: Module, input: Shape, path: string): LayerReport {
  const row = report(model, input).layers.find((layer) => layer.path === path);
  if (row === undefined) throw new Error(`no layer ${path}`);
  return row;
}

/** The five numbers of the tables. */
function counts(model: Module, input: Shape, path: string) {
  const { outputShape, weightsPerFilter, neurons, connections, parameters } = rowOf(model, input, path);
  return { outputShape, weightsPerFilter, neurons, connections, parameters };
}

describe("report", () => {
  it("gives the counts of LeNet-5's first layer, and the sizes of the following ones (SYSTEMS B1)", () => {
    const lenet = new Chain({
      c1: new Conv(6, 5),
      s2: new Pool(2),
      c3: new Conv(16, 5),
      s4: new Pool(2),
      flatten: new Flatten(),
      output: new Dense(10),
    });
    expect(counts(lenet, [1, 32, 32], "layers.c1")).toEqual({
      outputShape: [6, 28, 28],
      weightsPerFilter: 26,
      neurons: 4704,
      connections: 122_304,
      parameters: 156,
    });
    const shapes = report(lenet, [1, 32, 32]).layers.map((layer) => layer.outputShape);
    expect(shapes).toEqual([[6, 28, 28], [6, 14, 14], [16, 10, 10], [16, 5, 5], [400], [10]]);
  });

  it("gives the counts of AlexNet's first layer and its overlapping pool (SYSTEMS B2)", () => {
    const alexnet = new Chain({ conv1: new Conv(96, 11, { stride: 4, padding: 2 }), pool1: new Pool(3, 2) });
    expect(counts(alexnet, [3, 224, 224], "layers.conv1")).toEqual({
      outputShape: [96, 55, 55],
      weightsPerFilter: 364,
      neurons: 290_400,
      connections: 105_705_600,
      parameters: 34_944,
    });
    expect(rowOf(alexnet, [3, 224, 224], "layers.pool1").outputShape).toEqual([96, 27, 27]);
  });

  it("gives the counts of the DQN for Atari (SYSTEMS B3)", () => {
    const dqn = new Chain({
      conv1: new Conv(16, 8, { stride: 4 }),
      relu1: new Relu(),
      conv2: new Conv(32, 4, { stride: 2 }),
      relu2: new Relu(),
      flatten: new Flatten(),
      fc: new Dense(256),
      output: new Dense(18),
    });
    const rows = ["conv1", "conv2", "fc", "output"].map((name) => counts(dqn, [4, 84, 84], `layers.${name}`));
    expect(rows.map((row) => Object.values(row))).toEqual([
      [[16, 20, 20], 257, 6400, 1_644_800, 4112],
      [[32, 9, 9], 257, 2592, 666_144, 8224],
      [[256], 2593, 256, 663_808, 663_808],
      [[18], 257, 18, 4626, 4626],
    ]);
  });

  it("counts the weights of a group only, and no bias where there is none", () => {
    const grouped = new Conv(8, 3, { groups: 4, bias: false });
    expect(counts(grouped, [4, 5, 5], "")).toEqual({
      outputShape: [8, 3, 3],
      weightsPerFilter: 9,
      neurons: 72,
      connections: 648,
      parameters: 72,
    });
  });

  it("adds up parameters, multiply-adds and bytes; buffers are no parameters, frozen ones are not trainable", () => {
    const model = new Chain({ conv: new Conv(2, 3), scaled: new Scaled() });
    model.build([1, 4, 4]).freeze(/conv\.weight/);
    expect(report(model, [1, 4, 4]).totals).toEqual({
      parameters: 21,
      parametersWithoutBias: 19,
      trainable: 3,
      // 2 filters · 2×2 outputs · 9 weights
      multiplyAdds: 72,
      bytes: 22 * 4,
    });
    expect(rowOf(model, [1, 4, 4], "layers.scaled").parameters).toBe(1);
  });

  it("gives a container a row of its own, after its parts, only where it computes something", () => {
    const model = new Chain({ block: new Around(new Chain({ conv: new Conv(1, 1), relu: new Relu() })) });
    const rows = report(model, [1, 2, 2]).layers.map(({ path, kind }) => `${path} ${kind}`);
    expect(rows).toEqual([
      "layers.block.body.layers.conv conv",
      "layers.block.body.layers.relu relu",
      "layers.block around",
    ]);
  });

  it("reports a built model for another input without changing its parameters", async () => {
    const model = new Conv(1, 3);
    model.build([1, 8, 8], { seed: 3 });
    const before = await model.weight.data();
    expect(rowOf(model, [1, 10, 6], "").outputShape).toEqual([1, 8, 4]);
    expect(await model.weight.data()).toEqual(before);
  });

  it("refuses an input that does not fit, and names the layer", () => {
    const model = new Chain({ c1: new Conv(6, 5), c2: new Conv(16, 5) });
    expect(() => report(model, [1, 6, 6])).toThrow(ShapeError);
    expect(() => report(model, [1, 6, 6])).toThrow(/"layers\.c2"/);
  });

  it("takes the shape that the model was built with, and asks for one otherwise", () => {
    const model = new Dense(3);
    expect(() => report(model)).toThrowErrorMatchingInlineSnapshot(`
      [ModuleError: report: the model was not built, so there is no input shape to report on.
        Pass one without the batch axis, for instance report(model, [1, 28, 28]).]
    `);
    expect(report(model.build([5]))).toEqual(report(model, [5]));
  });
});

describe("formatReport", () => {
  it("lays the counts out as a table", () => {
    const model = new Chain({
      c1: new Conv(6, 5),
      s2: new Pool(2),
      flatten: new Flatten(),
      output: new Dense(10),
    });
    expect(formatReport(report(model, [1, 32, 32]))).toMatchInlineSnapshot(`
      "chain for an input of [1, 32, 32]

      layer           kind     output       weights/filter  neurons  connections  parameters  of all  no bias  multiply-adds  of all    memory  in training  sees
      ──────────────  ───────  ───────────  ──────────────  ───────  ───────────  ──────────  ──────  ───────  ─────────────  ──────  ────────  ───────────  ─────────
      layers.c1       conv     [6, 28, 28]              26    4,704      122,304         156   1.3 %      150        117,600  90.9 %   18.8 kB      18.8 kB  5×5 /1 @0
      layers.s2       pool     [6, 14, 14]                                                                                              4.7 kB       9.4 kB  6×6 /2 @0
      layers.flatten  flatten  [1176]                                                                                                                        all
      layers.output   dense    [10]                  1,177       10       11,770      11,770  98.7 %   11,760         11,760   9.1 %  40 bytes     40 bytes  all
      ──────────────  ───────  ───────────  ──────────────  ───────  ───────────  ──────────  ──────  ───────  ─────────────  ──────  ────────  ───────────  ─────────
      11,926 parameters, 129,360 multiply-adds a sample, 47.7 kB on disk
      about 71.2 kB at most in inference, 246.7 kB in training with Adam, at batch size 1

      advice
        layers.output: heavy dense layer: it holds 99 % of all parameters (11,770). A global average pool of the [6, 14, 14] before it would leave 70."
    `);
  });

  it("gives JSON that reads back", () => {
    const result = report(new Conv(1, 3), [1, 3, 3]);
    expect(JSON.parse(reportToJson(result))).toEqual(result);
  });
});
