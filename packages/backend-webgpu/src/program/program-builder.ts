// The plan builder, with kernels that are shaders.
import type { Graph, GraphNode } from "@convoke/core";
import { PlanBuilder, type BufferId } from "@convoke/core/planning";
import { ELEMENT_BYTES } from "../device/host-format.js";
import type { Shader } from "../wgsl/shader.js";
import { shaderCall, type ShaderCall } from "./shader-call.js";

export class ProgramBuilder extends PlanBuilder<ShaderCall> {
  /** Whether the device runs in software: then invocations should not wait for each other. */
  readonly isSoftware: boolean;

  constructor(graph: Graph, options: { rectified: ReadonlySet<GraphNode>; isSoftware: boolean }) {
    super(graph, { rectified: options.rectified, bytesOf: () => ELEMENT_BYTES });
    this.isSoftware = options.isSoftware;
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
