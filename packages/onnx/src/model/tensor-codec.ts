import { decodeMessage, encodeMessage, isSet, type Init } from "../proto/codec.js";
import { OnnxFormatError } from "../proto/format-error.js";
import { EXTERNAL, type TensorProto } from "../proto/messages.js";
import type { OnnxLimits } from "../proto/wire-check.js";
import { codeOfDType, dataLength, dtypeOfCode, NUMERIC_DTYPES, tensorOfBytes } from "./tensor-data.js";
import type { NamedTensor, NumericDType, TensorData } from "./tensor-data.js";

/** Gives the bytes of a file beside the model, or undefined when there is none of that name. */
export type ExternalData = (location: string) => Uint8Array | undefined;

/** Where a message stands, for the words of an error, and what it may refer to. */
export interface TensorContext {
  readonly where: string;
  readonly externalData?: ExternalData | undefined;
}

/**
 * Reads a tensor file, such as `input_0.pb` of an ONNX test case.
 *
 * @throws OnnxFormatError when the bytes are not a tensor, or its elements do not fill its shape.
 */
export function readTensor(bytes: Uint8Array, options: { limits?: OnnxLimits } = {}): NamedTensor {
  const operation = "readTensor";
  return tensorFromProto(decodeMessage("TensorProto", bytes, { operation, ...options }), {
    where: operation,
  });
}

/**
 * Writes a tensor file.
 *
 * @example
 * ```ts
 * import { readTensor, writeTensor } from "@convoke/onnx";
 *
 * const bytes = writeTensor({ name: "x", dtype: "float32", shape: [2], data: Float32Array.of(1, 2) });
 * console.log(readTensor(bytes).shape); // [2]
 * ```
 */
export function writeTensor(tensor: TensorData & { readonly name?: string }): Uint8Array {
  return encodeMessage("TensorProto", tensorToProto(tensor));
}

/** @throws OnnxFormatError when the elements do not fill the shape, or the data type is unknown. */
export function tensorFromProto(proto: TensorProto, context: TensorContext): NamedTensor {
  const { name } = proto;
  const where = name === "" ? context.where : `${context.where} "${name}"`;
  const dtype = dtypeOfCode(proto.dataType);
  if (dtype === undefined) {
    throw new OnnxFormatError({
      operation: where,
      got: `data type ${proto.dataType}`,
      rule: "the codes 1 to 26 are known",
      wayOut: "Write the file again, or, if it comes from a newer ONNX, convert it to an older version.",
    });
  }
  const shape = proto.dims.map((dim) => sizeOf(dim, where));
  if (isSet(proto, "segment")) {
    throw new OnnxFormatError({
      operation: where,
      got: "a tensor in segments",
      rule: "a tensor must stand in one piece",
      wayOut: "Save the model again with whole tensors or with external data.",
    });
  }
  if (dtype === "string") {
    checkLength(proto.stringData.length, { dtype, shape, where });
    return { name, dtype, shape, data: proto.stringData.map((bytes) => decodeUtf8(bytes, where)) };
  }
  const bytes = storedBytes(proto, { where, externalData: context.externalData }) ?? fieldBytes(proto, dtype);
  checkLength(bytes.byteLength / NUMERIC_DTYPES[dtype].bytes, { dtype, shape, where });
  return { name, ...tensorOfBytes<NumericDType>(dtype, shape, bytes) };
}

/** Numbers are written as raw bytes, which every reader takes and which cost no decoding. */
export function tensorToProto(tensor: TensorData & { readonly name?: string }): Init<TensorProto> {
  const { dtype, shape, data, name } = tensor;
  checkLength(data.length, { dtype, shape, where: `writeTensor "${name ?? ""}"` });
  const head = { name, dataType: codeOfDType(dtype), dims: shape.map((size) => BigInt(size)) };
  if (tensor.dtype === "string") {
    const encoder = new TextEncoder();
    return { ...head, stringData: tensor.data.map((text) => encoder.encode(text)) };
  }
  return {
    ...head,
    rawData: new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength),
  };
}

/** Decodes UTF-8 strictly, so that writing gives the same bytes again. */
export function decodeUtf8(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new OnnxFormatError({
      operation: where,
      got: `${bytes.length} bytes that are not UTF-8`,
      rule: "strings in ONNX are UTF-8",
      wayOut: "Keep binary content in a tensor of uint8 instead.",
    });
  }
}

