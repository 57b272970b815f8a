// Ops that pass their input through.
import { isFloat } from "@convoke/core";
import type { LowerFunction, LoweringTable } from "./lowering.js";

const passed: LowerFunction = ({ x }) => x.name;

export const identityLowerings = {
  cast: (context) => {
    const { x, y } = context;
    if (!isFloat(x.dtype)) return context.cast(x.name, x.dtype, y.dtype);
    // Through int64, whose low bits are what core's cast keeps: ONNX leaves open what does not fit a narrow type. What
    // does not fit int32, NaN included, stays open.
    if (y.dtype === "int8") return context.cast(context.cast(x.name, x.dtype, "int64"), "int64", "int8");
    if (y.dtype !== "uint8" && y.dtype !== "uint32") return context.cast(x.name, x.dtype, y.dtype);
    // The remainder keeps engines from joining the two casts: WebAssembly's gives 0 for what is below 0.
    const count = context.scalar(y.dtype === "uint8" ? 2n ** 8n : 2n ** 32n, "int64");
    const whole = context.cast(x.name, x.dtype, "int64");
    return context.cast(context.emit("Mod", [whole, count]), "int64", y.dtype);
  },
  detach: passed,
  alias: passed,
  tap: passed,
} satisfies Partial<LoweringTable>;
