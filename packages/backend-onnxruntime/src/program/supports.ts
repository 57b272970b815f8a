// Which nodes the backend takes. What ONNX Runtime 1.30 lacks was found by running the conformance suite.
import { specOf, type DType, type GraphNode, type OpName, type Unsupported } from "@convoke/core";
import { hasOnnxForm } from "@convoke/onnx";
import { keepsWhole } from "../blocked/forms.js";
import { noFloat16 } from "./element-types.js";
import { isDrawn } from "./host-part.js";

/** Primitives that ONNX Runtime computes for some element types of their first input only. */
const primitives: Partial<Record<OpName, { readonly dtypes: readonly DType[]; readonly reason: string }>> = {
  ...Object.fromEntries(
    (["conv", "convInputGrad", "convFilterGrad"] as const).map((name) => [
      name,
      { dtypes: ["float32"], reason: "ONNX Runtime convolves float32 only" },
    ]),
  ),
  ...Object.fromEntries(
    (["avgPool", "avgPoolGrad"] as const).map((name) => [
      name,
      { dtypes: ["float32"], reason: "ONNX Runtime takes means of windows in float32 only" },
    ]),
  ),
  erf: { dtypes: ["float32"], reason: "ONNX Runtime has the error function in float32 only" },
  maxPool: {
    dtypes: ["float32", "float64", "int32", "uint32", "int8", "uint8"],
    reason: "ONNX Runtime pools no 64-bit integers",
  },
};

/** Composites whose operator computes in double precision too; of the others ONNX Runtime has float32, or loses digits. */
const doubles: ReadonlySet<string> = new Set<OpName>([
  "relu",
  "hardTanh",
  "sigmoid",
  "softmax",
  "linear",
  "mean",
  "logSumExp",
  "norm",
  "padMode",
]);

/** Whether a node can be written at this opset, and whether ONNX Runtime then runs it. */
export function supportedAt(node: GraphNode, opset: number, block: number | undefined): true | Unsupported {
  if ([...node.inputs.map(specOf), ...node.outputs].some(({ dtype }) => dtype === "float16"))
    return noFloat16;
  if (isDrawn(node) || (block !== undefined && keepsWhole(node, block))) return true;
  if (!hasOnnxForm(node, opset)) return { reason: "ONNX has no operator for it" };
  const { name, kind } = node.op;
  const { dtype } = specOf(node.inputs[0]!);
  if (kind === "composite") {
    const isComputed = dtype === "float32" || doubles.has(name);
    return isComputed ? true : { reason: `ONNX Runtime has its operator not for ${dtype}` };
  }
  const limits = Object.hasOwn(primitives, name) ? primitives[name as OpName] : undefined;
  return limits === undefined || limits.dtypes.includes(dtype) ? true : { reason: limits.reason };
}
