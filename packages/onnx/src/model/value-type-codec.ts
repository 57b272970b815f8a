import { isSet, type Init } from "../proto/codec.js";
import { OnnxFormatError } from "../proto/format-error.js";
import type { TensorShapeProto, TypeProto, ValueInfoProto } from "../proto/messages.js";
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
export function readValueType(proto: TypeProto, where: string): ValueType {
  const tensor = proto.tensorType ?? proto.sparseTensorType;
  if (tensor !== undefined) {
    // Subgraphs may leave the type of their values to inference: code 0 then.
    if (tensor.elemType === 0) return { kind: "unknown" };
    return {
      kind: proto.tensorType === undefined ? "sparseTensor" : "tensor",
      dtype: knownDType(tensor.elemType, where),
      shape: tensor.shape === undefined ? null : readShape(tensor.shape, where),
    };
  }
  const list = proto.sequenceType ?? proto.optionalType;
  if (list !== undefined) {
    return {
      kind: proto.sequenceType === undefined ? "optional" : "sequence",
      element: typeOrUnknown(list.elemType, where),
    };
  }
  const { mapType, opaqueType } = proto;
  if (mapType !== undefined) {
    return {
      kind: "map",
      key: knownDType(mapType.keyType, where),
      value: typeOrUnknown(mapType.valueType, where),
    };
  }
  if (opaqueType !== undefined) return { kind: "opaque", domain: opaqueType.domain, name: opaqueType.name };
  return { kind: "unknown" };
}

function typeOrUnknown(proto: TypeProto | undefined, where: string): ValueType {
  return proto === undefined ? { kind: "unknown" } : readValueType(proto, where);
}

/** The message that {@link readValueInfo} reads. */
export function valueInfoToProto(info: ValueInfo): Init<ValueInfoProto> {
  return { name: info.name, docString: info.doc, type: valueTypeToProto(info.type) };
}

/** The message that {@link readValueType} reads; nothing for an unknown type. */
export function valueTypeToProto(type: ValueType): Init<TypeProto> | undefined {
  switch (type.kind) {
    case "tensor":
    case "sparseTensor": {
      const value = {
        elemType: codeOfDType(type.dtype),
        shape: type.shape === null ? undefined : { dim: type.shape.map(dimToProto) },
      };
      return type.kind === "tensor" ? { tensorType: value } : { sparseTensorType: value };
    }
    case "sequence":
      return { sequenceType: { elemType: valueTypeToProto(type.element) } };
    case "optional":
      return { optionalType: { elemType: valueTypeToProto(type.element) } };
    case "map":
      return { mapType: { keyType: codeOfDType(type.key), valueType: valueTypeToProto(type.value) } };
    case "opaque":
      return { opaqueType: { domain: type.domain, name: type.name } };
    case "unknown":
      return undefined;
  }
}

function readShape(proto: TensorShapeProto, where: string): Dim[] {
  return proto.dim.map((dim) => {
    if (isSet(dim, "dimParam")) return dim.dimParam === "" ? null : dim.dimParam;
    // Some writers put -1 for a size that is not known.
    if (!isSet(dim, "dimValue") || dim.dimValue === -1n) return null;
    return sizeOf(dim.dimValue, where);
  });
}

function dimToProto(dim: Dim) {
  if (dim === null) return {};
  return typeof dim === "number" ? { dimValue: BigInt(dim) } : { dimParam: dim };
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
