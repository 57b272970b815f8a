// Models in half precision: how files hold them, and that they come back as the same graph with the same bits.
import {
  avgPool2d,
  batchNorm,
  conv2d,
  elu,
  expm1,
  gelu,
  hardTanh,
  hostKey,
  hostNormal,
  layerNorm,
  linear,
  log1p,
  logSoftmax,
  maxPool2d,
  Module,
  relu,
  softmax,
  Tensor,
  tensor,
  topologicalOrder,
  Variable,
  type DType,
} from "@convoke/core";
import { float16ToFloat32, float32ToFloat16 } from "@convoke/core/float16";
import { describe, expect, it } from "vitest";
import { run } from "../../test/run-model.js";
import { bytesOf, node } from "../../test/test-model.js";
import { importOnnx } from "../import/import-onnx.js";
import { attribute } from "../model/attributes.js";
import { tensorValue } from "../model/onnx-model.js";
import type { OnnxRunner } from "../model/onnx-runner.js";
import { exportOnnx, type ExportOptions } from "./export-onnx.js";

const F16 = { dtype: "float16" } as const;

function half(shape: readonly number[], seed = 1): Tensor {
  const count = shape.reduce((product, n) => product * n, 1);
  return tensor(hostNormal(hostKey(seed), count), { shape, dtype: "float16" });
}

/** A model of a function and its Variables. */
class Model extends Module {
  constructor(
    readonly variables16: Readonly<Record<string, Variable>>,
    readonly fn: (x: Tensor, variables: Readonly<Record<string, Variable>>) => Tensor,
  ) {
    super();
  }

  protected compute(x: Tensor): Tensor {
    return this.fn(x, this.variables16);
  }
}

function parameter(shape: readonly number[], seed: number): Variable {
  return new Variable(half(shape, seed));
}

/** The ops that a result is computed by, with their element types. */
function ops(output: Tensor): string[] {
  return topologicalOrder([output.handle.node])
    .filter(({ op }) => op.kind !== "leaf")
    .map(({ op, outputs }) => `${op.name} ${outputs[0]!.dtype}`);
}

async function roundTrip(model: Model, x: Tensor, options: Partial<ExportOptions> = {}) {
  const { bytes, model: written } = await exportOnnx(model, { input: x, ...options });
  const imported = importOnnx(bytes);
  const [before, after] = [model.forward(x), imported.forward(x)];
  expect(after.dtype).toBe(before.dtype);
  expect(await after.data()).toEqual(await before.data());
  return { written, imported, before, after };
}

describe("a net in half precision", () => {
  const net = new Model(
    {
      kernels: parameter([4, 2, 3, 3], 2),
      bias: parameter([4], 3),
      scale: parameter([4], 4),
      shift: parameter([4], 5),
      mean: parameter([4], 6),
      weight: parameter([3, 16], 7),
      offset: parameter([3], 8),
    },
    (x, v) => {
      const y = conv2d(x, v["kernels"]!.value, { bias: v["bias"]!.value, padding: 1 });
      const variance = v["mean"]!.value.square().add(0.5);
      const n = batchNorm(y, {
        scale: v["scale"]!.value,
        bias: v["shift"]!.value,
        mean: v["mean"]!.value,
        variance,
      });
      const pooled = maxPool2d(hardTanh(relu(n), { min: 0, max: 6 }), { size: 2 });
      return softmax(linear(pooled.reshape([-1, 16]), v["weight"]!.value, v["offset"]!.value).mul(0.1));
    },
  );
  const x = half([2, 2, 4, 4], 9);

  it("comes back as the same graph, bit for bit", async () => {
    const { written, before, after } = await roundTrip(net, x);
    expect(ops(after)).toEqual(ops(before));
    expect(written.graph.inputs.map(({ type }) => type)).toMatchObject([{ dtype: "float16" }]);
    expect(written.graph.outputs.map(({ type }) => type)).toMatchObject([{ dtype: "float16" }]);
    const floats = written.graph.initializers.filter(({ dtype }) => dtype.startsWith("float"));
    expect(new Set(floats.map(({ dtype }) => dtype))).toEqual(new Set(["float16"]));
    const kernels = floats.find(({ name }) => name.endsWith("kernels"));
    expect(kernels?.data).toEqual(
      float32ToFloat16(Array.from(await net.variables16["kernels"]!.data(), Number)),
    );
    expect(floats.map(({ name }) => name)).toContain("float16_0.1");
  });

  it("is read as a net in float32 on request, which every backend runs", async () => {
    const { bytes } = await exportOnnx(net, { input: x });
    const wide = importOnnx(bytes, { float16: "float32" });
    expect(wide.inputs.map(({ type }) => type)).toMatchObject([{ dtype: "float32" }]);
    expect(Object.values(wide.namedVariables()).map(({ dtype }) => dtype as DType)).not.toContain("float16");
    const y = wide.forward(x.cast("float32"));
    expect(ops(y).filter((op) => op.endsWith("float16"))).toEqual([]);
    const [exact, rounded] = [Array.from(await y.data(), Number), await net.forward(x).data()];
    exact.forEach((value, i) => expect(Math.abs(value - Number(rounded[i]))).toBeLessThan(2 ** -8));
    expect(() => importOnnx(bytes).forward(x.cast("float32"))).toThrowErrorMatchingInlineSnapshot(`
      [DTypeError: model input "input": got float32, but the file declares float16.
        Cast it with .cast("float16"), or import the model with { float16: "float32" }.]
    `);
  });

  it("is compared within the digits of half precision", async () => {
    const runner = (error: number): OnnxRunner => ({
      name: "a runner of our own",
      open: (bytes) =>
        Promise.resolve({
          inputNames: ["input"],
          outputNames: ["output"],
          run: async ({ input }) => {
            const given = float16ToFloat32(input!.data as Uint16Array);
            const model = importOnnx<Tensor, Tensor | Record<string, Tensor>>(bytes);
            const result = model.forward(tensor(given, { shape: input!.shape, dtype: "float16" }));
            const all = result instanceof Tensor ? { output: result } : result;
            const entries = Object.entries(all).map(async ([name, y]) => {
              const values = Array.from((await y.data()) as Float32Array, (value) => value + error);
              const data = float32ToFloat16(values);
              return [name, { dtype: "float16" as const, shape: y.shape, data }] as const;
            });
            return Object.fromEntries(await Promise.all(entries));
          },
          dispose: () => Promise.resolve(),
        }),
    });
    expect((await exportOnnx(net, { input: x, verify: runner(0) })).maxAbsDiff).toBe(0);
    expect((await exportOnnx(net, { input: x, verify: runner(2 ** -10) })).maxAbsDiff).toBeGreaterThan(1e-4);
    await expect(exportOnnx(net, { input: x, verify: runner(2 ** -6) })).rejects.toThrow(
      /differs from our own/,
    );
  });
});

