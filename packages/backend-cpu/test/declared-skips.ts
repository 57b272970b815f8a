// What the CPU backend declines, by the words of its refusals.
import type { Skip } from "@convoke/conformance";

const float32Only = "its kernel computes in float32";
const planesOnly = "its kernel walks planes of one or two dimensions";

export const declaredSkips: readonly Skip[] = [
  ...(["float64", "int64", "int32", "uint32", "int8", "uint8"] as const).map(
    (dtype) => ({ op: "maxPool", inputs: dtype, reason: float32Only }) as const,
  ),
  ...(["avgPool", "avgPoolGrad", "scatterToPlane", "gatherFromPlane"] as const).map(
    (op) => ({ op, inputs: "float64", reason: float32Only }) as const,
  ),
  ...(["maxPool", "avgPool", "avgPoolGrad"] as const).map(
    (op) => ({ op, case: "three axes", inputs: "float32", reason: planesOnly }) as const,
  ),
  { op: "avgPool", case: "three axes, pads not counted", inputs: "float32", reason: planesOnly },
];
