// What depends on constants alone is computed when the file is written: a scale of ones is one constant, not an Expand.
import type { GraphNode, HostArray } from "@convoke/core";
import { referenceValues } from "../model/reference-values.js";

/** More elements than this are better computed than stored. */
const LIMIT = 2 ** 16;

/** The values of a node's outputs, where its inputs are known and the results are small. */
export function foldedValues(
  node: GraphNode,
  inputs: readonly (HostArray | undefined)[],
): readonly HostArray[] | undefined {
  const { op, outputs } = node;
  if (op.kind !== "primitive") return undefined;
  const known = inputs.filter((input) => input !== undefined);
  const sizes = outputs.map(({ shape }) => shape.reduce((product, n) => product * n, 1));
  if (known.length < inputs.length || Math.max(...sizes) > LIMIT) return undefined;
  return referenceValues(op, node, known);
}
