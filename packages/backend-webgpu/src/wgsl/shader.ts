// A compute shader as a whole: its buffers, the functions that it uses, and how many workgroups run.
import type { DType } from "@convoke/core";
import type { BufferId } from "@convoke/core/planning";
import { storageType } from "./element-types.js";
import { shaderFunctions } from "./functions.js";

/** A buffer that a shader reads or writes. */
export interface Binding {
  readonly buffer: BufferId;
  readonly dtype: DType;
}

export interface Shader {
  readonly code: string;
  readonly workgroups: readonly [number, number, number];
}

/** Workgroups per dimension that every implementation takes. */
const MOST_WORKGROUPS = 65535;

/** At least so many workgroups as a grid of at most `most` along each axis; `flatWorkgroup` numbers them in the shader. */
export function grid(count: number, most = MOST_WORKGROUPS): [number, number, number] {
  if (count <= most) return [count, 1, 1];
  const layers = Math.ceil(count / most ** 2);
  const rows = Math.ceil(count / (layers * most));
  return [Math.ceil(count / (layers * rows)), rows, layers];
}

/** Collects what the text of a shader needs while it is written. */
export class ShaderText {
  readonly #inputs: Binding[] = [];
  readonly #outputs: Binding[] = [];
  readonly #functions = new Set<string>();

  readonly use = (name: string): void => {
    this.#functions.add(name);
  };

  /** The name of a buffer that is read. */
  reads(buffer: BufferId, dtype: DType): string {
    const known = this.#inputs.findIndex((binding) => binding.buffer === buffer);
    return `in${known >= 0 ? known : this.#inputs.push({ buffer, dtype }) - 1}`;
  }

  /** The name of a buffer that is written. */
  writes(buffer: BufferId, dtype: DType): string {
    const known = this.#outputs.findIndex((binding) => binding.buffer === buffer);
    return `out${known >= 0 ? known : this.#outputs.push({ buffer, dtype }) - 1}`;
  }

  /** The buffers in the order of their bindings. */
  get buffers(): BufferId[] {
    return [...this.#inputs, ...this.#outputs].map(({ buffer }) => buffer);
  }

  /**
   * The whole text. `body` sees `flatWorkgroup`, its number among all, and `lane`, the number of the invocation in it.
   *
   * @param parts.extra declarations of the shader's own: workgroup memory, functions
   * @param parts.errors the name under which one atomic word for errors is bound after all buffers
   */
  finish(parts: {
    body: string;
    lanes: number;
    workgroups: readonly [number, number, number];
    extra?: string | undefined;
    errors?: string | undefined;
  }): Shader {
    const { body, lanes, workgroups, extra = "", errors } = parts;
    const bindings = [
      ...this.#inputs.map(({ dtype }, i) => `var<storage, read> in${i}: array<${storageType(dtype)}>;`),
      ...this.#outputs.map(
        ({ dtype }, i) => `var<storage, read_write> out${i}: array<${storageType(dtype)}>;`,
      ),
      ...(errors === undefined ? [] : [`var<storage, read_write> ${errors}: atomic<u32>;`]),
    ];
    const lines = [
      ...bindings.map((text, i) => `@group(0) @binding(${i}) ${text}`),
      shaderFunctions(this.#functions),
      extra,
      `@compute @workgroup_size(${lanes})`,
      "fn main(",
      "@builtin(workgroup_id) workgroup: vec3u,",
      "@builtin(num_workgroups) workgroups: vec3u,",
      "@builtin(local_invocation_index) lane: u32,",
      ") {",
      // How the grid is folded is up to whoever dispatches.
      "let flatWorkgroup = workgroup.x + workgroups.x * (workgroup.y + workgroups.y * workgroup.z);",
      body,
      "}",
    ];
    return { code: lines.filter((line) => line !== "").join("\n"), workgroups };
  }
}
