import type { MessageInitShape } from "@bufbuild/protobuf";
import { OnnxFormatError } from "../proto/format-error.js";
import type {
  TypeProtoSchema,
  TensorShapeProto,
  TypeProto,
  ValueInfoProto,
  ValueInfoProtoSchema,
} from "../proto/onnx_pb.js";
import type { Dim, ValueInfo, ValueType } from "./onnx-model.js";
import { codeOfDType, dtypeOfCode } from "./tensor-data.js";
import type { OnnxDType } from "./tensor-data.js";
import { sizeOf } from "./tensor-codec.js";

/** @throws OnnxFormatError for an unknown data type or a negative size. */
export function readValueInfo(proto: ValueInfoProto, where: string): ValueInfo {
  const { name, docString, type } = proto;
  return {
    name,
    type: type === undefined ? { kind: "unknown" } : readValueType(type, `${where} value "${name}"`),
    ...(docString === "" ? {} : { doc: docString }),
  };
}

/** @throws OnnxFormatError for an unknown data type or a negative size. */
export function readValueType({ value: type }: TypeProto, where: string): ValueType {
  switch (type.case) {
    case "tensorType":
    case "sparseTensorType":
      // Subgraphs may leave the type of their values to inference: code 0 then.
      if (type.value.elemType === 0) return { kind: "unknown" };
      return {
        kind: type.case === "tensorType" ? "tensor" : "sparseTensor",
        dtype: knownDType(type.value.elemType, where),
        shape: type.value.shape === undefined ? null : readShape(type.value.shape, where),
      };
    case "sequenceType":
    case "optionalType":
      return {
        kind: type.case === "sequenceType" ? "sequence" : "optional",
        element:
          type.value.elemType === undefined ? { kind: "unknown" } : readValueType(type.value.elemType, where),
      };
    case "mapType":
      return {
        kind: "map",
        key: knownDType(type.value.keyType, where),
        value:
          type.value.valueType === undefined
            ? { kind: "unknown" }
            : readValueType(type.value.valueType, where),
      };
    case "opaqueType":
      return { kind: "opaque", domain: type.value.domain, name: type.value.name };
    case undefined:
      return { kind: "unknown" };
  }
}

/** The message that {@link readValueInfo} reads. */
export function valueInfoToProto(info: ValueInfo): MessageInitShape<typeof ValueInfoProtoSchema> {
  return { name: info.name, docString: info.doc, type: valueTypeToProto(info.type) };
}

/** The message that {@link readValueType} reads; nothing for an unknown type. */
export function valueTypeToProto(type: ValueType): MessageInitShape<typeof TypeProtoSchema> | undefined {
  switch (type.kind) {
    case "tensor":
    case "sparseTensor": {
      const value = {
        elemType: codeOfDType(type.dtype),
        shape: type.shape === null ? undefined : { dim: type.shape.map(dimToProto) },
      };
      return {
        value: type.kind === "tensor" ? { case: "tensorType", value } : { case: "sparseTensorType", value },
      };
    }
    case "sequence":
    case "optional": {
      const value = { elemType: valueTypeToProto(type.element) };
      return {
        value: type.kind === "sequence" ? { case: "sequenceType", value } : { case: "optionalType", value },
      };
    }
    case "map":
      return {
        value: {
          case: "mapType",
          value: { keyType: codeOfDType(type.key), valueType: valueTypeToProto(type.value) },
        },
      };
    case "opaque":
      return { value: { case: "opaqueType", value: { domain: type.domain, name: type.name } } };
    case "unknown":
      return undefined;
  }
}

function readShape(proto: TensorShapeProto, where: string): Dim[] {
  return proto.dim.map(({ value }) => {
    if (value.case === "dimParam") return value.value === "" ? null : value.value;
    // Some writers put -1 for a size that is not known.
    if (value.case === undefined || value.value === -1n) return null;
    return sizeOf(value.value, where);
  });
}

function dimToProto(dim: Dim) {
  if (dim === null) return {};
  return typeof dim === "number"
    ? { value: { case: "dimValue" as const, value: BigInt(dim) } }
    : { value: { case: "dimParam" as const, value: dim } };
}

function knownDType(code: number, where: string): OnnxDType {
  const dtype = dtypeOfCode(code);
  if (dtype !== undefined) return dtype;
  throw new OnnxFormatError({
    operation: where,
    got: `data type ${code}`,
    rule: "the codes 1 to 26 are known",
    wayOut: "Write the file again, or, if it comes from a newer ONNX, convert it to an older version.",
  });
}
