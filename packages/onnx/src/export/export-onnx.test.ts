import {
  batchNorm,
  bernoulli,
  conv2d,
  hostKey,
  hostNormal,
  linear,
  maxPool2d,
  Module,
  randomKey,
  relu,
  softmax,
  tensor,
  UnsupportedOpError,
  Variable,
  zeros,
  type Context,
  type Tensor,
} from "@convoke/core";
import { describe, expect, it } from "vitest";
import { readModel } from "../model/read-model.js";
import type { OnnxModel } from "../model/onnx-model.js";
import { exportOnnx, type ExportOptions } from "./export-onnx.js";

const draw = (shape: readonly number[]): Float32Array =>
  Float32Array.from(
    hostNormal(
      hostKey(1),
      shape.reduce((product, n) => product * n, 1),
    ),
  );

class Conv extends Module {
  weight!: Variable;
  bias!: Variable;

  constructor(
    readonly filters: number,
    readonly padding: number,
  ) {
    super();
  }

  protected override setup([, channels]: readonly number[]): void {
    this.weight = this.parameter([this.filters, channels!, 5, 5], draw);
    this.bias = this.parameter([this.filters], draw);
  }

  protected compute(x: Tensor): Tensor {
    return conv2d(x, this.weight.value, { bias: this.bias.value, padding: this.padding });
  }
}

class Dense extends Module {
  weight!: Variable;
  bias!: Variable;

  constructor(readonly units: number) {
    super();
  }

  protected override setup([, features]: readonly number[]): void {
    this.weight = this.parameter([this.units, features!], draw);
    this.bias = this.parameter([this.units], draw);
  }

  protected compute(x: Tensor): Tensor {
    return linear(x, this.weight.value, this.bias.value);
  }
}

class Norm extends Module {
  runningMean!: Variable;
  runningVar!: Variable;

  protected override setup([, channels]: readonly number[]): void {
    this.runningMean = this.buffer([channels!], draw);
    this.runningVar = this.buffer([channels!], (shape) => draw(shape).map((value) => value * value));
  }

  protected compute(x: Tensor): Tensor {
    return batchNorm(x, { mean: this.runningMean.value, variance: this.runningVar.value });
  }
}

class LeNet extends Module {
  conv1 = new Conv(6, 2);
  norm1 = new Norm();
  conv2 = new Conv(16, 0);
  head = [new Dense(84), new Dense(10)] as const;

  protected compute(x: Tensor, context: Context): Tensor {
    const first = maxPool2d(relu(this.norm1.forward(this.conv1.forward(x, context), context)), { size: 2 });
    const second = maxPool2d(relu(this.conv2.forward(first, context)), { size: 2 });
    return this.head[1].forward(
      relu(this.head[0].forward(second.reshape([second.shape[0]!, -1]), context)),
      context,
    );
  }
}

class Fn extends Module {
  readonly #fn: (x: Tensor) => unknown;

  constructor(fn: (x: Tensor) => unknown) {
    super();
    this.#fn = fn;
  }

  protected compute(x: Tensor): Tensor {
    return this.#fn(x) as Tensor;
  }
}

function listing({ graph }: OnnxModel): string {
  return graph.nodes
    .map((node) => `${node.name}: ${node.outputs.join(", ")} = ${node.opType}(${node.inputs.join(", ")})`)
    .join("\n");
}

const exported = async (fn: (x: Tensor) => unknown, options: ExportOptions = {}): Promise<OnnxModel> =>
  (await exportOnnx(new Fn(fn), { inputShape: [3], ...options })).model;

