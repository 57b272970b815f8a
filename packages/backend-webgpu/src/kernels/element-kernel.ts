// Kernels with one invocation for each of so many items: elements, windows, lines.
import type { BufferId } from "@convoke/core/planning";
import { LANES } from "../wgsl/element-loops.js";
import { grid, type Shader, type ShaderText } from "../wgsl/shader.js";

/** A shader whose `body` runs once for each `item` (i32) below `count`. */
export function itemShader(
  text: ShaderText,
  { count, body, errors }: { count: number; body: readonly string[]; errors?: string },
): { shader: Shader; buffers: readonly BufferId[] } {
  const workgroups = grid(Math.ceil(count / LANES));
  const lines = [
    `let item = i32(flatWorkgroup * ${LANES}u + lane);`,
    `if (item >= ${count}) { return; }`,
    ...body,
  ];
  const shader = text.finish({ body: lines.join("\n"), lanes: LANES, workgroups, errors });
  return { shader, buffers: text.buffers };
}
