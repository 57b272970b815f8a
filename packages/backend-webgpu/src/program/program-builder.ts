// The plan builder, with kernels that are shaders.
import type { Graph, GraphNode } from "@convoke/core";
import { PlanBuilder, type BufferId } from "@convoke/core/planning";
import { ELEMENT_BYTES } from "../device/host-format.js";
import type { ProductTraits } from "../kernels/product-kernels.js";
import type { Shader } from "../wgsl/shader.js";
import { shaderCall, type ShaderCall } from "./shader-call.js";

export class ProgramBuilder extends PlanBuilder<ShaderCall> {
  /** What the kernels depend on; where the device runs in software invocations should not wait for each other. */
  readonly traits: ProductTraits;

  constructor(graph: Graph, options: { rectified: ReadonlySet<GraphNode>; traits: ProductTraits }) {
    super(graph, { rectified: options.rectified, bytesOf: () => ELEMENT_BYTES });
    this.traits = options.traits;
  }

  /** Adds a shader. */
  dispatch(parts: { shader: Shader; buffers: readonly BufferId[] }): void {
    this.call(shaderCall(parts));
  }

  /** Adds a shader that may find an index out of range. */
  dispatchChecked(parts: { shader: Shader; buffers: readonly BufferId[] }): void {
    this.call(shaderCall(parts, true));
  }
}
