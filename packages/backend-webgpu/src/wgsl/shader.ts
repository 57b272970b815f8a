// A compute shader as a whole: its buffers, the functions that it uses, and how many workgroups run.
import type { DType } from "@convoke/core";
import type { BufferId } from "@convoke/core/planning";
import { float16Prelude, loaded, rounded, storageType, stored } from "./element-types.js";
import { shaderFunctions } from "./functions.js";

/** A buffer that a shader reads or writes. */
export interface Binding {
  readonly buffer: BufferId;
  readonly dtype: DType;
}

/** How a shader declares a buffer. */
export interface Declaration {
  readonly name: string;
  readonly type: string;
  readonly isWritten: boolean;
}

export interface Shader {
  /** Its buffers, in the order of their bindings. */
  readonly declarations: readonly Declaration[];
  /** Everything but the declarations of its buffers. */
  readonly text: string;
  readonly workgroups: readonly [number, number, number];
  /** Whether its invocations exchange values within subgroups, which a shader has to announce. */
  readonly usesSubgroups?: boolean;
}

/**
 * The whole code of a shader. A buffer of the device is either read or written in a dispatch: bindings that share one
 * with a binding that is written are declared as written, too.
 */
export function codeOf(
  { declarations, text, usesSubgroups = false }: Shader,
  { hasFloat16, sharesWritten }: CodeOptions,
): string {
  const lines = declarations.map(({ name, type, isWritten }, i) => {
    const access = isWritten || sharesWritten(i) ? "read_write" : "read";
    return `@group(0) @binding(${i}) var<storage, ${access}> ${name}: ${type};`;
  });
  const code = [...lines, text].join("\n");
  const directive = usesSubgroups ? "enable subgroups;\n" : "";
  return (
    directive + (/\bfloat16\b|[a-z]Float16\(/.test(code) ? `${float16Prelude(hasFloat16)}\n` : "") + code
  );
}

export interface CodeOptions {
  /** Whether the device has half-precision numbers of its own. */
  readonly hasFloat16: boolean;
  /** Whether the buffer of a binding is written by another one. */
  readonly sharesWritten: (binding: number) => boolean;
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

/** Where the text of a loop reads and writes: a shader of its own, or a part of one. */
export interface LoopText {
  /** Notes that a function of the library is used. */
  readonly use: (name: string) => void;
  /** The value of an element, as an expression. */
  load(buffer: BufferId, dtype: DType, place: string): string;
  /** The statement that stores a value, which the type of the element has. */
  store(buffer: BufferId, dtype: DType, target: { place: string; value: string }): string;
}

/** Collects what the text of a shader needs while it is written. */
export class ShaderText implements LoopText {
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

  /** Gives the values of a buffer that is read, by their place. */
  source(buffer: BufferId, dtype: DType): (place: string) => string {
    const name = this.reads(buffer, dtype);
    return (place) => loaded(dtype, `${name}[${place}]`);
  }

  /** Gives the statements that store values in a buffer, by their place. */
  target(buffer: BufferId, dtype: DType): (place: string, value: string) => string {
    const name = this.writes(buffer, dtype);
    return (place, value) => `${name}[${place}] = ${stored(dtype, rounded(dtype, value))};`;
  }

  load(buffer: BufferId, dtype: DType, place: string): string {
    return loaded(dtype, `${this.reads(buffer, dtype)}[${place}]`);
  }

  store(buffer: BufferId, dtype: DType, { place, value }: { place: string; value: string }): string {
    return `${this.writes(buffer, dtype)}[${place}] = ${stored(dtype, value)};`;
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
    const declarations = [
      ...this.#inputs.map(({ dtype }, i) => declaration(`in${i}`, dtype, false)),
      ...this.#outputs.map(({ dtype }, i) => declaration(`out${i}`, dtype, true)),
      ...(errors === undefined ? [] : [{ name: errors, type: "atomic<u32>", isWritten: true }]),
    ];
    const text = entryText({ functions: this.#functions, extra, lanes, body });
    return { declarations, text, workgroups };
  }
}

function declaration(name: string, dtype: DType, isWritten: boolean): Declaration {
  return { name, type: `array<${storageType(dtype)}>`, isWritten };
}

/** Everything of a shader but its buffers. */
export function entryText(parts: {
  functions: ReadonlySet<string>;
  extra: string;
  lanes: number;
  body: string;
}): string {
  const lines = [
    shaderFunctions(parts.functions),
    parts.extra,
    `@compute @workgroup_size(${parts.lanes})`,
    "fn main(",
    "@builtin(workgroup_id) workgroup: vec3u,",
    "@builtin(num_workgroups) workgroups: vec3u,",
    "@builtin(local_invocation_index) lane: u32,",
    ") {",
    // How the grid is folded is up to whoever dispatches.
    "let flatWorkgroup = workgroup.x + workgroups.x * (workgroup.y + workgroups.y * workgroup.z);",
    parts.body,
    "}",
  ];
  return lines.filter((line) => line !== "").join("\n");
}
