// What the CPU backend cannot do.
import type { Skip } from "@convoke/conformance";

const noFloat16 = "it has no numbers of half precision";

export const declaredSkips: readonly Skip[] = [
  { op: "*", dtype: "float16", reason: noFloat16 },
  { test: "float16 goes up and comes back", reason: noFloat16 },
];
