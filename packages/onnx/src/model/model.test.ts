import { describe, expect, it } from "vitest";
import { encodeMessage } from "../proto/codec.js";
import { OnnxFormatError } from "../proto/format-error.js";
import { EXTERNAL } from "../proto/messages.js";
import { attribute, attributeOf, intAttribute, intsAttribute } from "./attributes.js";
import type { AttributeValue } from "./attributes.js";
import { modelInputs, tensorValue } from "./onnx-model.js";
import type { Graph, OnnxModel, ValueType } from "./onnx-model.js";
import { externalDataLocations, readModel } from "./read-model.js";
import { readTensor, writeTensor } from "./tensor-codec.js";
import { codeOfDType, dataLength, dtypeOfCode, NUMERIC_DTYPES, tensorOfBytes } from "./tensor-data.js";
import type { NamedTensor, NumericDType } from "./tensor-data.js";
import { writeModel } from "./write-model.js";

const weight: NamedTensor = { name: "w", dtype: "float32", shape: [2, 1], data: Float32Array.of(0.5, -1) };

const graph: Graph = {
  name: "g",
  nodes: [],
  initializers: [weight],
  inputs: [tensorValue("x", "float32", ["N", 2]), tensorValue("w", "float32", [2, 1])],
  outputs: [tensorValue("y", "float32", ["N", null])],
  valueInfo: [tensorValue("h", "int64", null)],
};

const model: OnnxModel = {
  irVersion: 8,
  opsets: { "": 17, "com.example": 2 },
  producer: { name: "test", version: "1.0" },
  graph,
  metadata: { classes: "a,b", __proto__x: "kept" },
  functions: [],
};

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof OnnxFormatError) return error.message;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("readModel and writeModel", () => {
  it("keep attributes of every type", () => {
    const types: ValueType[] = [
      { kind: "tensor", dtype: "bool", shape: [1, "N", null] },
      { kind: "sparseTensor", dtype: "float64", shape: null },
      {
        kind: "sequence",
        element: { kind: "optional", element: { kind: "tensor", dtype: "string", shape: [] } },
      },
      { kind: "map", key: "int64", value: { kind: "tensor", dtype: "float16", shape: null } },
      { kind: "opaque", domain: "d", name: "n" },
      { kind: "unknown" },
    ];
    const sparse = {
      shape: [4],
      values: { name: "s", dtype: "float32", shape: [1], data: Float32Array.of(3) },
      indices: { name: "", dtype: "int64", shape: [1], data: BigInt64Array.of(2n) },
    } as const;
    const attributes: Record<string, AttributeValue> = {
      f: attribute.float(0.25),
      i: attribute.int(2n ** 63n - 1n),
      zero: attribute.int(0),
      s: attribute.string("größer"),
      t: attribute.tensor(weight),
      g: attribute.graph({ ...graph, name: "inner" }),
      fs: attribute.floats([1, 2.5]),
      is: attribute.ints([-1, 3]),
      none: attribute.ints([]),
      ss: attribute.strings(["a", ""]),
      ts: { type: "tensors", value: [weight] },
      gs: { type: "graphs", value: [graph] },
      sp: { type: "sparseTensor", value: sparse },
      sps: { type: "sparseTensors", value: [sparse] },
      vt: { type: "valueType", value: types[0] ?? { kind: "unknown" } },
      vts: { type: "valueTypes", value: types },
    };
    const node = {
      name: "n",
      opType: "Op",
      domain: "com.example",
      inputs: ["x", ""],
      outputs: ["y"],
      attributes,
    };
    const inFunction = {
      ...node,
      attributes: { axis: { type: "reference", value: "dim", of: "int" } as const },
    };
    const full: OnnxModel = {
      ...model,
      doc: "what it is",
      modelVersion: 3,
      domain: "org.example",
      graph: {
        ...graph,
        nodes: [{ ...node, doc: "d", overload: "o", metadata: { a: "b" } }],
        sparseInitializers: [sparse],
      },
      functions: [
        {
          name: "F",
          domain: "com.example",
          inputs: ["x"],
          outputs: ["y"],
          attributes: ["dim"],
          defaults: { eps: attribute.float(1) },
          nodes: [inFunction],
          opsets: { "": 17 },
          valueInfo: [tensorValue("x", "float32", null)],
        },
      ],
    };
    expect(readModel(writeModel(full))).toEqual(full);
  });

  it("take __proto__ as a key like any other", () => {
    const bytes = encodeMessage("ModelProto", {
      graph: { node: [{ attribute: [{ name: "__proto__", i: 1n }] }] },
      metadataProps: [{ key: "__proto__", value: "v" }],
    });
    const { metadata, graph } = readModel(bytes);
    expect(Object.entries(metadata)).toEqual([["__proto__", "v"]]);
    expect(Object.keys(graph.nodes[0]?.attributes ?? {})).toEqual(["__proto__"]);
    expect(attributeOf({}, "toString", "int")).toBeUndefined();
  });

  it("understand files without attribute types, and ai.onnx as the standard domain", () => {
    const bytes = encodeMessage("ModelProto", {
      opsetImport: [{ domain: "ai.onnx", version: 9n }],
      graph: {
        node: [
          {
            opType: "A",
            domain: "ai.onnx",
            attribute: [
              { name: "k", ints: [1n] },
              { name: "a", f: 0 },
            ],
          },
        ],
      },
    });
    const read = readModel(bytes);
    expect(read.opsets).toEqual({ "": 9 });
    expect(read.graph.nodes[0]).toMatchObject({
      domain: "",
      attributes: { k: attribute.ints([1]), a: attribute.float(0) },
    });
  });

  it("tell inputs from initialisers", () => {
    expect(modelInputs(readModel(writeModel(model)).graph).map((input) => input.name)).toEqual(["x"]);
  });

  it("refuse a model without a graph and attributes of one name", () => {
    expect(messageOf(() => readModel(new Uint8Array()))).toMatchInlineSnapshot(`
      "readModel: a model without a graph, every ONNX model has one.
        Check that the file is a model: tensor files are read with readTensor."
    `);
    const twice = encodeMessage("ModelProto", {
      graph: {
        node: [
          {
            opType: "Conv",
            name: "c1",
            attribute: [
              { name: "group", i: 1n },
              { name: "group", i: 2n },
            ],
          },
        ],
      },
    });
    expect(messageOf(() => readModel(twice))).toMatchInlineSnapshot(`
      "readModel graph node[0] Conv "c1" attribute "group": a second attribute of that name, a node's attribute names are distinct.
        The file is damaged or its writer wrong: write it again."
    `);
  });

  it("give integers as numbers, clamped where a number cannot hold them", () => {
    const attributes = { axis: attribute.int(-1), ends: attribute.ints([2n ** 63n - 1n, -(2n ** 63n)]) };
    expect(intAttribute(attributes, "axis")).toBe(-1);
    expect(intAttribute(attributes, "ends")).toBeUndefined();
    expect(intsAttribute(attributes, "ends")).toEqual([Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER]);
  });
});

