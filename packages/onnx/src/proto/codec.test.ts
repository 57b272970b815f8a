/// <reference types="node" />
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { attribute } from "../model/attributes.js";
import { tensorValue } from "../model/onnx-model.js";
import { readModel } from "../model/read-model.js";
import { readTensor, writeTensor } from "../model/tensor-codec.js";
import { writeModel } from "../model/write-model.js";
import { decodeMessage, encodeMessage, type Init } from "./codec.js";
import { OnnxFormatError } from "./format-error.js";
import type { GraphProto, MessageName, TensorProto } from "./messages.js";
import type { OnnxLimits } from "./wire-check.js";

const folder = process.env["CONVOKE_TEST_DATA"] || undefined;
const paths = folder === undefined ? [] : filesUnder(join(folder, "onnx"));
const models = paths.filter((path) => path.endsWith(".onnx"));
const tensors = paths.filter((path) => path.endsWith(".pb"));

function filesUnder(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Mulberry32: seeded, so that a failure can be run again. */
function randomNumbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function errorOf(action: () => unknown): OnnxFormatError {
  try {
    action();
  } catch (error) {
    if (error instanceof OnnxFormatError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** Reads a damaged model; any other error than OnnxFormatError goes through. */
function readOrRefuse(bytes: Uint8Array): "read" | "refused" {
  try {
    readModel(bytes);
    return "read";
  } catch (error) {
    if (error instanceof OnnxFormatError) return "refused";
    throw error;
  }
}

describe.runIf(folder !== undefined)("published files (not run without CONVOKE_TEST_DATA)", () => {
  it("keeps every message through decoding and encoding", () => {
    expect(models.length).toBeGreaterThan(400);
    expect(tensors.length).toBeGreaterThan(800);
    const check = (name: MessageName, path: string) => {
      const message = decodeMessage(name, readFileSync(path));
      const again = decodeMessage(name, encodeMessage(name, message));
      expect(isDeepStrictEqual(again, message), path).toBe(true);
    };
    for (const path of models) check("ModelProto", path);
    for (const path of tensors) check("TensorProto", path);
  });

  it("keeps every model through readModel and writeModel", () => {
    for (const path of models) {
      const model = readModel(readFileSync(path));
      expect(isDeepStrictEqual(readModel(writeModel(model)), model), path).toBe(true);
    }
  });

  it("keeps every tensor through readTensor and writeTensor", () => {
    for (const path of tensors) {
      const tensor = readTensor(readFileSync(path));
      expect(isDeepStrictEqual(readTensor(writeTensor(tensor)), tensor), path).toBe(true);
    }
  });

  it("gives a value or an OnnxFormatError for 2,000 damaged files", () => {
    const random = randomNumbers(20);
    const sources = models.map((path) => readFileSync(path)).filter((bytes) => bytes.length < 200_000);
    let refused = 0;
    for (let round = 0; round < 2000; round++) {
      const source = sources[Math.floor(random() * sources.length)] ?? new Uint8Array();
      if (readOrRefuse(damaged(source, random)) === "refused") refused++;
    }
    expect(refused).toBeGreaterThan(500);
    expect(refused).toBeLessThan(2000);
  });
});

function damaged(source: Uint8Array, random: () => number): Uint8Array {
  if (random() < 0.25) return source.slice(0, Math.floor(random() * source.length));
  const bytes = source.slice();
  const changes = 1 + Math.floor(random() * 8);
  for (let i = 0; i < changes; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  return bytes;
}

describe("what is refused", () => {
  const model = encodeMessage("ModelProto", {
    irVersion: 8n,
    graph: { name: "g", node: [{ opType: "Conv", attribute: [{ name: "group", i: 1n }] }] },
  });

  it("says where a truncated file breaks off", () => {
    expect(errorOf(() => readModel(model.slice(0, -3))).message).toMatchInlineSnapshot(`
      "readModel graph: at byte 4 stands a length of 22 bytes, 19 bytes are left.
        The file is truncated, damaged or not ONNX: compare its size with the original, or write it again."
    `);
  });

  it("refuses a length beyond the end without allocating it", () => {
    const bytes = Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f);
    expect(errorOf(() => decodeMessage("ModelProto", bytes)).message).toMatchInlineSnapshot(`
      "decodeMessage ModelProto graph: at byte 6 stands a length of 4294967295 bytes, 0 bytes are left.
        The file is truncated, damaged or not ONNX: compare its size with the original, or write it again."
    `);
  });

  it("refuses the wrong wire type, groups, endless numbers and field number 0", () => {
    const refusal = (...bytes: number[]) =>
      errorOf(() => decodeMessage("ModelProto", Uint8Array.from(bytes))).problem;
    expect(refusal(0x38, 1)).toMatchObject({ got: "at byte 1 stands wire type 0" });
    expect(refusal(0xab, 0x06)).toMatchObject({ got: "at byte 2 stands wire type 3" });
    expect(refusal(0x08, ...new Array<number>(11).fill(0xff)).got).toMatch("more than 10 bytes");
    expect(refusal(0x00, 0x00).got).toMatch("field number 0");
    expect(refusal(0x08).got).toMatch("cut off");
  });

  it("refuses packed numbers that end in the middle of one", () => {
    const bytes = Uint8Array.of(0x22, 3, 0, 0, 0);
    expect(errorOf(() => decodeMessage("TensorProto", bytes)).message).toMatchInlineSnapshot(`
      "decodeMessage TensorProto float_data[0]: at byte 2 stands 3 bytes of packed numbers, each number takes 4 bytes.
        The file is truncated, damaged or not ONNX: compare its size with the original, or write it again."
    `);
  });

  it("refuses graphs nested without end", () => {
    let graph: Init<GraphProto> = { name: "innermost" };
    for (let i = 0; i < 30; i++)
      graph = { node: [{ opType: "If", attribute: [{ name: "body", g: graph }] }] };
    const nested = encodeMessage("GraphProto", graph);
    const error = errorOf(() => decodeMessage("GraphProto", nested));
    expect(error.problem.rule).toBe("at most 64 levels are read");
    expect(decodeMessage("GraphProto", nested, { limits: { depth: 200 } }).node).toHaveLength(1);
  });

  it("refuses more than the limits allow, whatever it is made of", () => {
    const refusal = (init: Init<TensorProto>, limits: OnnxLimits) =>
      errorOf(() => decodeMessage("TensorProto", encodeMessage("TensorProto", init), { limits })).problem
        .rule;
    const many = <T>(item: T) => new Array<T>(100).fill(item);
    expect(refusal({ metadataProps: many({}) }, { messages: 50 })).toBe("the limit is 50 messages");
    expect(refusal({ stringData: many(new Uint8Array()) }, { messages: 50 })).toBe(
      "the limit is 50 messages",
    );
    expect(refusal({ dims: many(1n) }, { integers: 50 })).toBe("the limit is 50 integers");
    expect(refusal({ int64Data: many(1n) }, { integers: 50 })).toBe("the limit is 50 integers");
    const unknownFields = Uint8Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? 0x78 : 0));
    const error = errorOf(() => decodeMessage("TensorProto", unknownFields, { limits: { messages: 50 } }));
    expect(error.message).toMatchInlineSnapshot(`
      "decodeMessage TensorProto: at byte 99 stands message number 51, the limit is 50 messages.
        If the file is trusted, raise the limit with the option \`limits\`."
    `);
  });
});

describe("damage", () => {
  const source = writeModel({
    irVersion: 8,
    opsets: { "": 17 },
    producer: { name: "test", version: "1" },
    metadata: { key: "value" },
    functions: [],
    graph: {
      name: "g",
      nodes: [
        {
          name: "n",
          opType: "Gemm",
          domain: "",
          inputs: ["x", "w"],
          outputs: ["y"],
          attributes: {
            alpha: attribute.float(1),
            pads: attribute.ints([0, -1]),
            mode: attribute.string("a"),
          },
        },
      ],
      initializers: [{ name: "w", dtype: "int64", shape: [2, 2], data: BigInt64Array.of(1n, 2n, 3n, 4n) }],
      inputs: [tensorValue("x", "float32", ["N", 2])],
      outputs: [tensorValue("y", "float32", null)],
      valueInfo: [],
    },
  });

  it("gives a value or an OnnxFormatError for every truncation", () => {
    for (let length = 0; length < source.length; length++) readOrRefuse(source.slice(0, length));
  });

  it("gives a value or an OnnxFormatError for every byte changed in 16 ways", () => {
    const outcomes = { read: 0, refused: 0 };
    for (let at = 0; at < source.length; at++) {
      for (let change = 0; change < 16; change++) {
        const bytes = source.slice();
        bytes[at] = (bytes[at] ?? 0) ^ (change < 8 ? 1 << change : 17 * change);
        outcomes[readOrRefuse(bytes)]++;
      }
    }
    expect(outcomes.read).toBeGreaterThan(500);
    expect(outcomes.refused).toBeGreaterThan(500);
  });
});
