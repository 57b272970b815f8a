// Values of nodes on the host, by the definitions of their ops.
import { allocate, roundAllToFloat16, type GraphNode, type HostArray, type Primitive } from "@convoke/core";

/** What a primitive gives for known inputs, rounded as the reference backend rounds it. */
export function referenceValues(
  op: Primitive,
  { attributes, outputs }: GraphNode,
  inputs: readonly HostArray[],
): readonly HostArray[] {
  const results = outputs.map((spec) => {
    const size = spec.shape.reduce((product, n) => product * n, 1);
    return { ...spec, data: allocate(spec.dtype, size) };
  });
  op.reference(inputs, results, attributes);
  for (const { dtype, data } of results)
    if (dtype === "float16" && data instanceof Float32Array) roundAllToFloat16(data);
  return results;
}
