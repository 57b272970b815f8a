// What a run copies for the host: values that were read after the run before, and whether an index was out of range.
import { ConvokeError } from "@convoke/core";
import type { Block, Range } from "../device/blocks.js";
import { MOST_COPIED_BYTES, Readback, type Staging } from "../device/staging.js";
import type { WebGpuBuffer } from "../device/webgpu-buffer.js";
import { indexOps } from "../kernels/indexing.js";
import type { LoadedProgram } from "./loaded-program.js";

/** The values of a run. */
export interface RunValues {
  readonly state: readonly WebGpuBuffer[];
  /** Where the new values of state go. */
  readonly updates: readonly Block[];
  readonly outputs: readonly WebGpuBuffer[];
}

/** After the run these are either left to its values or dropped. */
export class HostCopies {
  readonly #program: LoadedProgram;
  readonly #outputs: readonly WebGpuBuffer[];
  readonly #copied: readonly WebGpuBuffer[];
  readonly #readback: Readback | undefined;

  constructor(program: LoadedProgram, { state, updates, outputs }: RunValues, staging: Staging) {
    const copied = [
      ...state.map((buffer, i) => ({ buffer, range: updates[i]!, wasRead: buffer.wasRead })),
      ...outputs.map((buffer, i) => ({ buffer, range: buffer.memory, wasRead: program.readOutputs.has(i) })),
    ].filter(({ range: { bytes }, wasRead }) => wasRead && bytes > 0 && bytes <= MOST_COPIED_BYTES);
    const ranges: Range[] = copied.map(({ range }) => range);
    if (program.errors !== undefined) ranges.push({ buffer: program.errors, offset: 0, bytes: 4 });
    this.#program = program;
    this.#outputs = outputs;
    this.#copied = copied.map(({ buffer }) => buffer);
    this.#readback = ranges.length === 0 ? undefined : new Readback(staging, ranges);
  }

  /** Whether there is nothing to copy. */
  get isEmpty(): boolean {
    return this.#readback === undefined;
  }

  /** Writes the copies into a command buffer, after the run. */
  record(encoder: GPUCommandEncoder): void {
    this.#readback?.record(encoder);
  }

  /** Waits for a run that looks indices up. @throws ConvokeError where one is out of range. */
  async assertNoIndexError(): Promise<void> {
    if (this.#program.errors === undefined) return;
    const [code = 0] = new Uint32Array(await this.#readback!.read(this.#copied.length));
    if (code === 0) return;
    throw new ConvokeError({
      operation: indexOps[code - 1] ?? "indexing",
      problem: "an index is out of range of the axis that it looks up.",
      wayOut: "Indices run from 0 to the size of the axis − 1; negative ones count from the end.",
    });
  }

  /** Leaves the copies to the values, which from now on note when they are read. */
  leave(): void {
    noteReads(this.#outputs, this.#program.readOutputs);
    this.#copied.forEach((buffer, index) => {
      if (buffer.isFreed) this.#readback!.drop();
      else buffer.copy = { readback: this.#readback!, index };
    });
    if (this.#program.errors !== undefined) this.#readback!.drop();
  }

  /** Drops them all: the run has failed. */
  drop(): void {
    for (const _ of this.#copied) this.#readback!.drop();
    if (this.#program.errors !== undefined) this.#readback!.drop();
  }
}

/** From now on the reads of these count in `read`, by number. An output that is kept must not keep its program. */
function noteReads(outputs: readonly WebGpuBuffer[], read: Set<number>): void {
  read.clear();
  for (const [i, buffer] of outputs.entries()) buffer.noteRead = () => void read.add(i);
}
