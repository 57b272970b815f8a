// What WebGPU cannot do.
import type { Skip } from "@convoke/conformance";

const no64Bits = "WebGPU has no numbers of 64 bits";

export const declaredSkips: readonly Skip[] = [
  { op: "*", dtype: "float64", reason: no64Bits },
  { op: "*", dtype: "int64", reason: no64Bits },
  { test: "float64 goes up and comes back", reason: no64Bits },
  { test: "int64 goes up and comes back", reason: no64Bits },
];
