// What files are refused, and how their parts become a Module.
import { compile, isBuffer, tensor, valueAndGrad, type Tensor } from "@convoke/core";
import { describe, expect, it } from "vitest";
import { run } from "../../test/run-model.js";
import { bytesOf, floats, ints, node, weight } from "../../test/test-model.js";
import { exportOnnx } from "../export/export-onnx.js";
import { attribute } from "../model/attributes.js";
import { tensorValue, type Graph, type OnnxFunction, type OnnxModel } from "../model/onnx-model.js";
import type { NamedTensor } from "../model/tensor-data.js";
import { OnnxFormatError } from "../proto/format-error.js";
import { importOnnx } from "./import-onnx.js";
import { OnnxUnsupportedError } from "./unsupported-error.js";

const x = floats("x", ["N", 4]);
const y = floats("y", null);

function refusal(graph: Partial<Graph>, rest: Partial<OnnxModel> = {}): string {
  try {
    importOnnx(bytesOf(graph, rest));
  } catch (error) {
    if (error instanceof OnnxFormatError) return error.message;
    throw error;
  }
  return "accepted";
}

const line = tensor([[1, 2, 3, 4]]);

describe("what is refused, by name", () => {
  it("an operator that is not there, before anything runs", () => {
    const graph = { nodes: [node("Relu", "x -> h"), node("Bernoulli", "h -> y")], inputs: [x], outputs: [y] };
    expect(refusal(graph)).toMatchInlineSnapshot(`
      "importOnnx Bernoulli "Bernoulli_y": Bernoulli: an operator that is not known, which this version of Convoke cannot run.
        Export the model without it, or run the file in another engine."
    `);
    expect(() => importOnnx(bytesOf(graph))).toThrow(OnnxUnsupportedError);
  });

  it("a circle", () => {
    const nodes = [node("Add", "x b -> a"), node("Relu", "a -> b")];
    expect(refusal({ nodes, inputs: [x], outputs: [floats("a", null)] })).toContain(
      `Add "Add_a": a circle: the node waits for its own result`,
    );
  });

  it("names that are made twice, or never", () => {
    const twice = [node("Relu", "x -> y"), node("Neg", "x -> y")];
    expect(refusal({ nodes: twice, inputs: [x], outputs: [y] })).toContain(
      `the output "y", which exists already`,
    );
    const never = [node("Add", "x ghost -> y")];
    expect(refusal({ nodes: never, inputs: [x], outputs: [y] })).toContain(
      `the input "ghost", which nothing computes`,
    );
    expect(refusal({ inputs: [x], outputs: [y] })).toContain(`the output "y", which no node computes`);
    expect(refusal({ nodes: twice.slice(1), inputs: [x, x], outputs: [y] })).toContain(`a second input "x"`);
    const weights = [weight("w", [1], [1]), weight("w", [1], [2])];
    expect(
      refusal({ nodes: [node("Add", "x w -> y")], initializers: weights, inputs: [x], outputs: [y] }),
    ).toContain(`a second initialiser "w"`);
  });

  it("absurd sizes", () => {
    const inputs = [floats("x", [2 ** 20, 2 ** 20])];
    expect(refusal({ nodes: [node("Relu", "x -> y")], inputs, outputs: [y] })).toContain(
      `input "x": a shape of [1048576, 1048576], no value has more than`,
    );
    const shape = ints("shape", [2 ** 20, 2 ** 20]);
    expect(
      refusal({
        nodes: [node("Expand", "x shape -> y")],
        initializers: [shape],
        inputs: [floats("x", [1])],
        outputs: [y],
      }),
    ).toContain(`Expand "Expand_y": a result of`);
  });

  it("functions that call themselves, or that explode", () => {
    const domain = "own";
    const call = (name: string, io: string) => ({ ...node(name, io), domain });
    const fn = (name: string, nodes: OnnxFunction["nodes"]): OnnxFunction => ({
      name,
      domain,
      inputs: ["a"],
      outputs: ["b"],
      attributes: [],
      defaults: {},
      nodes,
      opsets: { "": 17, own: 1 },
    });
    const graph = { nodes: [call("F0", "x -> y")], inputs: [x], outputs: [y] };
    const recursive = [fn("F0", [call("F1", "a -> b")]), fn("F1", [call("F0", "a -> b")])];
    expect(refusal(graph, { functions: recursive })).toContain("a function that calls itself");
    const doubling = Array.from({ length: 40 }, (_, i) =>
      fn(
        `F${i}`,
        i === 39 ? [node("Relu", "a -> b")] : [call(`F${i + 1}`, "a -> c"), call(`F${i + 1}`, "c -> b")],
      ),
    );
    expect(refusal(graph, { functions: doubling })).toContain("calls of functions, at most");
  });

  it("what an op does not take, in the words of the op and with the name of the node", () => {
    const nodes = [node("MatMul", "x w -> y")];
    const initializers = [weight("w", [3, 1], [1, 2, 3])];
    expect(refusal({ nodes, initializers, inputs: [floats("x", [2, 4])], outputs: [y] })).toMatch(
      /^importOnnx MatMul "MatMul_y": matmul.*which the node does not allow/,
    );
    const wrong = [node("Softmax", "x -> y", { axis: attribute.string("last") })];
    expect(refusal({ nodes: wrong, inputs: [x], outputs: [y] })).toContain(
      `the attribute "axis" of type string`,
    );
  });

  it("element types that core has not, where they are used", () => {
    const initializers: NamedTensor[] = [
      { name: "w", dtype: "bfloat16", shape: [1], data: Uint16Array.of(0) },
    ];
    const narrow = tensorValue("y", "bfloat16", null);
    expect(
      refusal({ nodes: [node("Add", "w w -> y")], initializers, inputs: [x], outputs: [narrow] }),
    ).toContain(`"w", whose element type is not one of ours`);
  });
});