describe("readTensor and writeTensor", () => {
  it.each(Object.keys(NUMERIC_DTYPES) as NumericDType[])("keep %s in any place of a buffer", (dtype) => {
    const shape = [3, 2];
    const bytes = Uint8Array.from(
      { length: dataLength(dtype, shape) * NUMERIC_DTYPES[dtype].bytes },
      (_, i) => i % 2,
    );
    const written = writeTensor({ name: "t", ...tensorOfBytes<NumericDType>(dtype, shape, bytes) });
    const shifted = new Uint8Array(written.length + 1);
    shifted.set(written, 1);
    const read = readTensor(shifted.subarray(1));
    expect(read).toEqual({ name: "t", ...tensorOfBytes<NumericDType>(dtype, shape, bytes) });
    expect(dtypeOfCode(codeOfDType(dtype))).toBe(dtype);
  });

  it("keep strings, scalars and empty tensors", () => {
    const strings = { name: "s", dtype: "string", shape: [2], data: ["", "é"] } as const;
    expect(readTensor(writeTensor({ ...strings, data: [...strings.data] }))).toEqual(strings);
    const scalar = { name: "", dtype: "float64", shape: [], data: Float64Array.of(Math.PI) } as const;
    expect(readTensor(writeTensor(scalar))).toEqual(scalar);
    const empty = { name: "e", dtype: "int32", shape: [0, 5], data: new Int32Array(0) } as const;
    expect(readTensor(writeTensor(empty))).toEqual(empty);
  });

  it("read the typed fields", () => {
    const tensor = (fields: object) =>
      readTensor(encodeMessage("TensorProto", { dims: [2n], ...fields })).data;
    expect(tensor({ dataType: 1, floatData: [1.5, -2] })).toEqual(Float32Array.of(1.5, -2));
    expect(tensor({ dataType: 3, int32Data: [-1, 127] })).toEqual(Int8Array.of(-1, 127));
    expect(tensor({ dataType: 5, int32Data: [-1, 300] })).toEqual(Int16Array.of(-1, 300));
    expect(tensor({ dataType: 9, int32Data: [1, 0] })).toEqual(Uint8Array.of(1, 0));
    expect(tensor({ dataType: 10, int32Data: [0x3c00, 0xc000] })).toEqual(Uint16Array.of(0x3c00, 0xc000));
    expect(tensor({ dataType: 7, int64Data: [-1n, 2n ** 62n] })).toEqual(BigInt64Array.of(-1n, 2n ** 62n));
    expect(tensor({ dataType: 12, uint64Data: [1n, 2n ** 32n - 1n] })).toEqual(
      Uint32Array.of(1, 2 ** 32 - 1),
    );
    expect(tensor({ dataType: 13, uint64Data: [1n, 2n ** 64n - 1n] })).toEqual(
      BigUint64Array.of(1n, 2n ** 64n - 1n),
    );
    expect(tensor({ dataType: 14, floatData: [1, 2, 3, 4] })).toEqual(Float32Array.of(1, 2, 3, 4));
    expect(tensor({ dataType: 11, doubleData: [1, Infinity] })).toEqual(Float64Array.of(1, Infinity));
    expect(tensor({ dataType: 22, int32Data: [0x1f] })).toEqual(Uint8Array.of(0x1f));
  });

  it("refuse sizes that the data does not fill, negative sizes and unknown types", () => {
    const refusal = (fields: object) => messageOf(() => readTensor(encodeMessage("TensorProto", fields)));
    const absurd = { dims: [2n ** 40n, 2n ** 40n], dataType: 1, floatData: [1] };
    expect(refusal({ name: "w", ...absurd })).toMatchInlineSnapshot(`
      "readTensor "w": data for 1 entries, a float32 tensor of shape [1099511627776, 1099511627776] has 1.2089258196146292e+24.
        Make shape and data agree; a file in which they do not is truncated or damaged."
    `);
    expect(refusal({ dims: [3n], dataType: 1, rawData: new Uint8Array(5) })).toMatchInlineSnapshot(`
      "readTensor: data for 1.25 entries, a float32 tensor of shape [3] has 3.
        Make shape and data agree; a file in which they do not is truncated or damaged."
    `);
    expect(refusal({ dims: [-1n], dataType: 1 })).toMatch("a dimension of size -1");
    expect(refusal({ dims: [1n], dataType: 99 })).toMatch("data type 99");
    expect(refusal({ dims: [1n], dataType: 8, stringData: [Uint8Array.of(0xff)] })).toMatch("not UTF-8");
  });
});

