// What the backend takes, and why it declines the rest.
import { isFloat, specOf, type GraphNode, type Unsupported } from "@convoke/core";
import { movementEncoders, reductionOps, stepOf } from "@convoke/core/planning";
import { isOnDevice, missingType } from "../device/host-format.js";
import { isShaderStep } from "../wgsl/steps.js";
import { encoders } from "./encoders.js";

/** Whether a node is one step of a loop, for its element types. */
export function isElementwise(node: GraphNode): boolean {
  const found = stepOf(node);
  return found !== undefined && isShaderStep(found.step, found.types);
}

export function supports(node: GraphNode): true | Unsupported {
  const { name, kind } = node.op;
  if (kind === "composite" && !(name in encoders)) return { reason: "it has no kernel of its own for it" };
  const dtypes = [...node.inputs.map(specOf), ...node.outputs].map(({ dtype }) => dtype);
  const missing = dtypes.find((dtype) => !isOnDevice(dtype));
  if (missing !== undefined) return { reason: missingType(missing) };
  const { dtype } = node.outputs[0]!;
  if (kind === "composite" && !isFloat(dtype)) return { reason: `it has no kernel of its own for ${dtype}` };
  if (isElementwise(node) || reductionOps.has(name) || name in movementEncoders || name in encoders)
    return true;
  return { reason: "it has no kernel for it" };
}
