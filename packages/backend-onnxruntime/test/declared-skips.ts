// What ONNX Runtime cannot do, or does otherwise.
import type { Skip } from "@convoke/conformance";

const convolvesFloat32 = "ONNX Runtime convolves float32 only";
const averagesFloat32 = "ONNX Runtime takes means of windows in float32 only";
const erfOfFloat32 = "ONNX Runtime has the error function in float32 only";

const noFloat16 = "it takes no numbers of half precision";

export const declaredSkips: readonly Skip[] = [
  { op: "*", dtype: "float16", reason: noFloat16 },
  { test: "float16 goes up and comes back", reason: noFloat16 },
  ...(["conv", "convInputGrad", "convFilterGrad", "convTranspose"] as const).map(
    (op) => ({ op, inputs: "float64", reason: convolvesFloat32 }) as const,
  ),
  ...(["avgPool", "avgPoolGrad"] as const).map(
    (op) => ({ op, inputs: "float64", reason: averagesFloat32 }) as const,
  ),
  ...(["erf", "gelu"] as const).map((op) => ({ op, inputs: "float64", reason: erfOfFloat32 }) as const),
  ...(
    [
      ["max", "not finite"],
      ["min", "not finite"],
      ["maxPool", "NaN wins"],
      ["argMax", "NaN wins"],
      ["argMin", "NaN wins"],
      ["topK", "NaN is largest"],
    ] as const
  ).map(
    ([op, name]) =>
      ({ op, case: name, reason: "ONNX Runtime's comparisons pass over NaN", fails: "differs" }) as const,
  ),
  {
    op: "cast",
    case: "NaN and infinities become 0",
    reason: "ONNX leaves open what becomes of them",
    fails: "differs",
  },
  {
    op: "sum",
    case: "integers wrap",
    inputs: "int64",
    reason: "ONNX Runtime adds up 64-bit integers in doubles",
    fails: "differs",
  },
  { op: "maxPool", inputs: "int64", reason: "ONNX Runtime pools no 64-bit integers" },
];
