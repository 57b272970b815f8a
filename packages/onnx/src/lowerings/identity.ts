// Ops that pass their input through.
import { isFloat } from "@convoke/core";
import type { LowerFunction, LoweringTable } from "./lowering.js";

const passed: LowerFunction = ({ x }) => x.name;

export const identityLowerings = {
  cast: (context) => {
    const { x, y } = context;
    // Through int64, whose low bits are what core's cast keeps: ONNX leaves open what does not fit a narrow type. What
    // does not fit int32, NaN included, stays open: engines join the two casts.
    const isNarrowing =
      isFloat(x.dtype) && (y.dtype === "int8" || y.dtype === "uint8" || y.dtype === "uint32");
    if (!isNarrowing) return context.cast(x.name, x.dtype, y.dtype);
    return context.cast(context.cast(x.name, x.dtype, "int64"), "int64", y.dtype);
  },
  detach: passed,
  alias: passed,
  tap: passed,
} satisfies Partial<LoweringTable>;
