// How elements lie on the device: every one takes 32 bits, whatever it takes on the host, but for half-precision numbers
// on a device that has them.
import { UnsupportedOpError, type DType, type TensorSpec, type TypedArray } from "@convoke/core";
import { float16ToFloat32, float32ToFloat16 } from "@convoke/core/float16";
import { shapeSize } from "@convoke/shape";

/** Bytes of most elements on the device: WGSL's storage knows no narrower integers. */
export const WORD_BYTES = 4;

/** How the elements of tensors lie on a device. */
export interface HostFormat {
  /** Whether elements of a type take 16 bits. */
  isNarrow(dtype: DType | undefined): boolean;
  /** Bytes of a tensor: whole words. */
  bytesOf(spec: Pick<TensorSpec, "shape" | "dtype">): number;
  /** The bytes that go to the device. Narrow integers and truth values become whole words. */
  toDevice(data: TypedArray, dtype: DType): Uint8Array<ArrayBuffer>;
  /** The elements that bytes of the device stand for. */
  fromDevice(spec: Pick<TensorSpec, "shape" | "dtype">, bytes: ArrayBuffer): TypedArray;
}

/** Every element is a word. */
const words: HostFormat = {
  isNarrow: () => false,
  bytesOf: ({ shape }) => shapeSize(shape) * WORD_BYTES,
  toDevice: toWords,
  fromDevice: ({ dtype }, bytes) => fromWords(dtype, bytes),
};

/** Half-precision numbers take 16 bits each, and a word where one is left over. */
const halves: HostFormat = {
  isNarrow: (dtype) => dtype === "float16",
  bytesOf: (spec) =>
    spec.dtype === "float16" ? Math.ceil(shapeSize(spec.shape) / 2) * WORD_BYTES : words.bytesOf(spec),
  toDevice: (data, dtype) => {
    if (dtype !== "float16" || !(data instanceof Float32Array)) return toWords(data);
    const bits = new Uint16Array(Math.ceil(data.length / 2) * 2);
    bits.set(float32ToFloat16(data));
    return new Uint8Array(bits.buffer);
  },
  fromDevice: ({ dtype, shape }, bytes) =>
    dtype === "float16"
      ? float16ToFloat32(new Uint16Array(bytes, 0, shapeSize(shape)))
      : fromWords(dtype, bytes),
};

/** Whether a device with these features has half-precision numbers. */
export function hasFloat16(features: readonly string[]): boolean {
  return features.includes("shader-f16");
}

/** The format of a device with these features. */
export function formatOf(features: readonly string[]): HostFormat {
  return hasFloat16(features) ? halves : words;
}

function toWords(data: TypedArray): Uint8Array<ArrayBuffer> {
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
  float16: (words) => new Float32Array(words),
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

function fromWords(dtype: DType, words: ArrayBuffer): TypedArray {
  const read = readers[dtype];
  if (read === undefined) throw new Error(`webgpu: there are no elements of type ${dtype} on the device`);
  return read(words);
}
