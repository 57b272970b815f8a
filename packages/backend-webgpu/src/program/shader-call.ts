// The instructions of a program on this backend: every one is a dispatch.
import type { BufferId, KernelCall, PlannedBuffer } from "@convoke/core/planning";
import type { Shader } from "../wgsl/shader.js";

export interface ShaderCall extends KernelCall {
  readonly operands: readonly { readonly buffer: BufferId }[];
  readonly shader: Shader;
  /** Whether the shader has a word for errors, bound after its buffers. */
  readonly reportsErrors: boolean;
}

/** What is left of a plan when its loops are shaders too. */
export interface DevicePlan {
  readonly instructions: readonly ShaderCall[];
  readonly buffers: readonly PlannedBuffer[];
}

export function shaderCall(
  { shader, buffers }: { shader: Shader; buffers: readonly BufferId[] },
  reportsErrors = false,
): ShaderCall {
  return { kind: "kernel", operands: buffers.map((buffer) => ({ buffer })), shader, reportsErrors };
}
