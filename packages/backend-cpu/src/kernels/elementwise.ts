// Which element-wise nodes the emitted loops take.
import { stepOf } from "@convoke/core/planning";
import type { GraphNode } from "@convoke/core";
import { canEmit } from "../emit/loop-module.js";

/** Whether a node is one step of a loop, for its element types. */
export function isElementwise(node: GraphNode): boolean {
  const found = stepOf(node);
  if (found === undefined) return false;
  const inputs = found.types.map((dtype) => ({ dtype, strides: [], offset: 0 }));
  return canEmit({ inputs, steps: [found.step] });
}