describe("exportOnnx writes", () => {
  it("layers as themselves, under the names of the model", async () => {
    const { bytes, model } = await exportOnnx(new LeNet().build([1, 28, 28]), { softmax: true });
    expect(listing(model)).toMatchInlineSnapshot(`
      "conv1/Conv: conv1/Conv_output = Conv(input, conv1.weight, conv1.bias)
      norm1/BatchNormalization: norm1/BatchNormalization_output = BatchNormalization(conv1/Conv_output, float32_1_1_1_1_1_1, float32_0_0_0_0_0_0, norm1.runningMean, norm1.runningVar)
      Relu: Relu_output = Relu(norm1/BatchNormalization_output)
      MaxPool: MaxPool_output = MaxPool(Relu_output)
      conv2/Conv: conv2/Conv_output = Conv(MaxPool_output, conv2.weight, conv2.bias)
      Relu_1: Relu_1_output = Relu(conv2/Conv_output)
      MaxPool_1: MaxPool_1_output = MaxPool(Relu_1_output)
      Flatten: Flatten_output = Flatten(MaxPool_1_output)
      head.0/Gemm: head.0/Gemm_output = Gemm(Flatten_output, head.0.weight, head.0.bias)
      Relu_2: Relu_2_output = Relu(head.0/Gemm_output)
      head.1/Gemm: head.1/Gemm_output = Gemm(Relu_2_output, head.1.weight, head.1.bias)
      Softmax: output = Softmax(head.1/Gemm_output)"
    `);
    expect(model.graph.initializers.map(({ name, shape }) => `${name} [${shape.join()}]`))
      .toMatchInlineSnapshot(`
        [
          "conv1.weight [6,1,5,5]",
          "conv1.bias [6]",
          "float32_1_1_1_1_1_1 [6]",
          "float32_0_0_0_0_0_0 [6]",
          "norm1.runningMean [6]",
          "norm1.runningVar [6]",
          "conv2.weight [16,6,5,5]",
          "conv2.bias [16]",
          "head.0.weight [84,400]",
          "head.0.bias [84]",
          "head.1.weight [10,84]",
          "head.1.bias [10]",
        ]
      `);
    expect(model.graph.inputs).toEqual([
      { name: "input", type: { kind: "tensor", dtype: "float32", shape: ["N", 1, 28, 28] } },
    ]);
    expect(model.graph.outputs).toEqual([
      { name: "output", type: { kind: "tensor", dtype: "float32", shape: ["N", 10] } },
    ]);
    expect(readModel(bytes)).toMatchObject({
      irVersion: 8,
      opsets: { "": 17 },
      producer: { name: "convoke" },
    });
    expect(readModel(bytes).graph.initializers.find(({ name }) => name === "conv2.bias")?.data).toEqual(
      draw([16]),
    );
  });

  it("the opset, the names and the metadata that are asked for", async () => {
    const model = await exported((x) => relu(x), {
      opset: 26,
      batch: 5,
      inputs: ["image"],
      outputs: ["scores"],
      name: "tiny",
      metadata: {
        classes: ["cat", "dog"],
        preprocessing: { mean: [0.5], std: [0.25] },
        entries: { author: "me" },
      },
    });
    expect(model).toMatchObject({
      irVersion: 10,
      opsets: { "": 26 },
      metadata: {
        author: "me",
        "convoke.classes": '["cat","dog"]',
        "convoke.preprocessing": '{"mean":[0.5],"std":[0.25]}',
      },
    });
    expect(listing(model)).toBe("Relu: scores = Relu(image)");
    expect(model.graph.name).toBe("tiny");
    expect(model.graph.inputs[0]?.type).toMatchObject({ shape: [5, 3] });
  });

  it("a shared weight and equal nodes once", async () => {
    const shared = new Variable(zeros([3, 3]), { name: "shared" });
    const model = await exported((x) => {
      const once = linear(linear(x, shared.value), shared.value);
      return once.add(1).mul(relu(x).add(1)).mul(relu(x));
    });
    expect(model.graph.initializers.map(({ name }) => name)).toEqual(["shared", "float32_1"]);
    expect(model.graph.nodes.filter(({ opType }) => opType === "Relu")).toHaveLength(1);
  });

  it("outputs that are inputs, and one value under two names", async () => {
    const model = await exported((x) => ({ same: x, twice: relu(x), again: relu(x) }));
    expect(listing(model)).toMatchInlineSnapshot(`
      "Relu: twice = Relu(input)
      same/Identity: same = Identity(input)
      again/Identity: again = Identity(twice)"
    `);
  });

  it("axes as attribute or input, as the opset has them", async () => {
    const mean = (x: Tensor): Tensor => x.mean(1);
    const old = await exported(mean, { opset: 17 });
    const current = await exported(mean, { opset: 18 });
    expect(Object.keys(old.graph.nodes[0]!.attributes)).toEqual(["axes", "keepdims"]);
    expect(current.graph.nodes[0]!.inputs).toEqual(["input", "int64_1"]);
  });
});