describe("external data", () => {
  function modelAt(location: string, more: { key: string; value: string }[] = []): Uint8Array {
    return encodeMessage("ModelProto", {
      graph: {
        initializer: [
          {
            name: "w",
            dims: [2n],
            dataType: 2,
            dataLocation: EXTERNAL,
            externalData: [{ key: "location", value: location }, ...more],
          },
        ],
      },
    });
  }
  const file = Uint8Array.of(1, 2, 3, 4);

  it("is read from the bytes that the caller gives", () => {
    const bytes = modelAt("weights.bin", [
      { key: "offset", value: "1" },
      { key: "length", value: "2" },
    ]);
    expect(externalDataLocations(bytes)).toEqual(["weights.bin"]);
    const read = readModel(bytes, {
      externalData: (location) => (location === "weights.bin" ? file : undefined),
    });
    expect(read.graph.initializers[0]?.data).toEqual(Uint8Array.of(2, 3));
  });

  it.each(["/etc/passwd", "../w", "a/../../w", "C:\\w", "..\\w", "", "a//b", "w\0"])(
    "never leaves the folder: %j",
    (path) => {
      const refusal = messageOf(() => readModel(modelAt(path), { externalData: () => file }));
      expect(refusal).toMatch("must be a relative path inside the model's folder");
    },
  );

  it("is refused when it is missing or too short", () => {
    expect(messageOf(() => readModel(modelAt("w.bin")))).toMatchInlineSnapshot(`
      "readModel graph initializer[0] "w": external data "w.bin" that was not given, the reader opens no files of its own.
        Pass its bytes with the option \`externalData\`."
    `);
    const beyond = modelAt("w.bin", [
      { key: "offset", value: "3" },
      { key: "length", value: "2" },
    ]);
    expect(messageOf(() => readModel(beyond, { externalData: () => file }))).toMatch("the file has 4 bytes");
    const nonsense = modelAt("w.bin", [{ key: "offset", value: "-1" }]);
    expect(messageOf(() => readModel(nonsense, { externalData: () => file }))).toMatch(
      "the file has 4 bytes",
    );
  });
});