/** A dimension as a number. @throws OnnxFormatError for negative sizes and sizes over 2^53. */
export function sizeOf(dim: bigint, where: string): number {
  if (dim < 0n || dim > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new OnnxFormatError({
      operation: where,
      got: `a dimension of size ${dim}`,
      rule: "sizes go from 0 to 2^53 - 1",
      wayOut: "The file is damaged: write it again.",
    });
  }
  return Number(dim);
}

function checkLength(length: number, tensor: Pick<TensorData, "dtype" | "shape"> & { where: string }): void {
  const expected = dataLength(tensor.dtype, tensor.shape);
  if (length === expected) return;
  throw new OnnxFormatError({
    operation: tensor.where,
    got: `data for ${length} entries`,
    rule: `a ${tensor.dtype} tensor of shape [${tensor.shape.join(", ")}] has ${expected}`,
    wayOut: "Make shape and data agree; a file in which they do not is truncated or damaged.",
  });
}

/** The bytes of `raw_data` or of an external file, copied so that they are aligned and nobody else's. */
function storedBytes(proto: TensorProto, context: TensorContext): Uint8Array | undefined {
  if (proto.dataLocation === EXTERNAL) return externalBytes(proto, context);
  return isSet(proto, "rawData") ? proto.rawData.slice() : undefined;
}

function externalBytes(proto: TensorProto, { where, externalData }: TensorContext): Uint8Array {
  const entries = new Map(proto.externalData.map((entry) => [entry.key, entry.value]));
  const location = entries.get("location") ?? "";
  if (!staysInFolder(location)) {
    throw new OnnxFormatError({
      operation: where,
      got: `external data at "${location}"`,
      rule: "the place must be a relative path inside the model's folder",
      wayOut: "Put the data file beside the model.",
    });
  }
  const file = externalData?.(location);
  if (file === undefined) {
    throw new OnnxFormatError({
      operation: where,
      got: `external data "${location}" that was not given`,
      rule: "the reader opens no files of its own",
      wayOut: "Pass its bytes with the option `externalData`.",
    });
  }
  const start = externalNumber(entries.get("offset"), 0);
  const length = externalNumber(entries.get("length"), file.length - start);
  if (!(start + length <= file.length && length >= 0)) {
    throw new OnnxFormatError({
      operation: where,
      got: `external data "${location}", bytes ${start} to ${start + length}`,
      rule: `the file has ${file.length} bytes`,
      wayOut: "The data file is truncated or belongs to another model.",
    });
  }
  return new Uint8Array(file.subarray(start, start + length));
}

function externalNumber(text: string | undefined, absent: number): number {
  if (text === undefined) return absent;
  return /^\d{1,16}$/.test(text) ? Number(text) : NaN;
}

/** Whether a path is relative and never leaves its folder, on POSIX and on Windows. */
function staysInFolder(location: string): boolean {
  const parts = location.split(/[\\/]/);
  return parts.every((part) => part !== "" && part !== "." && part !== "..") && !/[\0:]/.test(location);
}

/** The bytes of the elements that stand in the field for their data type. */
function fieldBytes(proto: TensorProto, dtype: NumericDType): Uint8Array {
  const array = fieldArray(proto, dtype);
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function fieldArray(proto: TensorProto, dtype: NumericDType): ArrayBufferView {
  switch (dtype) {
    case "float32":
    case "complex64":
      return Float32Array.from(proto.floatData);
    case "float64":
    case "complex128":
      return Float64Array.from(proto.doubleData);
    case "int64":
      return BigInt64Array.from(proto.int64Data);
    case "uint64":
      return BigUint64Array.from(proto.uint64Data);
    case "uint32":
      return Uint32Array.from(proto.uint64Data, (value) => Number(BigInt.asUintN(32, value)));
    case "int32":
      return Int32Array.from(proto.int32Data);
    case "uint16":
    case "int16":
    case "float16":
    case "bfloat16":
      return Uint16Array.from(proto.int32Data);
    default:
      // One byte per entry: 8-bit types, booleans, and the packed narrow types.
      return Uint8Array.from(proto.int32Data);
  }
}