describe("a dynamic batch axis", () => {
  it("is read off the input where a size depends on it", async () => {
    const model = await exported((x) => [
      x.mean(0),
      x.reshape([x.shape[0]! * 3]),
      zeros([2 * x.shape[0]! + 1, 3]).add(1),
    ]);
    expect(listing(model)).toMatchInlineSnapshot(`
      "ReduceMean: output_0 = ReduceMean(input)
      Reshape: output_1 = Reshape(input, int64_-1)
      batch/Shape: batch/Shape_output = Shape(input)
      batch/Mul: batch/Mul_output = Mul(batch/Shape_output, int64_2)
      batch/Add: batch/Add_output = Add(batch/Mul_output, int64_1)
      batch/Concat: batch/Concat_output = Concat(batch/Add_output, int64_3)
      Expand: Expand_output = Expand(float32_0, batch/Concat_output)
      Add: output_2 = Add(Expand_output, float32_1)"
    `);
    expect(model.graph.outputs.map(({ type }) => (type as { shape: unknown }).shape)).toEqual([
      [3],
      ["3N"],
      ["2N+1", 3],
    ]);
  });

  it("is refused where the net has no single form, by the name of the node", async () => {
    const branch = (x: Tensor): Tensor => (x.shape[0]! > 12 ? relu(x) : softmax(x));
    await expect(exported(branch)).rejects.toThrowErrorMatchingInlineSnapshot(`
      [OnnxExportError: exportOnnx, softmax: traced at batch sizes 11, 13, 17, the model does other things at another batch size; a dynamic batch axis needs one form for all.
        Export for one batch size with { batch: 1 }, or write the layer without the batch size in it.]
    `);
    const squares = (x: Tensor): Tensor => x.unsqueeze(0).broadcastTo([x.shape[0]! ** 2, x.shape[0]!, 3]);
    await expect(exported(squares)).rejects.toThrowErrorMatchingInlineSnapshot(`
      [OnnxExportError: exportOnnx, broadcastTo: traced at batch sizes 11, 13, 17, its shapes [121, 11, 3], [169, 13, 3], [289, 17, 3] do not grow evenly with the batch; a dynamic batch axis needs one form for all.
        Export for one batch size with { batch: 1 }, or write the layer without the batch size in it.]
    `);
    const table = (x: Tensor): Tensor =>
      x.add(tensor(Array.from({ length: x.shape[0]! }, (_, i) => i)).unsqueeze(1));
    await expect(exported(table)).rejects.toThrowErrorMatchingInlineSnapshot(`
      [OnnxExportError: exportOnnx, constant: traced at batch sizes 11, 13, 17, its values differ with the batch size, and not as a·N + b or 1/(a·N + b); a dynamic batch axis needs one form for all.
        Export for one batch size with { batch: 1 }, or write the layer without the batch size in it.]
    `);
  });
});

describe("exportOnnx refuses", () => {
  it("ops that ONNX lacks, naming op and reason", async () => {
    const random = exported((x) => bernoulli(randomKey(1), x.shape, 0.5).where(x, 0));
    await expect(random).rejects.toBeInstanceOf(UnsupportedOpError);
    await expect(random).rejects.toThrowErrorMatchingInlineSnapshot(`
      [UnsupportedOpError: randomBits: the backend "ONNX, opset 17" does not support it: ONNX has no operator for it: the host would have to compute it for every run.
        Use another op in its place, or a newer opset; a random layer is exported in inference, where it rests.]
    `);
  });

  it("state that is written in inference", async () => {
    const counter = new Variable(zeros([]), { name: "counter" });
    const counting = exported((x) => {
      counter.assign(counter.value.add(1));
      return x;
    });
    await expect(counting).rejects.toThrowErrorMatchingInlineSnapshot(`
      [OnnxExportError: exportOnnx fn: the forward pass assigns "counter" in inference, but an ONNX file holds no state.
        Assign Variables in training only (context.training).]
    `);
  });

  it("options that do not fit", async () => {
    const net = new Fn((x) => relu(x));
    await expect(exportOnnx(net, { inputShape: [3], opset: 12 })).rejects.toThrowErrorMatchingInlineSnapshot(`
      [OnnxExportError: exportOnnx: got opset 12, but opsets 17 to 26 can be written.
        Leave the option out for opset 17, which every current engine runs.]
    `);
    await expect(exportOnnx(net, { inputShape: [3], batch: 0 })).rejects.toThrowErrorMatchingInlineSnapshot(`
      [OnnxExportError: exportOnnx: got batch 0, but a batch has a whole number of samples, at least 1.
        Give the number of samples, or "dynamic" for any.]
    `);
    await expect(exportOnnx(net, { inputShape: [3], outputs: ["a", "b"] })).rejects
      .toThrowErrorMatchingInlineSnapshot(`
      [OnnxExportError: exportOnnx: got 2 names for outputs (a, b), but the model has 1, each with a name of its own.
        Give as many different names as that, or leave the option out.]
    `);
    await expect(exportOnnx(new Fn((x) => x))).rejects.toThrowErrorMatchingInlineSnapshot(`
      [OnnxExportError: exportOnnx fn: the shape of the input is not known.
        Give inputShape: [channels, height, width], or example tensors as input.]
    `);
    await expect(exportOnnx(net, { input: tensor(1) })).rejects.toThrowErrorMatchingInlineSnapshot(`
      [OnnxExportError: exportOnnx fn: input "input" is a scalar and has no batch axis.
        Give tensors whose first axis is the batch.]
    `);
  });
});
