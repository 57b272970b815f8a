import { describe, expect, it } from "vitest";
import { CheckpointError, decodeSafetensors, encodeSafetensors, type TensorData } from "./index.js";

const everyType: Record<string, TensorData> = {
  bytes: { dtype: "uint8", shape: [3], data: new Uint8Array([1, 2, 255]) },
  floats: { dtype: "float32", shape: [2, 2], data: new Float32Array([1, -2.5, NaN, Infinity]) },
  halves: {
    dtype: "float16",
    shape: [3, 2],
    data: new Float32Array([1, -2.5, NaN, Infinity, -Infinity, 2 ** -24]),
  },
  doubles: { dtype: "float64", shape: [1], data: new Float64Array([Math.PI]) },
  longs: { dtype: "int64", shape: [2], data: new BigInt64Array([-1n, 2n ** 62n]) },
  ints: { dtype: "int32", shape: [1], data: new Int32Array([-7]) },
  words: { dtype: "uint32", shape: [1], data: new Uint32Array([2 ** 32 - 1]) },
  small: { dtype: "int8", shape: [1], data: new Int8Array([-128]) },
  flags: { dtype: "bool", shape: [2], data: new Uint8Array([0, 1]) },
  scalar: { dtype: "float32", shape: [], data: new Float32Array([5]) },
  empty: { dtype: "float32", shape: [0, 4], data: new Float32Array(0) },
};

