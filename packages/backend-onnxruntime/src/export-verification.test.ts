// What `verify` finds: files that compute something else, and where they begin to.
import * as core from "@convoke/core";
import { Module, Variable, type Tensor } from "@convoke/core";
import {
  attribute,
  exportOnnx,
  joinDataFile,
  OnnxVerificationError,
  readModel,
  writeModel,
  type Graph,
  type OnnxRunner,
} from "@convoke/onnx";
import { beforeAll, describe, expect, it } from "vitest";
import { weight } from "../test/export-cases/export-case.js";
import { onnxRunner } from "./index.js";

let runner: OnnxRunner;
beforeAll(async () => {
  runner = await onnxRunner({ threads: 1 });
});

/** Two convolutions with a residual sum and a pool between them, and a classifier. */
class Net extends Module {
  readonly first = new Variable(weight([4, 3, 3, 3]), { name: "first" });
  readonly second = new Variable(weight([4, 4, 3, 3], 2), { name: "second" });
  readonly head = new Variable(weight([5, 16], 3), { name: "head" });

  protected compute(x: Tensor): Tensor {
    const { withScope } = core;
    const h = withScope("first", () => core.relu(core.conv2d(x, this.first.value, { padding: 1 })));
    const pooled = withScope("pool", () => core.maxPool2d(h, { size: 2 }));
    const y = withScope("second", () => core.conv2d(pooled, this.second.value, { padding: 1 }));
    const sum = withScope("sum", () => pooled.add(y));
    const flat = withScope("pool2", () => core.avgPool2d(sum, { size: 2 })).reshape([x.shape[0]!, -1]);
    return withScope("head", () => core.linear(flat, this.head.value));
  }
}

const inputShape = [3, 8, 8];

/** An engine that is given other bytes than it was sent: the graph is changed on the way. */
function faulty(change: (graph: Graph) => Graph): OnnxRunner {
  return {
    name: "faulty",
    open: (bytes, data = []) => {
      const externalData = data.length === 0 ? {} : { externalData: () => joinDataFile(data[0]!) };
      const model = readModel(bytes, externalData);
      return runner.open(writeModel({ ...model, graph: change(model.graph) }));
    },
  };
}

/** One number of one weight is another. */
function withWrongWeight(name: string): OnnxRunner {
  return faulty((graph) => ({
    ...graph,
    initializers: graph.initializers.map((tensor) => {
      if (tensor.name !== name || tensor.dtype !== "float32") return tensor;
      const data = Float32Array.from(tensor.data);
      data[data.length >> 1] = data[data.length >> 1]! + 0.5;
      return { ...tensor, data };
    }),
  }));
}

/** A node of that type is written wrongly: another operator, or other attributes. */
function withWrongNode(opType: string, wrong: Partial<Graph["nodes"][number]>): OnnxRunner {
  return faulty((graph) => ({
    ...graph,
    nodes: graph.nodes.map((node) => (node.opType === opType ? { ...node, ...wrong } : node)),
  }));
}

