// What WebGPU cannot do, or leaves to the device.
import type { Skip } from "@convoke/conformance";

const no64Bits = "WebGPU has no numbers of 64 bits";

export const declaredSkips: readonly Skip[] = [
  { op: "*", dtype: "float64", reason: no64Bits },
  { op: "*", dtype: "int64", reason: no64Bits },
  { test: "float64 goes up and comes back", reason: no64Bits },
  { test: "int64 goes up and comes back", reason: no64Bits },
  {
    op: "ceil",
    case: "extreme values",
    reason: "WGSL leaves it to the device whether numbers below 2⁻¹²⁶ are 0 (section 15.7.2)",
    fails: "differs",
  },
];
