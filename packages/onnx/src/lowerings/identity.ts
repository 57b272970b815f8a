// Ops that pass their input through.
import { isFloat } from "@convoke/core";
import type { LowerFunction, LoweringTable } from "./lowering.js";

const passed: LowerFunction = ({ x }) => x.name;

export const identityLowerings = {
  cast: (context) => {
    const { x, y } = context;
    // Through int64, whose low bits are what core's cast keeps: straight to a narrow type ONNX leaves overflow open.
    const isNarrowing = isFloat(x.dtype) && !isFloat(y.dtype) && y.dtype !== "bool" && y.dtype !== "int64";
    if (!isNarrowing) return context.cast(x.name, x.dtype, y.dtype);
    return context.cast(context.cast(x.name, x.dtype, "int64"), "int64", y.dtype);
  },
  detach: passed,
  alias: passed,
  tap: passed,
} satisfies Partial<LoweringTable>;