describe("single ops in half precision", () => {
  it.each<[string, (x: Tensor) => Tensor, number?]>([
    ["casts", (x) => x.cast("float32").mul(3).cast("float16")],
    ["elu", (x) => elu(x, { alpha: 0.3 })],
    ["gelu", (x) => gelu(x), 20],
    ["logSoftmax", (x) => logSoftmax(x)],
    ["layerNorm without a scale", (x) => layerNorm(x)],
    ["means", (x) => x.mean([2, 3])],
    ["sums", (x) => x.sum([1])],
    ["maxima", (x) => x.max([3])],
    ["quotients by constants", (x) => x.div(tensor([1, 3, 7, 9], F16))],
    ["whole windows", (x) => avgPool2d(x, { size: 4 })],
    ["windows over the edge", (x) => avgPool2d(x, { size: 3, stride: 2, padding: 1, ceilMode: true })],
  ])("%s: bit for bit", async (_, fn, opset = 17) => {
    await roundTrip(new Model({}, fn), half([2, 2, 4, 4], 3), { opset });
  });

  it("which ONNX has in several steps compute in float32", async () => {
    const small = tensor([[1e-4, -2e-3, 0.3, 7]], F16);
    for (const fn of [expm1, log1p]) {
      const model = new Model({}, (x) => fn(x.abs()));
      const { bytes, model: written } = await exportOnnx(model, { input: small });
      expect(written.graph.nodes.filter(({ opType }) => opType === "Cast").length).toBe(2);
      const [own, back] = [await model.forward(small).data(), await importOnnx(bytes).forward(small).data()];
      own.forEach((value, i) => expect(Math.abs(Number(value) / Number(back[i]) - 1)).toBeLessThan(2 ** -10));
    }
  });
});

describe("files in half precision", () => {
  const x16 = tensorValue("x", "float16", ["N", 4]);
  const line = tensor([[1, 2, -11.5, 0.1]], F16);

  it("compute operators of several steps in float32, and round once", async () => {
    const graph = (opType: string) => ({ nodes: [node(opType, "x -> y")], inputs: [x16] });
    // e^11.5 is beyond 65504, half of it is not.
    const [, , sinh] = await run(graph("Sinh"), line);
    expect(sinh).toBe(float16ToFloat32(float32ToFloat16([Math.sinh(-11.5)]))[0]);
    const squares = { nodes: [node("ReduceSumSquare", "x -> h"), node("Sqrt", "h -> y")], inputs: [x16] };
    expect(await run(squares, tensor([[100, 200, 0, 0]], F16))).toEqual([223.625]);
  });

  it("are read in float32 throughout: constants, casts and subgraphs too", async () => {
    const value = { dtype: "float16", shape: [1], data: float32ToFloat16([0.5]) } as const;
    const branch = (name: string, factor: number) =>
      attribute.graph({
        name,
        nodes: [
          node("Constant", `-> ${name}_c`, {
            value: attribute.tensor({ ...value, data: float32ToFloat16([factor]) }),
          }),
          node("Mul", `s ${name}_c -> ${name}_y`),
        ],
        initializers: [],
        inputs: [],
        outputs: [tensorValue(`${name}_y`, "float16", null)],
        valueInfo: [],
      });
    const bytes = bytesOf({
      nodes: [
        node("Constant", "-> c", { value: attribute.tensor(value) }),
        node("Cast", "i -> h", { to: attribute.int(10) }),
        node("Add", "h c -> t"),
        node("Add", "t w -> s"),
        node("If", "p -> y", { then_branch: branch("a", 2), else_branch: branch("b", 3) }),
      ],
      initializers: [
        { name: "w", dtype: "float16", shape: [1], data: float32ToFloat16([0.1]) },
        { name: "p", dtype: "bool", shape: [], data: Uint8Array.of(1) },
      ],
      inputs: [tensorValue("i", "int32", [2])],
      outputs: [tensorValue("y", "float16", [2])],
    });
    const numbers = tensor([1, 2049], { dtype: "int32" });
    const narrow = importOnnx(bytes).forward(numbers);
    expect([narrow.dtype, ...(await narrow.data())]).toEqual(["float16", 3.19921875, 4096]);
    const wide = importOnnx(bytes, { float16: "float32" }).forward(numbers);
    expect(wide.dtype).toBe("float32");
    const tenth = float16ToFloat32(float32ToFloat16([0.1]))[0]!;
    expect([...(await wide.data())]).toEqual([(1.5 + tenth) * 2, (2049.5 + tenth) * 2].map(Math.fround));
    expect(ops(wide).filter((op) => op.endsWith("float16"))).toEqual([]);
  });
});
