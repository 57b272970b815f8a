// What depends on constants alone is computed when the file is written: a scale of ones is one constant, not an Expand.
import { allocate, type GraphNode, type HostArray } from "@convoke/core";

/** More elements than this are better computed than stored. */
const LIMIT = 2 ** 16;

/** The values of a node's outputs, where its inputs are known and the results are small. */
export function foldedValues(
  { op, attributes, outputs }: GraphNode,
  inputs: readonly (HostArray | undefined)[],
): readonly HostArray[] | undefined {
  if (op.kind !== "primitive") return undefined;
  const known = inputs.filter((input) => input !== undefined);
  const sizes = outputs.map(({ shape }) => shape.reduce((product, n) => product * n, 1));
  if (known.length < inputs.length || Math.max(...sizes) > LIMIT) return undefined;
  const results = outputs.map((spec, i) => ({ ...spec, data: allocate(spec.dtype, sizes[i]!) }));
  op.reference(known, results, attributes);
  return results;
}
