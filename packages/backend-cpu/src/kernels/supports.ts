// What the backend takes, and why it declines the rest.
import { specOf, type GraphNode, type Unsupported } from "@convoke/core";
import { movementEncoders, reductionOps } from "@convoke/core/planning";
import { isElementwise } from "./elementwise.js";
import { encoders, planesOnly } from "./encoders.js";

export function supports(node: GraphNode): true | Unsupported {
  const { name, kind } = node.op;
  if (kind === "composite" && !(name in encoders)) return { reason: "it has no kernel of its own for it" };
  if (isElementwise(node) || reductionOps.has(name) || name in movementEncoders) return true;
  if (!(name in encoders)) return { reason: "it has no kernel for it" };
  const [first] = node.inputs;
  if (first === undefined) return true;
  const { dtype, shape } = specOf(first);
  if (kind === "composite" && dtype !== "float32")
    return { reason: `it has no kernel of its own for ${dtype}` };
  if (planesOnly.has(name)) {
    if (dtype !== "float32") return { reason: `its kernel computes in float32, not in ${dtype}` };
    if (shape.length > 4) return { reason: "its kernel walks planes of one or two dimensions" };
  }
  return true;
}
