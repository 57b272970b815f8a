// Comparisons, logic and choice.
import type { DType } from "@convoke/core";
import { direct, type LowerFunction, type LoweringTable } from "./lowering.js";

const narrow: ReadonlySet<DType> = new Set(["int8", "uint8", "uint32"]);

function comparison(opType: string): LowerFunction {
  return (context) => {
    const { dtype } = context.x;
    // Equality of truth values ONNX has, order it has not; both are right on 64-bit integers.
    const isOpen = narrow.has(dtype) || (dtype === "bool" && opType !== "Equal");
    return context.emit(
      opType,
      context.inputs.map((input) => (isOpen ? context.cast(input.name, dtype, "int64") : input.name)),
    );
  };
}

export const compareLowerings = {
  equal: comparison("Equal"),
  less: comparison("Less"),
  lessEqual: comparison("LessOrEqual"),
  logicalAnd: direct("And"),
  logicalOr: direct("Or"),
  logicalNot: direct("Not"),
  logicalXor: direct("Xor"),
  isNaN: direct("IsNaN"),
  where: (context) => {
    const { dtype } = context.y;
    if (dtype !== "int8" && dtype !== "uint32" && dtype !== "bool") return direct("Where")(context);
    const [condition, a, b] = context.inputs;
    const wider = dtype === "bool" ? "uint8" : "int64";
    const wide = [a!, b!].map((input) => context.cast(input.name, dtype, wider));
    return context.cast(context.emit("Where", [condition!.name, ...wide]), wider, dtype);
  },
} satisfies Partial<LoweringTable>;
