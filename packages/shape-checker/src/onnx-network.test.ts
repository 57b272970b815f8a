import { describe, expect, it } from "vitest";
import { onnxReport, type OnnxModelLike, type OnnxNodeLike } from "./index.js";

type Attributes = OnnxNodeLike["attributes"];
type Initializer = OnnxModelLike["graph"]["initializers"][number];

function node(text: string, attributes: Record<string, unknown> = {}): OnnxNodeLike {
  const [opType = "", inputs = "", outputs = ""] = text.split(" ");
  const typed: Attributes = Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, { type: "any", value }]),
  );
  return {
    name: "",
    opType,
    domain: "",
    inputs: inputs.split(","),
    outputs: outputs.split(","),
    attributes: typed,
  };
}

function weight(name: string, shape: readonly number[]): Initializer {
  return { name, dtype: "float32", shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) };
}

function list(name: string, values: readonly number[]): Initializer {
  return { name, dtype: "int64", shape: [values.length], data: BigInt64Array.from(values, BigInt) };
}

function model(
  nodes: readonly OnnxNodeLike[],
  initializers: readonly Initializer[] = [],
  shape: readonly (number | string | null)[] = ["N", 3, 8, 8],
): OnnxModelLike {
  const inputs = [{ name: "x", type: { kind: "tensor", shape } }];
  return { graph: { name: "net", nodes, initializers, inputs } };
}

function shapesOf(file: OnnxModelLike): unknown[] {
  return onnxReport(file).layers.map(({ path, kind, outputShape, parameters }) => [
    path,
    kind,
    outputShape,
    parameters,
  ]);
}

