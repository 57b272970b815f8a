// The plan builder, with kernels that are shaders.
import type { DType, Graph, GraphNode } from "@convoke/core";
import { PlanBuilder, strided, type BufferId, type Layout } from "@convoke/core/planning";
import type { HostFormat } from "../device/host-format.js";
import type { ProductTraits } from "../kernels/product-kernels.js";
import type { Shader } from "../wgsl/shader.js";
import { shaderCall, type ShaderCall } from "./shader-call.js";

export class ProgramBuilder extends PlanBuilder<ShaderCall> {
  /** What the kernels depend on; where the device runs in software invocations should not wait for each other. */
  readonly traits: ProductTraits;

  constructor(
    graph: Graph,
    options: { rectified: ReadonlySet<GraphNode>; traits: ProductTraits; format: HostFormat },
  ) {
    super(graph, { rectified: options.rectified, bytesOf: options.format.bytesOf });
    this.traits = options.traits;
  }

  /** Adds a shader. */
  dispatch(parts: { shader: Shader; buffers: readonly BufferId[] }): void {
    this.call(shaderCall(parts));
  }

  /** Copies the elements of a layout as elements of another type. */
  convert({ from, to }: { from: Layout; to: Layout }, types: { from: DType; to: DType }): void {
    this.loop({
      shape: to.shape,
      inputs: [strided(from, types.from)],
      steps: [{ op: "cast", arguments: [0], dtype: types.to }],
      outputs: [{ ...strided(to, types.to), value: 1 }],
    });
  }

  /** Adds a shader that may find an index out of range. */
  dispatchChecked(parts: { shader: Shader; buffers: readonly BufferId[] }): void {
    this.call(shaderCall(parts, true));
  }
}
