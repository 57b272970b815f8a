import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DatasetError } from "./dataset-error.js";
import { parseIdx, readIdx } from "./idx.js";

function idx(type: number, shape: readonly number[], payload: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * shape.length));
  header.setUint8(2, type);
  header.setUint8(3, shape.length);
  shape.forEach((n, axis) => header.setUint32(4 + 4 * axis, n));
  const bytes = new Uint8Array(header.byteLength + payload.length);
  bytes.set(new Uint8Array(header.buffer));
  bytes.set(payload, header.byteLength);
  return bytes;
}

async function messageOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (error instanceof DatasetError) return String(error);
    throw error;
  }
  throw new Error("nothing was thrown");
}

const cube = idx(
  0x08,
  [2, 2, 3],
  Uint8Array.from({ length: 12 }, (_, i) => i * 20),
);

describe("reading IDX", () => {
  it("reads bytes, plain and packed", async () => {
    const expected = { shape: [2, 2, 3], data: Uint8Array.from({ length: 12 }, (_, i) => i * 20) };
    expect(await readIdx(cube)).toEqual(expected);
    expect(await readIdx(gzipSync(cube))).toEqual(expected);
  });

  it("reads every number type, most significant byte first", () => {
    const read = (type: number, bytes: number[], n: number) =>
      Array.from(parseIdx(idx(type, [n], Uint8Array.from(bytes))).data);
    expect(read(0x09, [255, 1], 2)).toEqual([-1, 1]);
    expect(read(0x0b, [255, 254, 1, 2], 2)).toEqual([-2, 258]);
    expect(read(0x0c, [255, 255, 255, 253], 1)).toEqual([-3]);
    expect(read(0x0d, [0x3f, 0xc0, 0, 0], 1)).toEqual([1.5]);
    expect(read(0x0e, [0xc0, 0x04, 0, 0, 0, 0, 0, 0], 1)).toEqual([-2.5]);
  });

  it("gives back what was written, whatever the shape, and refuses every shorter file", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 4 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        async (shape, cut) => {
          const size = shape.reduce((product, n) => product * n, 1);
          const payload = Uint8Array.from({ length: size }, (_, i) => i % 251);
          const bytes = idx(0x08, shape, payload);
          expect(await readIdx(gzipSync(bytes))).toEqual({ shape, data: payload });
          const shorter = bytes.subarray(0, Math.floor(cut * bytes.length));
          expect(() => parseIdx(shorter)).toThrow(DatasetError);
          await expect(readIdx(gzipSync(shorter))).rejects.toThrow(DatasetError);
        },
      ),
      { seed: 1, numRuns: 60 },
    );
  });
});

describe("refusing what is no whole IDX file", () => {
  it("names a header cut off", async () => {
    expect(await messageOf(() => parseIdx(cube.subarray(0, 10), { file: "images" }))).toMatchInlineSnapshot(`
      "DatasetError: parseIdx "images": 10 bytes, which end inside the header, a header has 4 bytes and 4 per axis.
        The file is damaged or not the right one: fetch it again."
    `);
  });
  it("names numbers cut off", async () => {
    expect(await messageOf(() => parseIdx(cube.subarray(0, 20), { file: "images" }))).toMatchInlineSnapshot(`
      "DatasetError: parseIdx "images": 20 bytes, the header promises [2, 2, 3] numbers from offset 16 to 28.
        The file is damaged or not the right one: fetch it again."
    `);
  });
  it("names a foreign format", async () => {
    const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a]);
    expect(await messageOf(() => parseIdx(png, { file: "images" }))).toMatchInlineSnapshot(`
      "DatasetError: parseIdx "images": the bytes 89 50 4e 47 at offset 0, an IDX file begins with 00 00, a type (08, 09, 0b, 0c, 0d or 0e) and 1 to 8 axes.
        The file is damaged or not the right one: fetch it again."
    `);
  });
  it("names numbers too many", async () => {
    expect(await messageOf(() => parseIdx(Uint8Array.from([...cube, 1])))).toMatchInlineSnapshot(`
      "DatasetError: parseIdx "bytes": 29 bytes, the header promises [2, 2, 3] numbers from offset 16 to 28.
        The file is damaged or not the right one: fetch it again."
    `);
    expect(await messageOf(() => readIdx(gzipSync(Uint8Array.from([...cube, 1]))))).toMatchInlineSnapshot(`
      "DatasetError: parseIdx "bytes": more than 28 unpacked bytes, the header promises [2, 2, 3] numbers up to offset 28.
        The file is damaged or not the right one: fetch it again."
    `);
  });
  it("names a header that promises more than may be read", async () => {
    const huge = idx(0x0e, [0xffffffff, 0xffffffff, 0xffffffff], new Uint8Array(0));
    expect(await messageOf(() => readIdx(huge))).toMatchInlineSnapshot(`
      "DatasetError: parseIdx "bytes": a header (offset 4) that promises [4294967295, 4294967295, 4294967295] numbers, 6.3382529967139284e+29 bytes, at most 268435456 bytes are read.
        If the file is right, raise maxBytes."
    `);
  });
  it("does not allocate for a small packed file with a large promise", async () => {
    const promise = gzipSync(idx(0x08, [200_000_000], new Uint8Array(10)));
    expect(await messageOf(() => readIdx(promise))).toMatch(
      /promises 200000008 bytes, gzip packs at most 1032 to 1/,
    );
  });
  it("stops unpacking a bomb at the promised size", async () => {
    const bomb = gzipSync(idx(0x08, [100], new Uint8Array(20_000_000)));
    expect(bomb.length).toBeLessThan(30_000);
    expect(await messageOf(() => readIdx(bomb, { file: "bomb.gz" }))).toMatchInlineSnapshot(`
      "DatasetError: parseIdx "bomb.gz": more than 108 unpacked bytes, the header promises [100] numbers up to offset 108.
        The file is damaged or not the right one: fetch it again."
    `);
  });
  it("notices a packed file that breaks off, wherever", async () => {
    const packed = gzipSync(
      idx(
        0x08,
        [50_000],
        Uint8Array.from({ length: 50_000 }, (_, i) => (i * i) % 253),
      ),
    );
    for (const length of [2, 5, 12, 100, packed.length >> 1, packed.length - 8, packed.length - 1]) {
      await expect(readIdx(packed.subarray(0, length)), `${length} bytes`).rejects.toThrow(DatasetError);
    }
  });
  it("notices a damaged byte by the checksum", async () => {
    const packed = gzipSync(idx(0x08, [3], Uint8Array.from([1, 2, 3])), { level: 0 });
    packed[packed.length - 9] = 9;
    expect(await messageOf(() => readIdx(packed, { file: "labels.gz" }))).toMatchInlineSnapshot(`
      "DatasetError: parseIdx "labels.gz": a gzip stream that fails after 0 unpacked bytes (incorrect data check), it must be whole and match its checksum.
        The file is damaged or not the right one: fetch it again."
    `);
  });
});
