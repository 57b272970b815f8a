import { describe, expect, it } from "vitest";
import { decodeMessage } from "../proto/codec.js";
import { OnnxFormatError } from "../proto/format-error.js";
import { joinDataFile } from "./external-data.js";
import { tensorValue, type OnnxModel } from "./onnx-model.js";
import { externalDataLocations, readModel } from "./read-model.js";
import { tensorToProto } from "./tensor-codec.js";
import type { NamedTensor } from "./tensor-data.js";
import { LARGEST_MODEL, modelPieces, writeModel, writeModelFiles } from "./write-model.js";

function modelOf(initializers: readonly NamedTensor[]): OnnxModel {
  return {
    irVersion: 8,
    opsets: { "": 17 },
    producer: { name: "test", version: "" },
    metadata: {},
    functions: [],
    graph: {
      name: "g",
      nodes: [],
      initializers,
      inputs: [],
      outputs: [tensorValue("a", "float32", null)],
      valueInfo: [],
    },
  };
}

function ramp(name: string, count: number): NamedTensor<"float32"> {
  return { name, dtype: "float32", shape: [count], data: Float32Array.from({ length: count }, (_, i) => i) };
}

const sizes: NamedTensor = { name: "sizes", dtype: "int64", shape: [2], data: BigInt64Array.of(1n, 2n) };
const words: NamedTensor = { name: "words", dtype: "string", shape: [1], data: ["a word"] };

/** Which tensors lie in the file, where they begin and how long they are. */
function places(bytes: Uint8Array): (readonly [string, number, number])[] {
  const { graph } = decodeMessage("ModelProto", bytes);
  return graph!.initializer.flatMap(({ name, externalData }) => {
    const entries = new Map(externalData.map(({ key, value }) => [key, value]));
    return entries.size === 0 ? [] : [[name, Number(entries.get("offset")), Number(entries.get("length"))]];
  });
}

describe("writeModelFiles", () => {
  it("writes what readModel reads again, shapes and strings inside", () => {
    const model = modelOf([ramp("a", 5), sizes, words, ramp("empty", 0), ramp("b", 3000)]);
    const { bytes, data } = writeModelFiles(model, { file: "weights/g.data", threshold: 0 });
    expect(externalDataLocations(bytes)).toEqual(["weights/g.data"]);
    const whole = joinDataFile(data!);
    expect(whole.length).toBe(data!.byteLength);
    const read = readModel(bytes, {
      externalData: (location) => (location === "weights/g.data" ? whole : undefined),
    });
    expect(read).toEqual(model);
    expect(readModel(bytes, { externalData: () => whole }).graph.initializers[1]).toEqual(sizes);
  });

  it("begins tensors at pages, large ones where Windows can map them too", () => {
    const model = modelOf([ramp("a", 300), ramp("b", 1), ramp("c", 2 ** 18), ramp("d", 256)]);
    const { bytes, data } = writeModelFiles(model, { file: "d" });
    // b is smaller than the threshold of 1024 bytes, and d is not.
    expect(data!.byteLength).toBe(65_536 + 2 ** 20 + 1024);
    expect(places(bytes)).toEqual([
      ["a", 0, 1200],
      ["c", 65_536, 2 ** 20],
      ["d", 65_536 + 2 ** 20, 1024],
    ]);
    expect(writeModelFiles(modelOf([ramp("b", 1)]), { file: "d" }).data).toBeUndefined();
  });

  it("copies no weight", () => {
    const weight = ramp("a", 1000);
    const { data } = writeModelFiles(modelOf([weight]), { file: "d" });
    const chunks = [...data!.chunks()];
    expect(chunks.map(({ buffer }) => buffer)).toEqual([weight.data.buffer]);
    expect(chunks[0]!.buffer).toBe(weight.data.buffer);
  });

  it("holds what no message of protobuf can", () => {
    // 3 GB by their sizes: all tensors share one array, and nobody joins them.
    const shared = new Float32Array(2 ** 22);
    const many = Array.from({ length: 192 }, (_, i): NamedTensor => {
      return { name: `w${i}`, dtype: "float32", shape: [2 ** 22], data: shared };
    });
    expect(() => writeModel(modelOf(many))).toThrowErrorMatchingInlineSnapshot(`
      [OnnxFormatError: writeModel: a file of 3.00 GB, an .onnx file has less than 2 GB, as every message of protobuf.
        Keep the weights in a file beside it: exportOnnx with { externalData: true }, or writeModelFiles.]
    `);
    const { bytes, data } = writeModelFiles(modelOf(many), { file: "d" });
    expect(bytes.length).toBeLessThan(20_000);
    expect(data!.byteLength).toBe(192 * 2 ** 24);
    expect(places(bytes).at(-1)).toEqual(["w191", 191 * 2 ** 24, 2 ** 24]);
    let length = 0;
    for (const chunk of data!.chunks()) length += chunk.length;
    expect(length).toBe(data!.byteLength);
  });

  it("draws the line at 2^31 - 1 bytes", () => {
    const shared = new Uint8Array(2 ** 24);
    const lengthWith = (last: number): number => {
      const parts = Array.from({ length: 128 }, (_, i): NamedTensor => {
        const data = i === 127 ? shared.subarray(0, last) : shared;
        return { name: "w", dtype: "uint8", shape: [data.length], data };
      });
      return modelPieces(modelOf(parts), tensorToProto).length;
    };
    const around = 2 ** 24 - 5000;
    const fitting = around + LARGEST_MODEL - lengthWith(around);
    expect(lengthWith(fitting)).toBe(2 ** 31 - 1);
    expect(lengthWith(fitting + 1)).toBe(2 ** 31);
  });

  it.each(["/etc/weights", "../weights", "a/../../b", "C:\\weights", "", "a//b"])(
    "refuses %j as a file of weights",
    (file) => {
      expect(() => writeModelFiles(modelOf([]), { file })).toThrow(OnnxFormatError);
    },
  );

  it("says why a file of weights is refused", () => {
    expect(() => writeModelFiles(modelOf([]), { file: "../x" })).toThrowErrorMatchingInlineSnapshot(`
      [OnnxFormatError: writeModelFiles: "../x" as the file of the weights, it must be a relative path inside the model's folder.
        Give a name alone, such as "model.onnx.data".]
    `);
  });
});
