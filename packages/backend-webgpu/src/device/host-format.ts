// How elements lie on the device: every one takes 32 bits, whatever it takes on the host.
import { UnsupportedOpError, type DType, type TypedArray } from "@convoke/core";

/** Bytes of an element on the device: WGSL's storage knows no narrower numbers. */
export const ELEMENT_BYTES = 4;

/** The words that go to the device. Narrow integers and truth values become whole words. */
export function toWords(data: TypedArray): Uint8Array<ArrayBuffer> {
  const words =
    data instanceof Int8Array
      ? Int32Array.from(data)
      : data instanceof Uint8Array
        ? Uint32Array.from(data)
        : data;
  // WebGPU takes no shared memory.
  if (words.buffer instanceof ArrayBuffer)
    return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength).slice();
}

const readers: Readonly<Partial<Record<DType, (words: ArrayBuffer) => TypedArray>>> = {
  float32: (words) => new Float32Array(words),
  int32: (words) => new Int32Array(words),
  uint32: (words) => new Uint32Array(words),
  int8: (words) => Int8Array.from(new Int32Array(words)),
  uint8: (words) => Uint8Array.from(new Uint32Array(words)),
  bool: (words) => Uint8Array.from(new Uint32Array(words)),
};

/** Whether the device has numbers that hold elements of this type. */
export function isOnDevice(dtype: DType): boolean {
  return readers[dtype] !== undefined;
}

/** Why there are none of this type, as the reason of a refusal. */
export function missingType(dtype: DType): string {
  return `WebGPU has no numbers of 64 bits, and so no ${dtype}`;
}

/** @throws UnsupportedOpError for values of a type that the device does not have. */
export function assertOnDevice(op: string, dtype: DType, scope = ""): void {
  if (isOnDevice(dtype)) return;
  throw new UnsupportedOpError({
    op,
    scope,
    backend: "webgpu",
    reason: missingType(dtype),
    wayOut: `Cast it to ${dtype === "int64" ? "int32" : "float32"} before, or run it on another backend.`,
  });
}

/** The elements that words of the device stand for. */
export function fromWords(dtype: DType, words: ArrayBuffer): TypedArray {
  const read = readers[dtype];
  if (read === undefined) throw new Error(`webgpu: there are no elements of type ${dtype} on the device`);
  return read(words);
}