async function verificationError(verify: OnnxRunner, externalData?: true): Promise<OnnxVerificationError> {
  const options = { inputShape, name: "net", ...(externalData && { externalData }) };
  const error: unknown = await exportOnnx(new Net(), { ...options, verify }).catch(
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(OnnxVerificationError);
  return error as OnnxVerificationError;
}

describe("verification names the first node that differs", () => {
  it("and says what was found", async () => {
    const error = await verificationError(withWrongNode("Relu", { opType: "Abs" }));
    expect(error.message.replace(/by [\d.e+-]+/, "by …")).toMatchInlineSnapshot(`
      "exportOnnx net: output "output" of faulty differs from our own by … (max|a − b| / max(1, max|b|)), first at relu "first" ("first/Relu_output"); at most 0.00001 is allowed.
        Raise the tolerance if the net amplifies rounding; else report the node: its lowering or the engine is wrong."
    `);
  });

  it.each([
    ["first", 'conv "first" ("first/Conv_output")'],
    ["second", 'conv "second" ("second/Conv_output")'],
    ["head", 'linear "head" ("output")'],
  ])("where a number of the weight %s is wrong", async (name, node) => {
    expect((await verificationError(withWrongWeight(name))).node).toBe(node);
  });

  it("where the weights lie in a file beside the model", async () => {
    expect((await verificationError(withWrongWeight("second"), true)).node).toBe(
      'conv "second" ("second/Conv_output")',
    );
  });

  it.each([
    ["Relu", { opType: "Abs" }, 'relu "first" ("first/Relu_output")'],
    ["Add", { opType: "Sub" }, 'add "sum" ("sum/Add_output")'],
    [
      "MaxPool",
      { attributes: { kernel_shape: attribute.ints([1, 1]), strides: attribute.ints([2, 2]) } },
      'maxPool "pool" ("pool/MaxPool_output")',
    ],
    [
      "Gemm",
      { attributes: { transB: attribute.int(1), alpha: attribute.float(0.5) } },
      'linear "head" ("output")',
    ],
  ])("where %s is written wrongly", async (opType, wrong, node) => {
    expect((await verificationError(withWrongNode(opType, wrong))).node).toBe(node);
  });
});

describe("verification passes", () => {
  it("at the tolerance that is given", async () => {
    const verify = withWrongWeight("second");
    const loose = await exportOnnx(new Net(), { inputShape, verify, tolerance: 1e3 });
    expect(loose.maxAbsDiff).toBeGreaterThan(1e-3);
  });

  it("in half precision, within its digits", async () => {
    const variable = (shape: readonly number[], seed: number) =>
      new Variable(weight(shape, seed).cast("float16"));
    class Half extends Module {
      readonly kernels = variable([4, 3, 3, 3], 1);
      readonly scale = variable([4], 2);
      readonly head = variable([5, 64], 3);

      protected compute(x: Tensor): Tensor {
        const scale = this.scale.value;
        const y = core.conv2d(x, this.kernels.value, { padding: 1 });
        const variance = scale.square().add(1);
        const h = core.gelu(core.batchNorm(y, { scale, bias: scale, mean: scale, variance }));
        const pooled = core.avgPool2d(h, { size: 2 }).reshape([-1, 64]);
        return core.softmax(core.linear(pooled, this.head.value).div(3));
      }
    }
    const input = weight([1, 3, 8, 8], 4).cast("float16");
    for (const opset of [17, 22]) {
      const { maxAbsDiff, model } = await exportOnnx(new Half(), { input, opset, verify: runner });
      expect(maxAbsDiff).toBeLessThanOrEqual(2 ** -8);
      expect(model.graph.initializers.find(({ name }) => name === "kernels")?.dtype).toBe("float16");
    }
  });

  it("at other batch sizes than those of the traces, or at the one that is fixed", async () => {
    const { maxAbsDiff } = await exportOnnx(new Net(), { inputShape, batch: 4, verify: runner });
    expect(maxAbsDiff).toBeLessThanOrEqual(1e-5);
  });

  it.each([17, 18, 19, 20, 21, 22, 23, 24, 25, 26])("at opset %i", async (opset) => {
    const { model, maxAbsDiff } = await exportOnnx(new Net(), { inputShape, opset, verify: runner });
    expect(model.opsets).toEqual({ "": opset });
    expect(maxAbsDiff).toBeLessThanOrEqual(1e-5);
  });
});

describe.each(["node", "web"] as const)("onnxruntime-%s", (runtime) => {
  it("runs files with all weights beside them, and prepares pictures inside", async () => {
    const verify = await onnxRunner({ runtime });
    const { bytes, data, maxAbsDiff } = await exportOnnx(new Net(), {
      inputShape,
      externalData: { file: "weights/net.bin", threshold: 0 },
      preprocessing: "inside",
      metadata: { preprocessing: { mean: [0.4, 0.5, 0.6], std: [0.2] } },
      softmax: true,
      classIndex: true,
      verify,
    });
    expect(maxAbsDiff).toBeLessThanOrEqual(1e-5);
    expect(data!.file).toBe("weights/net.bin");
    expect(bytes.length).toBeLessThan(3000);
    // Without that file the engine has no weights.
    await expect(verify.open(bytes)).rejects.toThrow();
  });
});
