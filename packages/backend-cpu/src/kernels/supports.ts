// What the backend takes, and why it declines the rest.
import { specOf, type GraphNode, type Unsupported } from "@convoke/core";
import { isElementwise } from "./elementwise.js";
import { encoders, floatOnly } from "./encoders.js";
import { reductionOps } from "./reduce.js";

export function supports(node: GraphNode): true | Unsupported {
  const { name } = node.op;
  if (node.op.kind === "composite" && !(name in encoders)) return { reason: "it has no kernel of its own for it" };
  if (isElementwise(node) || reductionOps.has(name)) return true;
  if (!(name in encoders)) return { reason: "it has no kernel for it" };
  const dtype = node.inputs[0] === undefined ? "float32" : specOf(node.inputs[0]).dtype;
  if (floatOnly.has(name) && dtype !== "float32") return { reason: `its kernel computes in float32, not in ${dtype}` };
  return true;
}
