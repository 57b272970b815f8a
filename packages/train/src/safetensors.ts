// The safetensors format: 8 bytes with the header's length (little-endian), a JSON header, the tensors' bytes.
// Specification: https://github.com/huggingface/safetensors#format
import { allocate, byteLength, type DType, type TypedArray } from "@convoke/core";
import { float16ToFloat32, float32ToFloat16 } from "@convoke/core/float16";
import { shapeSize, type Shape } from "@convoke/shape";
import { CheckpointError } from "./checkpoint-error.js";

/** A tensor on the host. */
export interface TensorData {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: TypedArray;
}

/** What a file holds: tensors by name, and texts by name. */
export interface SafetensorsFile {
  readonly tensors: Readonly<Record<string, TensorData>>;
  readonly metadata: Readonly<Record<string, string>>;
}

const names: Readonly<Record<DType, string>> = {
  float32: "F32",
  float16: "F16",
  float64: "F64",
  int64: "I64",
  int32: "I32",
  uint32: "U32",
  int8: "I8",
  uint8: "U8",
  bool: "BOOL",
};

const dtypesByName = new Map(Object.entries(names).map(([dtype, name]) => [name, dtype as DType]));

/** The specification's own bound. */
const LARGEST_HEADER = 100_000_000;

/**
 * The bytes of a safetensors file.
 *
 * @example
 * ```ts
 * import { decodeSafetensors, encodeSafetensors } from "@convoke/train";
 *
 * const bytes = encodeSafetensors({
 *   tensors: { weight: { dtype: "float32", shape: [2], data: new Float32Array([1, 2]) } },
 *   metadata: { format: "demo" },
 * });
 * console.log(decodeSafetensors(bytes).tensors.weight?.data); // Float32Array [1, 2]
 * ```
 */
export function encodeSafetensors(file: SafetensorsFile): Uint8Array {
  const header: Record<string, unknown> = {};
  if (Object.keys(file.metadata).length > 0) header["__metadata__"] = file.metadata;
  let offset = 0;
  // Wide types first: then every tensor lies at a multiple of its element's width.
  const entries = Object.entries(file.tensors).sort(([, a], [, b]) => widthOf(b.dtype) - widthOf(a.dtype));
  for (const [name, { dtype, shape, data }] of entries) {
    if (name === "__metadata__") throw malformed("encodeSafetensors", 'a tensor is named "__metadata__"');
    const end = offset + byteLength(dtype, data.length);
    header[name] = { dtype: names[dtype], shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(text, 8);
  bytes.fill(0x20, 8 + text.length, 8 + padded);
  let position = 8 + padded;
  for (const [, tensor] of entries) {
    const own = bytesOf(tensor);
    bytes.set(own, position);
    position += own.byteLength;
  }
  return bytes;
}

/** The elements as the file has them: half precision in two bytes. */
function bytesOf({ dtype, data }: TensorData): Uint8Array {
  const stored = dtype === "float16" ? float32ToFloat16(data as Float32Array) : data;
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

function dataOf({ dtype, shape }: Pick<TensorData, "dtype" | "shape">, bytes: Uint8Array): TypedArray {
  // A copy lies at the beginning of its buffer, whatever the alignment in the file.
  if (dtype === "float16") return float16ToFloat32(new Uint16Array(new Uint8Array(bytes).buffer));
  const data = allocate(dtype, shapeSize(shape));
  new Uint8Array(data.buffer).set(bytes);
  return data;
}

function widthOf(dtype: DType): number {
  return byteLength(dtype, 1);
}

function malformed(operation: string, problem: string): CheckpointError {
  return new CheckpointError({
    operation,
    problem: `${problem}; this is not a complete safetensors file.`,
    wayOut: "Check that the file was written to its end, and that it is the right one.",
  });
}

/**
 * Reads a safetensors file. The bytes may come from anywhere: lengths and offsets are checked before anything is read.
 *
 * @throws CheckpointError when the bytes do not follow the format, or hold a type that Convoke does not have.
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  { file = "safetensors" }: { file?: string } = {},
): SafetensorsFile {
  const fail = (problem: string): never => {
    throw malformed(file, problem);
  };
  if (bytes.length < 8) fail(`it has ${bytes.length} bytes, but the length of the header takes 8`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(LARGEST_HEADER))
    fail(`its header claims ${length} bytes, but the format allows ${LARGEST_HEADER}`);
  const start = 8 + Number(length);
  if (start > bytes.length) fail(`its header claims ${length} bytes, but the file has ${bytes.length}`);
  const header = headerOf(bytes.subarray(8, start), fail);
  const metadata = metadataOf(header["__metadata__"], fail);
  const entries = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => entryOf(file, name, { value, fail }));
  assertCovered(entries, bytes.length - start, fail);
  const tensors = entries.map(({ name, dtype, shape, from, to }) => {
    const data = dataOf({ dtype, shape }, bytes.subarray(start + from, start + to));
    return [name, { dtype, shape, data }] as const;
  });
  return { tensors: Object.fromEntries(tensors), metadata };
}

type Fail = (problem: string) => never;

interface Entry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly from: number;
  readonly to: number;
}

/** Whether a value is an object, and no array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function headerOf(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return fail("its header is no JSON in UTF-8");
  }
  return isRecord(header) ? header : fail("its header is no JSON object");
}

function metadataOf(value: unknown, fail: Fail): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value)) return fail("its metadata is no object");
  const entries = Object.entries(value).map(([key, text]) => {
    return [key, typeof text === "string" ? text : fail(`its metadata "${key}" is no text`)] as const;
  });
  return Object.fromEntries(entries);
}

function entryOf(file: string, name: string, { value, fail }: { value: unknown; fail: Fail }): Entry {
  const what = `its tensor ${JSON.stringify(name.slice(0, 200))}`;
  if (!isRecord(value)) return fail(`${what} is described by no object`);
  const { shape, data_offsets: offsets, dtype: typeName } = value;
  if (!isWholeNumbers(shape)) return fail(`${what} has no proper shape`);
  if (!isWholeNumbers(offsets) || offsets.length !== 2) return fail(`${what} has no proper offsets`);
  const [from, to] = offsets as [number, number];
  const dtype = typeof typeName === "string" ? dtypesByName.get(typeName) : undefined;
  if (dtype === undefined) {
    throw new CheckpointError({
      operation: file,
      problem: `${what} is of ${typeof typeName === "string" ? `type ${JSON.stringify(typeName.slice(0, 50))}` : "a type without a name"}, but Convoke has ${[...dtypesByName.keys()].join(", ")}.`,
      wayOut: "Convert the file to one of these types first.",
    });
  }
  const size = byteLength(dtype, shapeSize(shape));
  if (to - from !== size) return fail(`${what} needs ${size} bytes, but its offsets hold ${to - from}`);
  return { name, dtype, shape, from, to };
}

/** Whether a value is a list of whole numbers, 0 or more. */
export function isWholeNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

/** Tensors lie one after the other, without gaps or overlaps, and fill the file: nothing hides in it. */
function assertCovered(entries: readonly Entry[], length: number, fail: Fail): void {
  let end = 0;
  for (const { name, from, to } of [...entries].sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== end)
      fail(`its tensor ${JSON.stringify(name.slice(0, 200))} starts at ${from}, but ${end} comes next`);
    end = to;
  }
  if (end !== length) fail(`its tensors take ${end} bytes, but ${length} follow the header`);
}
