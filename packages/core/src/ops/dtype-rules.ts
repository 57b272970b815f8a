// The dtype rules that op families share: nothing is promoted silently.
import { dtypes, isFloat, type DType } from "../dtype.js";
import { DTypeError } from "../errors.js";
import type { TensorSpec } from "../graph/node.js";

/** All inputs have one element type; gives it. */
export function sameDType(operation: string, specs: readonly TensorSpec[]): DType {
  const given = specs.map((spec) => spec.dtype);
  const first = given[0] ?? "float32";
  if (given.some((dtype) => dtype !== first)) {
    throw new DTypeError({
      operation,
      problem: `got ${given.join(" and ")}, but the element types must be equal; nothing is promoted silently.`,
      // Where floats are among them, it is the others that do not belong; a layer's parameters come after its input.
      wayOut: `Cast one of them, for instance with .cast("${given.findLast(isFloat) ?? first}").`,
    });
  }
  return first;
}

/** The input has a floating-point type; gives it. */
export function floatDType(operation: string, spec: TensorSpec): DType {
  return ofKind(operation, spec, ["float"], "a floating-point type", "float32");
}

/** The input is a number: anything but bool. */
export function numericDType(operation: string, spec: TensorSpec): DType {
  return ofKind(operation, spec, ["float", "signed", "unsigned"], "a numeric type", "float32");
}

/** The input can be negative: floating-point or signed integers. */
export function signedDType(operation: string, spec: TensorSpec): DType {
  return ofKind(operation, spec, ["float", "signed"], "a signed type", "float32");
}

/** The input holds truth values. */
export function boolDType(operation: string, spec: TensorSpec): DType {
  return ofKind(operation, spec, ["bool"], "bool", "bool");
}

/** The input holds indices: int32 or int64. */
export function indexDType(operation: string, spec: TensorSpec): DType {
  if (spec.dtype === "int32" || spec.dtype === "int64") return spec.dtype;
  throw new DTypeError({
    operation,
    problem: `got indices of type ${spec.dtype}, but indices are int32 or int64.`,
    wayOut: `Cast them with .cast("int32").`,
  });
}

function ofKind(
  operation: string,
  spec: TensorSpec,
  kinds: readonly string[],
  rule: string,
  target: DType,
): DType {
  if (kinds.includes(dtypes[spec.dtype].kind)) return spec.dtype;
  throw new DTypeError({
    operation,
    problem: `got ${spec.dtype}, but it takes ${rule}.`,
    wayOut: `Cast it with .cast("${target}").`,
  });
}
