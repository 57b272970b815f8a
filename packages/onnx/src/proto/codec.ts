import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { OnnxFormatError } from "./format-error.js";
import { checkWire } from "./wire-check.js";
import type { OnnxLimits } from "./wire-check.js";

/**
 * Decodes one protobuf message of the ONNX schema, e.g. `decodeMessage(ModelProtoSchema, bytes)`. Byte fields of the
 * result are views into `bytes`. Fields that the schema does not know are kept and written again.
 *
 * @throws OnnxFormatError for bytes that are not such a message, or that exceed the limits.
 */
export function decodeMessage<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  options: { operation?: string; limits?: OnnxLimits } = {},
): MessageShape<Desc> {
  const operation = options.operation ?? `decodeMessage ${schema.name}`;
  // A Node Buffer would come back in the byte fields, and its slice() does not copy.
  bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkWire(schema, bytes, { operation, limits: options.limits });
  try {
    return fromBinary(schema, bytes, { recursionLimit: Math.max(100, options.limits?.depth ?? 0) });
  } catch (error) {
    throw new OnnxFormatError({
      operation,
      got: `the decoder stopped (${error instanceof Error ? error.message : String(error)})`,
      rule: `the bytes must be a ${schema.name}`,
      wayOut: "The file is damaged or not ONNX: write it again.",
    });
  }
}

/** Encodes a message of the ONNX schema; `init` may leave out what it does not set. */
export function encodeMessage<Desc extends DescMessage>(
  schema: Desc,
  init: MessageInitShape<Desc>,
): Uint8Array {
  return toBinary(schema, create(schema, init));
}
