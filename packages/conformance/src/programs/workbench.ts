// Buffers and programs of one test, all given back at its end.
import type { Backend, DeviceBuffer, Program, TypedArray } from "@convoke/core";
import type { Shape } from "@convoke/shape";
import { expectThat } from "../failure.js";
import { compileParts, type ProgramParts } from "../run-graph.js";

export class Workbench {
  readonly backend: Backend;
  readonly #buffers = new Set<DeviceBuffer>();
  readonly #programs: Program[] = [];

  constructor(backend: Backend) {
    this.backend = backend;
  }

  /** float32 numbers on the device. */
  put(values: readonly number[], shape: Shape = [values.length]): DeviceBuffer {
    return this.keep(this.backend.upload(Float32Array.from(values), { shape, dtype: "float32" }));
  }

  keep(buffer: DeviceBuffer): DeviceBuffer {
    this.#buffers.add(buffer);
    return buffer;
  }

  async compile(parts: ProgramParts): Promise<Program> {
    const program = await compileParts(this.backend, parts);
    this.#programs.push(program);
    return program;
  }

  async run(
    program: Program,
    inputs: readonly DeviceBuffer[] = [],
    state: readonly DeviceBuffer[] = [],
  ): Promise<DeviceBuffer[]> {
    const outputs = await program.run(inputs, state);
    for (const output of outputs) {
      expectThat(
        !this.#buffers.has(output),
        "A run gives a buffer that was in use before: every output is a fresh one.",
      );
      this.#buffers.add(output);
    }
    return outputs;
  }

  read(buffer: DeviceBuffer): Promise<TypedArray> {
    return this.backend.download(buffer);
  }

  free(buffer: DeviceBuffer): void {
    this.#buffers.delete(buffer);
    this.backend.free(buffer);
  }

  /** Throws unless the buffer holds exactly these numbers. */
  async expectValues(what: string, buffer: DeviceBuffer, values: readonly number[]): Promise<void> {
    const got = [...(await this.read(buffer))].map(Number);
    const isEqual = got.length === values.length && got.every((value, i) => value === values[i]);
    expectThat(isEqual, `${what}: got [${got.join(", ")}], it must be [${values.join(", ")}].`);
  }

  finish(): void {
    for (const program of this.#programs.splice(0)) program.dispose();
    for (const buffer of this.#buffers) this.backend.free(buffer);
    this.#buffers.clear();
  }
}

/** Runs `act` with a workbench, and clears it away. */
export async function atWorkbench(backend: Backend, act: (bench: Workbench) => Promise<void>): Promise<void> {
  const bench = new Workbench(backend);
  try {
    await act(bench);
  } finally {
    bench.finish();
  }
}
