// Every lowering, once: the families under the names that they have in core.
import { isOpName, opTable, type GraphNode } from "@convoke/core";
import { activationLowerings } from "./activation.js";
import { compareLowerings } from "./compare.js";
import { convolutionLowerings } from "./convolution.js";
import { elementwiseLowerings } from "./elementwise.js";
import { identityLowerings } from "./identity.js";
import { indexingLowerings } from "./indexing.js";
import type { CompositeLowering, LoweringTable, PrimitiveLowering } from "./lowering.js";
import { matmulLowerings } from "./matmul.js";
import { movementLowerings } from "./movement.js";
import { normalizationLowerings } from "./normalization.js";
import { poolingLowerings } from "./pooling.js";
import { randomLowerings } from "./random.js";
import { reduceLowerings } from "./reduce.js";
import { resizeLowerings } from "./resize.js";
import { scanLowerings } from "./scan.js";
import { sortLowerings } from "./sort.js";

export const lowerings: LoweringTable = {
  ...elementwiseLowerings,
  ...compareLowerings,
  ...identityLowerings,
  ...reduceLowerings,
  ...movementLowerings,
  ...matmulLowerings,
  ...convolutionLowerings,
  ...poolingLowerings,
  ...indexingLowerings,
  ...scanLowerings,
  ...sortLowerings,
  ...randomLowerings,
  ...activationLowerings,
  ...normalizationLowerings,
  ...resizeLowerings,
};

/** The lowering of a node's op; undefined for an op that is not of core's table. */
export function loweringOf(node: GraphNode): PrimitiveLowering | CompositeLowering | undefined {
  const { name } = node.op;
  return isOpName(name) && opTable[name] === node.op ? lowerings[name] : undefined;
}

/** Whether a composite is written as itself at this opset; else its body is. */
export function isWrittenAsItself(node: GraphNode, opset: number): boolean {
  const lowering = loweringOf(node);
  if (lowering === undefined || lowering === "hostInput") return false;
  if (typeof lowering === "function") return true;
  return opset >= (lowering.since ?? 0) && (lowering.accepts?.(node) ?? true);
}