/** A file with this header, and so many bytes of data. */
function fileOf(header: unknown, dataBytes = 0, claimed?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

describe("safetensors", () => {
  it("come back as they were, in every type", () => {
    const metadata = { format: "test", note: "äöü" };
    const back = decodeSafetensors(encodeSafetensors({ tensors: everyType, metadata }));
    expect(back.metadata).toEqual(metadata);
    expect(back.tensors).toEqual(everyType);
  });

  it("have the layout of the specification", () => {
    const bytes = encodeSafetensors({
      tensors: { w: { dtype: "float32", shape: [2], data: new Float32Array([1, 2]) } },
      metadata: {},
    });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))).toEqual({
      w: { dtype: "F32", shape: [2], data_offsets: [0, 8] },
    });
    expect((8 + length) % 8).toBe(0);
    expect(bytes[8]).toBe("{".charCodeAt(0));
    expect(new Float32Array(bytes.slice(8 + length).buffer)).toEqual(new Float32Array([1, 2]));
  });

  it("hold half precision in two bytes, between the types of four and of one", () => {
    const bytes = encodeSafetensors({
      tensors: {
        flag: { dtype: "bool", shape: [1], data: new Uint8Array([1]) },
        half: { dtype: "float16", shape: [3], data: new Float32Array([1, -2, 65504]) },
        single: { dtype: "float32", shape: [1], data: new Float32Array([1]) },
      },
      metadata: {},
    });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))).toEqual({
      single: { dtype: "F32", shape: [1], data_offsets: [0, 4] },
      half: { dtype: "F16", shape: [3], data_offsets: [4, 10] },
      flag: { dtype: "BOOL", shape: [1], data_offsets: [10, 11] },
    });
    expect(new Uint16Array(bytes.slice(8 + length + 4, 8 + length + 10).buffer)).toEqual(
      Uint16Array.of(0x3c00, 0xc000, 0x7bff),
    );
  });

  it("are read from the middle of a buffer, at any alignment", () => {
    const bytes = encodeSafetensors({ tensors: everyType, metadata: {} });
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(decodeSafetensors(shifted.subarray(3)).tensors).toEqual(everyType);
  });

  it("are refused where they are broken, each in words", () => {
    const entry = (extra: object = {}) => ({ dtype: "F32", shape: [2], data_offsets: [0, 8], ...extra });
    const broken: Record<string, Uint8Array> = {
      "too short": new Uint8Array(5),
      "endless header": fileOf({}, 0, 2n ** 63n),
      "header longer than the file": fileOf({}, 0, 1000n),
      "no JSON": fileOf("{nonsense"),
      "no object": fileOf("[1]"),
      "text in no UTF-8": Uint8Array.from([1, 0, 0, 0, 0, 0, 0, 0, 0xff]),
      "no description": fileOf({ w: 3 }),
      "negative shape": fileOf({ w: entry({ shape: [-2] }) }, 8),
      "huge shape": fileOf({ w: entry({ shape: [2 ** 40, 2 ** 40] }) }, 8),
      fractions: fileOf({ w: entry({ data_offsets: [0, 8.5] }) }, 8),
      "offsets backwards": fileOf({ w: entry({ data_offsets: [8, 0] }) }, 8),
      "too few bytes": fileOf({ w: entry({ data_offsets: [0, 4] }) }, 4),
      "beyond the end": fileOf({ w: entry() }, 4),
      "a gap": fileOf({ w: entry({ data_offsets: [4, 12] }) }, 12),
      "an overlap": fileOf({ v: entry(), w: entry({ data_offsets: [4, 12] }) }, 12),
      "bytes left over": fileOf({ w: entry() }, 16),
      "half precision in four bytes": fileOf({ w: entry({ dtype: "F16" }) }, 8),
      "half precision cut off": fileOf({ w: entry({ dtype: "F16", data_offsets: [0, 4] }) }, 3),
      "unknown type": fileOf({ w: entry({ dtype: "F8_E4M3" }) }, 8),
      "metadata of numbers": fileOf({ __metadata__: { a: 1 } }),
    };
    const messages = Object.entries(broken).map(([what, bytes]) => {
      try {
        decodeSafetensors(bytes, { file: "w.safetensors" });
      } catch (error) {
        if (error instanceof CheckpointError) return `${what}: ${error.message.split("\n")[0]}`;
        return `${what}: ${String(error)}`;
      }
      return `${what}: accepted`;
    });
    expect(messages.join("\n")).toMatchInlineSnapshot(`
      "too short: w.safetensors: it has 5 bytes, but the length of the header takes 8; this is not a complete safetensors file.
      endless header: w.safetensors: its header claims 9223372036854775808 bytes, but the format allows 100000000; this is not a complete safetensors file.
      header longer than the file: w.safetensors: its header claims 1000 bytes, but the file has 10; this is not a complete safetensors file.
      no JSON: w.safetensors: its header is no JSON in UTF-8; this is not a complete safetensors file.
      no object: w.safetensors: its header is no JSON object; this is not a complete safetensors file.
      text in no UTF-8: w.safetensors: its header is no JSON in UTF-8; this is not a complete safetensors file.
      no description: w.safetensors: its tensor "w" is described by no object; this is not a complete safetensors file.
      negative shape: w.safetensors: its tensor "w" has no proper shape; this is not a complete safetensors file.
      huge shape: w.safetensors: its tensor "w" needs 4.835703278458517e+24 bytes, but its offsets hold 8; this is not a complete safetensors file.
      fractions: w.safetensors: its tensor "w" has no proper offsets; this is not a complete safetensors file.
      offsets backwards: w.safetensors: its tensor "w" needs 8 bytes, but its offsets hold -8; this is not a complete safetensors file.
      too few bytes: w.safetensors: its tensor "w" needs 8 bytes, but its offsets hold 4; this is not a complete safetensors file.
      beyond the end: w.safetensors: its tensors take 8 bytes, but 4 follow the header; this is not a complete safetensors file.
      a gap: w.safetensors: its tensor "w" starts at 4, but 0 comes next; this is not a complete safetensors file.
      an overlap: w.safetensors: its tensor "w" starts at 4, but 8 comes next; this is not a complete safetensors file.
      bytes left over: w.safetensors: its tensors take 8 bytes, but 16 follow the header; this is not a complete safetensors file.
      half precision in four bytes: w.safetensors: its tensor "w" needs 4 bytes, but its offsets hold 8; this is not a complete safetensors file.
      half precision cut off: w.safetensors: its tensors take 4 bytes, but 3 follow the header; this is not a complete safetensors file.
      unknown type: w.safetensors: its tensor "w" is of type "F8_E4M3", but Convoke has F32, F16, F64, I64, I32, U32, I8, U8, BOOL.
      metadata of numbers: w.safetensors: its metadata "a" is no text; this is not a complete safetensors file."
    `);
  });

  it("survive any cut and any flipped byte: an error of their own, or other values", () => {
    const bytes = encodeSafetensors({ tensors: everyType, metadata: { a: "b" } });
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSafetensors(bytes.subarray(0, length))).toThrow(CheckpointError);
    }
    for (let i = 0; i < bytes.length; i++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const changed = bytes.slice();
        changed[i] = changed[i]! ^ flip;
        try {
          decodeSafetensors(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(CheckpointError);
        }
      }
    }
  });

  it("do not let a name reach the prototype of anything", () => {
    const file = '{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}';
    const { tensors } = decodeSafetensors(fileOf(file, 1));
    expect(Object.keys(tensors)).toEqual(["__proto__"]);
    expect(Object.getPrototypeOf(tensors)).toBe(Object.prototype);
  });
});