describe("an imported model", () => {
  const graph = {
    nodes: [
      node("Gemm", "x fc.weight fc.bias -> h", { transB: attribute.int(1) }),
      node("BatchNormalization", "h bn.scale bn.bias bn.mean bn.var -> n"),
      node("Relu", "n -> y"),
    ],
    initializers: [
      weight("fc.weight", [2, 4], [1, 0, 0, 0, 0, 1, 0, 0]),
      weight("fc.bias", [2], [0.5, -0.5]),
      weight("bn.scale", [2], [1, 1]),
      weight("bn.bias", [2], [0, 0]),
      weight("bn.mean", [2], [0, 0]),
      weight("bn.var", [2], [1, 1]),
    ],
    inputs: [x],
    outputs: [y],
  };

  it("has its initialisers as Variables, statistics untrained, chosen by pattern", () => {
    const model = importOnnx(bytesOf(graph));
    expect(Object.keys(model.namedVariables())).toEqual(graph.initializers.map(({ name }) => name));
    expect(model.parameters().map(({ name }) => name)).toEqual([
      "fc.weight",
      "fc.bias",
      "bn.scale",
      "bn.bias",
    ]);
    expect(isBuffer(model.namedVariables()["bn.mean"]!)).toBe(true);
    const chosen = importOnnx(bytesOf(graph), { trainable: /^fc/ });
    expect(chosen.parameters().map(({ name }) => name)).toEqual(["fc.weight", "fc.bias"]);
  });

  it("runs, compiled too, and has gradients", async () => {
    const model = importOnnx(bytesOf(graph));
    const eager = await model.forward(line).data();
    expect(Array.from(eager, Number).map((value) => value.toFixed(3))).toEqual(["1.500", "1.500"]);
    const compiled = compile((input: Tensor) => model.forward(input));
    expect(await (await compiled(line)).data()).toEqual(eager);
    const [, grads] = valueAndGrad(() => model.forward(line).sum(), model.parameters())();
    expect(Array.from(await grads[1]!.data(), Number).map((value) => value.toFixed(3))).toEqual([
      "1.000",
      "1.000",
    ]);
  });

  it("is cut at a value or a node, shares its Variables, and exports again", async () => {
    const model = importOnnx(bytesOf(graph));
    const cut = model.cut("h");
    expect(cut.namedVariables()["fc.weight"]).toBe(model.namedVariables()["fc.weight"]);
    expect(Object.keys(cut.namedVariables())).toEqual(["fc.weight", "fc.bias"]);
    expect(Array.from(await cut.forward(line).data(), Number)).toEqual([1.5, 1.5]);
    expect(Array.from(await model.cut("Gemm_h").forward(line).data(), Number)).toEqual([1.5, 1.5]);
    const { model: written } = await exportOnnx(cut);
    expect(written.graph.nodes.map(({ opType }) => opType)).toEqual(["Gemm"]);
    expect(written.graph.initializers.map(({ name }) => name)).toEqual(["fc.weight", "fc.bias"]);
    expect(() => model.cut("nowhere")).toThrow(`it has no value and no node "nowhere"`);
  });

  it("hides no method behind a weight of its name", async () => {
    const nodes = [node("Mul", "x forward -> a"), node("Add", "a __proto__ -> y")];
    const initializers = [weight("forward", [1], [2]), weight("__proto__", [1], [1])];
    const model = importOnnx(bytesOf({ nodes, initializers, inputs: [x], outputs: [y] }));
    expect(Object.keys(model.namedVariables())).toEqual(["forward_", "__proto___"]);
    expect(Array.from(await model.forward(line).data(), Number)).toEqual([3, 5, 7, 9]);
  });

  it("takes several inputs as a list or by name, and gives several outputs by name", async () => {
    const nodes = [node("Add", "a b -> s"), node("Sub", "a b -> d")];
    const inputs = [floats("a", [2]), floats("b", [2])];
    const bytes = bytesOf({ nodes, inputs, outputs: [floats("s", [2]), floats("d", [2])] });
    type Pair = { a: Tensor; b: Tensor };
    const model = importOnnx<Pair | Tensor[], { s: Tensor; d: Tensor }>(bytes);
    const [a, b] = [tensor([5, 6]), tensor([1, 2])];
    expect(Array.from(await model.forward({ a, b }).d.data(), Number)).toEqual([4, 4]);
    expect(Array.from(await model.forward([a, b]).s.data(), Number)).toEqual([6, 8]);
    expect(() => model.forward([a])).toThrow(`got 1 tensors, but the model has the inputs "a", "b"`);
    expect(() => model.forward([a, tensor([1, 2, 3])])).toThrow(
      `input "b": got [3], but the file declares [2]`,
    );
  });

  it("folds shape arithmetic at each shape, and asks for nothing on the device", async () => {
    const nodes = [
      node("Shape", "x -> shape"),
      node("Gather", "shape zero -> n"),
      node("Unsqueeze", "n axis -> n1"),
      node("Concat", "n1 rest -> target", { axis: attribute.int(0) }),
      node("Reshape", "x target -> y"),
    ];
    const zero: NamedTensor = { name: "zero", dtype: "int64", shape: [], data: BigInt64Array.of(0n) };
    const initializers = [zero, ints("axis", [0]), ints("rest", [2, -1])];
    const model = importOnnx(bytesOf({ nodes, initializers, inputs: [x], outputs: [y] }));
    expect(model.forward(line).shape).toEqual([1, 2, 2]);
    const { model: written } = await exportOnnx(model);
    expect(written.graph.nodes.map(({ opType }) => opType)).toContain("Reshape");
    expect(written.graph.nodes.map(({ opType }) => opType)).not.toContain("Gather");
  });

  it("takes the branch of an If that the file decides on", async () => {
    const branch = (opType: string): Graph => ({
      name: opType,
      nodes: [node(opType, "x -> inner")],
      initializers: [],
      inputs: [],
      outputs: [floats("inner", null)],
      valueInfo: [],
    });
    const condition: NamedTensor = { name: "c", dtype: "bool", shape: [], data: Uint8Array.of(1) };
    const attributes = {
      then_branch: attribute.graph(branch("Neg")),
      else_branch: attribute.graph(branch("Exp")),
    };
    expect(await run({ nodes: [node("If", "c -> y", attributes)], initializers: [condition] }, line)).toEqual(
      [-1, -2, -3, -4],
    );
  });

  it("replaces calls of functions by their bodies, with the caller's attributes", async () => {
    const scale: OnnxFunction = {
      name: "Leak",
      domain: "own",
      inputs: ["a"],
      outputs: ["b"],
      attributes: ["slope"],
      defaults: {},
      nodes: [
        node("Neg", "a -> n"),
        {
          ...node("LeakyRelu", "n -> b"),
          attributes: { alpha: { type: "reference", value: "slope", of: "float" } },
        },
      ],
      opsets: { "": 17 },
    };
    const call = { ...node("Leak", "x -> y", { slope: attribute.float(0.5) }), domain: "own" };
    expect(await run({ nodes: [call] }, line, { functions: [scale] })).toEqual([-0.5, -1, -1.5, -2]);
  });

  it("reads nodes in any order", async () => {
    const nodes = [node("Neg", "h -> y"), node("Relu", "x -> h")];
    expect(await run({ nodes }, line)).toEqual([-1, -2, -3, -4]);
  });
});
