// What the backend takes, and why it declines the rest.
import { specOf, type GraphNode, type Unsupported } from "@convoke/core";
import { movementEncoders, reductionOps } from "@convoke/core/planning";
import { isCpuDType, noFloat16 } from "../element-types.js";
import { isElementwise } from "./elementwise.js";
import { encoders } from "./encoders.js";

export function supports(node: GraphNode): true | Unsupported {
  const { name, kind } = node.op;
  if (kind === "composite" && !(name in encoders)) return { reason: "it has no kernel of its own for it" };
  if (![...node.inputs.map(specOf), ...node.outputs].every(({ dtype }) => isCpuDType(dtype)))
    return noFloat16;
  if (isElementwise(node) || reductionOps.has(name) || name in movementEncoders) return true;
  if (!(name in encoders)) return { reason: "it has no kernel for it" };
  const [first] = node.inputs;
  if (first === undefined) return true;
  const { dtype } = specOf(first);
  if (kind === "composite" && dtype !== "float32")
    return { reason: `it has no kernel of its own for ${dtype}` };
  return true;
}