describe("an ONNX file", () => {
  it("is read node by node, parameters where they are used", () => {
    const file = model(
      [
        node("Conv x,w,b a", { kernel_shape: [3n, 3n], pads: [1n, 1n, 1n, 1n], strides: [2n, 2n] }),
        node("BatchNormalization a,s,t,m,v c"),
        node("Relu c d"),
        node("MaxPool d e", { kernel_shape: [2n, 2n], strides: [2n, 2n] }),
        node("GlobalAveragePool e f"),
        node("Flatten f g"),
        node("Gemm g,k,l h", { transB: 1n }),
        node("Softmax h i"),
      ],
      [
        ...[weight("w", [4, 3, 3, 3]), weight("b", [4]), weight("s", [4]), weight("t", [4])],
        ...[weight("m", [4]), weight("v", [4]), weight("k", [5, 4]), weight("l", [5])],
      ],
    );
    expect(shapesOf(file)).toEqual([
      ["a", "Conv", [4, 4, 4], 112],
      ["c", "BatchNormalization", [4, 4, 4], 8],
      ["d", "Relu", [4, 4, 4], 0],
      ["e", "MaxPool", [4, 2, 2], 0],
      ["f", "GlobalAveragePool", [4, 1, 1], 0],
      ["g", "Flatten", [4], 0],
      ["h", "Gemm", [5], 25],
      ["i", "Softmax", [5], 0],
    ]);
    const { totals, layers } = onnxReport(file);
    expect(totals).toEqual({
      parameters: 145,
      parametersWithoutBias: 132,
      trainable: 145,
      multiplyAdds: 64 * 27 + 20,
      // The running statistics are stored and are no parameters.
      bytes: (145 + 8) * 4,
    });
    expect(layers[3]?.receptiveField?.[0]).toEqual({ size: 5, stride: 4, offset: -1 });
  });

  it("does the arithmetic on shapes that exporters write", () => {
    const file = model(
      [
        node("Shape x s"),
        node("Gather s,zero n", { axis: 0n }),
        node("Unsqueeze n m", { axes: [0n] }),
        node("Concat m,rest t", { axis: 0n }),
        node("Reshape x,t y"),
        node("Constant none c", { value: list("", [1, -1]) }),
        node("Reshape y,c z"),
        node("Slice s,from,to hw"),
        node("Mul hw,two double"),
        node("Cast double floats", { to: 1n }),
        node("ConstantOfShape hw unused"),
      ].map((one) => (one.opType === "Constant" ? { ...one, inputs: [] } : one)),
      [
        { ...list("zero", [0]), shape: [] },
        ...[list("rest", [3, -1]), list("from", [2]), list("to", [4]), list("two", [2])],
      ],
    );
    expect(shapesOf(file)).toEqual([
      ["y", "Reshape", [3, 64], 0],
      ["z", "Reshape", [192], 0],
    ]);
    expect(onnxReport(file).notes).toEqual([]);
  });

  it("counts a shared parameter once", () => {
    const file = model(
      [node("Conv x,w a", { pads: [0n, 0n, 0n, 0n] }), node("Conv a,w b")],
      [weight("w", [3, 3, 1, 1])],
    );
    expect(onnxReport(file).layers.map(({ parameters, multiplyAdds }) => [parameters, multiplyAdds])).toEqual(
      [
        [9, 576],
        [0, 576],
      ],
    );
  });

  it("follows the rest of the operators", () => {
    const bias = weight("b", [3, 1, 1]);
    const rows = (nodes: readonly OnnxNodeLike[], ...initializers: Initializer[]): unknown =>
      onnxReport(model(nodes, initializers)).layers.map(({ outputShape }) => outputShape?.join("×"));
    expect(rows([node("Add x,b y")], bias)).toEqual(["3×8×8"]);
    expect(rows([node("Concat x,x y", { axis: 1n })])).toEqual(["6×8×8"]);
    expect(rows([node("Transpose x y", { perm: [0n, 2n, 3n, 1n] })])).toEqual(["8×8×3"]);
    expect(rows([node("ReduceMean x y", { axes: [2n, 3n], keepdims: 0n })])).toEqual(["3"]);
    expect(rows([node("Pad x,p y")], list("p", [0, 0, 1, 2, 0, 0, 3, 4]))).toEqual(["3×12×14"]);
    expect(
      rows([node("Slice x,s,e,a,t y")], list("s", [-1]), list("e", [-99]), list("a", [2]), list("t", [-2])),
    ).toEqual(["3×4×8"]);
    expect(rows([node("Upsample x y", { scales: [1, 1, 2, 2] })])).toEqual(["3×16×16"]);
    expect(rows([node("Resize x,,,n y", { mode: "linear" })], list("n", [1, 3, 5, 5]))).toEqual(["3×5×5"]);
    expect(rows([node("ConvTranspose x,w y", { strides: [2n, 2n] })], weight("w", [3, 4, 2, 2]))).toEqual([
      "4×16×16",
    ]);
    expect(rows([node("MatMul x,w y")], weight("w", [8, 5]))).toEqual(["3×8×5"]);
    expect(rows([node("MatMul x,x y")])).toEqual(["3×8×8"]);
    expect(rows([node("Squeeze x y"), node("Unsqueeze y z", { axes: [0n] })])).toEqual(["8×8", "3×8×8"]);
    expect(rows([node("AveragePool x y", { kernel_shape: [3n, 3n], auto_pad: "SAME_UPPER" })])).toEqual([
      "3×8×8",
    ]);
    expect(rows([node("InstanceNormalization x,s,t y")], weight("s", [3]), weight("t", [3]))).toEqual([
      "3×8×8",
    ]);
    expect(rows([node("Dropout x y"), node("Clip y z")])).toEqual(["3×8×8", "3×8×8"]);
  });

  it("looks words up", () => {
    const file = model([node("Gather table,x y", { axis: 0n })], [weight("table", [100, 16])], ["N", 20]);
    expect(shapesOf(file)).toEqual([["y", "Gather", [20, 16], 1600]]);
    expect(onnxReport(file).layers[0]?.receptiveField).toEqual([{ size: 1, stride: 1, offset: 0 }]);
  });

  it("says what it could not follow", () => {
    const file = model([
      node("Relu x a"),
      node("Einsum a b"),
      node("Relu b c"),
      node("Relu c d"),
      node("Relu a e"),
    ]);
    expect(onnxReport(file).layers.map(({ path }) => path)).toEqual(["a", "e"]);
    expect(onnxReport(file).notes).toEqual([
      "a node of type Einsum could not be followed.",
      "2 nodes behind what could not be followed are left out.",
    ]);
  });

  it("needs the sizes that a file leaves open, and names the node where they do not fit", () => {
    const open = model([node("Relu x y")], [], ["N", 3, "height", null]);
    expect(() => onnxReport(open)).toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: onnx: the file leaves axis 2 of the input "x" open (height).
        Give the shape of one sample, as in 3,224,224.]
    `);
    expect(() => onnxReport(open, { inputShape: [3, 8] })).toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: onnx: the input "x" is [N, 3, height, ?], so one sample has 3 sizes, not 2.
        Give a size for each axis but the batch.]
    `);
    expect(() => onnxReport(open, { inputShape: [4, 8, 8] })).toThrowErrorMatchingInlineSnapshot(`
      [ConvokeError: onnx: axis 1 of the input "x" is 3 in the file, not 4.
        Give the shape of one sample, as in 3,224,224.]
    `);
    expect(onnxReport(open, { inputShape: [3, 8, 9] }).layers[0]?.outputShape).toEqual([3, 8, 9]);
    const wrong = model([node("Conv x,w y")], [weight("w", [2, 4, 3, 3])]);
    expect(() => onnxReport(wrong)).toThrowErrorMatchingInlineSnapshot(`
      [ShapeError: Conv "y": input [1, 3, 8, 8] has 3 channels, the kernel expects 4.
        Give the kernel 3 input channels, or the input 4.]
    `);
  });
});
