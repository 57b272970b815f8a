// The CPU backend: WebAssembly SIMD and threads.
import {
  BackendError,
  byteLength,
  ConvokeError,
  OutOfMemoryError,
  specOf,
  type Backend,
  type DeviceBuffer,
  type Graph,
  type MemoryInfo,
  type Program,
  type TensorSpec,
  type TypedArray,
} from "@convoke/core";
import { formatShape, shapeSize } from "@convoke/shape";
import { supports } from "./kernels/supports.js";
import { indexOps } from "./kernels/indexing.js";
import { CONTROL_WORDS, ERROR_WORD, type LinearMemory } from "./memory/linear-memory.js";
import { compileGraph } from "./program/compile-graph.js";
import { LoadedProgram, LoopNumbers } from "./program/loaded-program.js";
import type { Crew } from "./runtime/crew.js";

class CpuBuffer implements DeviceBuffer {
  readonly spec: TensorSpec;
  /** Where the value lies; a run that replaces state puts another address here. */
  address: number;
  isFreed = false;

  constructor(spec: TensorSpec, address: number) {
    this.spec = spec;
    this.address = address;
  }

  get bytes(): number {
    return byteLength(this.spec.dtype, shapeSize(this.spec.shape));
  }
}

/** Of `multiplyAddPeak`, whose rounds have ten multiply-adds of four lanes. */
const PEAK_OPERATIONS = 10 * 4 * 2;
const PEAK_ROUNDS = 10_000_000;

export interface Machine {
  readonly memory: LinearMemory;
  readonly crew: Crew;
  readonly kernelNames: readonly string[];
  readonly fused: boolean;
  readonly maxMemory: number;
}

/** The backend on a machine that is ready. */
export class CpuBackend implements Backend {
  readonly name = "cpu";
  readonly #machine: Machine;
  readonly #numbers: LoopNumbers;
  #bytes = 0;
  #buffers = 0;
  #isDisposed = false;
  /** Runs stand in line. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#numbers = new LoopNumbers(machine.kernelNames.length);
  }

  readonly supports = supports;

  /** How many threads a run uses. */
  get threads(): number {
    return this.#machine.crew.threads;
  }

  /** Whether kernels use fused multiply-add. */
  get fused(): boolean {
    return this.#machine.fused;
  }

  /**
   * The limit of this machine, in GFLOP/s (a multiply-add counts as two): chains of multiply-adds at the SIMD level in
   * use, that wait neither for memory nor for each other, on all threads at once. Takes some 20 ms, in line with runs.
   *
   * @example
   * ```ts
   * import { cpu } from "@convoke/backend-cpu";
   *
   * const backend = await cpu();
   * console.log((await backend.measurePeak()) > 0); // true
   * ```
   */
  measurePeak(): Promise<number> {
    return this.#inLine(async () => {
      this.#assertUsable();
      const { memory, crew, kernelNames } = this.#machine;
      const words = [1, kernelNames.indexOf("multiplyAddPeak"), 2, PEAK_ROUNDS];
      const program = this.#address(4 * (words.length + 1 + crew.threads), "a measurement");
      try {
        memory.words(program, words.length + 1).set([...words, program + 4 * (words.length + 1)]);
        memory.words(CONTROL_WORDS, 4).fill(0);
        const start = performance.now();
        await crew.run(program);
        const seconds = (performance.now() - start) / 1000;
        return (PEAK_ROUNDS * PEAK_OPERATIONS * crew.threads) / seconds / 1e9;
      } finally {
        if (!this.#isDisposed) memory.heap.free(program);
      }
    });
  }

  async compile(graph: Graph): Promise<Program> {
    this.#assertUsable();
    const { memory, crew, kernelNames, fused } = this.#machine;
    const program = await LoadedProgram.load(compileGraph(graph, crew.threads), {
      memory,
      crew,
      numbers: this.#numbers,
      kernelNames,
      fused,
    });
    let isDisposed = false;
    return {
      run: (inputs, state) => this.#inLine(() => this.#run(program, graph, { inputs, state })),
      dispose: () => {
        if (isDisposed) return;
        isDisposed = true;
        // A run that is under way still needs it.
        void this.#inLine(() => {
          if (!this.#isDisposed) program.dispose();
          return Promise.resolve();
        });
      },
    };
  }

  upload(data: TypedArray, spec: TensorSpec): DeviceBuffer {
    this.#assertUsable();
    const buffer = this.#allocate(spec);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#machine.memory.bytes(buffer.address, bytes.length).set(bytes);
    return buffer;
  }

  download(buffer: DeviceBuffer): Promise<TypedArray> {
    return this.#inLine(() => {
      const { address, bytes, spec } = this.#own(buffer);
      // Copied out of the shared memory: what the caller gets is its own.
      const copy = this.#machine.memory.bytes(address, bytes).slice();
      return Promise.resolve(typedArrays[spec.dtype](copy.buffer));
    });
  }

  peek(buffer: DeviceBuffer): TypedArray {
    const { address, bytes, spec } = this.#own(buffer);
    return typedArrays[spec.dtype](this.#machine.memory.bytes(address, bytes).slice().buffer);
  }

  free(buffer: DeviceBuffer): void {
    if (!(buffer instanceof CpuBuffer) || buffer.isFreed || this.#isDisposed) return;
    buffer.isFreed = true;
    this.#bytes -= buffer.bytes;
    this.#buffers--;
    // A run that is under way may still read it.
    void this.#inLine(() => {
      if (!this.#isDisposed) this.#machine.memory.heap.free(buffer.address);
      return Promise.resolve();
    });
  }

  memory(): MemoryInfo {
    const { maxMemory } = this.#machine;
    return { bytes: this.#bytes, buffers: this.#buffers, highWater: maxMemory / 4, limit: maxMemory };
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#bytes = 0;
    this.#buffers = 0;
    await this.#machine.crew.dispose();
  }

  async #run(
    program: LoadedProgram,
    graph: Graph,
    given: { inputs: readonly DeviceBuffer[]; state: readonly DeviceBuffer[] },
  ): Promise<DeviceBuffer[]> {
    this.#assertUsable();
    const { memory, crew } = this.#machine;
    const inputs = given.inputs.map((buffer) => this.#own(buffer));
    const state = given.state.map((buffer) => this.#own(buffer));
    const { heap } = memory;
    const made: CpuBuffer[] = [];
    const updates: number[] = [];
    const arena = this.#address(program.arena.bytes, "the arena of a program");
    try {
      for (const value of graph.outputs) made.push(this.#allocate(specOf(value)));
      for (const buffer of state)
        updates.push(this.#address(buffer.bytes, `the state ${formatShape(buffer.spec.shape)}`));
      const { buffers } = program.plan;
      program.prepare(arena, (number) => {
        const { role } = buffers[number]!;
        switch (role.kind) {
          case "input":
            return inputs[role.index]!.address;
          case "state":
            return state[role.index]!.address;
          case "output":
            return made[role.index]!.address;
          case "update":
            return updates[role.index]!;
          default:
            throw new Error(`cpu: a buffer of role ${role.kind} has its address already`);
        }
      });
      memory.words(ERROR_WORD, 1)[0] = 0;
      // A run that a worker's death cut short has left the others half-way to their meeting.
      memory.words(CONTROL_WORDS, 4).fill(0);
      await crew.run(program.address);
      this.#assertNoIndexError();
      // Everything has succeeded: now the new state takes the place of the old.
      state.forEach((buffer, i) => {
        const old = buffer.address;
        buffer.address = updates[i]!;
        updates[i] = old;
      });
      return made;
    } catch (error) {
      for (const buffer of made) this.free(buffer);
      throw error;
    } finally {
      if (!this.#isDisposed) {
        for (const address of updates) heap.free(address);
        heap.free(arena);
      }
    }
  }

  #assertNoIndexError(): void {
    const { memory } = this.#machine;
    const code = memory.words(ERROR_WORD, 1)[0];
    if (code === 0) return;
    throw new ConvokeError({
      operation: indexOps[code! - 1] ?? "indexing",
      problem: "an index is out of range of the axis that it looks up.",
      wayOut: "Indices run from 0 to the size of the axis − 1; negative ones count from the end.",
    });
  }

  #inLine<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(job, job);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  #allocate(spec: TensorSpec): CpuBuffer {
    const address = this.#address(
      byteLength(spec.dtype, shapeSize(spec.shape)),
      `a tensor ${formatShape(spec.shape)}`,
    );
    const buffer = new CpuBuffer(spec, address);
    this.#bytes += buffer.bytes;
    this.#buffers++;
    return buffer;
  }

  #address(bytes: number, what: string): number {
    const address = this.#machine.memory.heap.allocate(bytes);
    if (address !== undefined) return address;
    const megabytes = (count: number): string => `${(count / 2 ** 20).toFixed(1)} MB`;
    throw new OutOfMemoryError({
      operation: 'backend "cpu"',
      problem: `${what} needs ${megabytes(bytes)}; ${megabytes(this.#bytes)} of at most ${megabytes(this.#machine.maxMemory)} are in live tensors.`,
      wayOut:
        "Use smaller batches, drop handles that are no longer needed, or raise maxMemory in cpu({ maxMemory }).",
    });
  }

  #own(buffer: DeviceBuffer): CpuBuffer {
    this.#assertUsable();
    if (buffer instanceof CpuBuffer && !buffer.isFreed) return buffer;
    throw new BackendError({
      operation: 'backend "cpu"',
      problem:
        buffer instanceof CpuBuffer
          ? "a tensor that was disposed is used."
          : "got a buffer of another backend.",
      wayOut: "Use a tensor only before dispose(), and on the backend that made it.",
    });
  }

  #assertUsable(): void {
    if (!this.#isDisposed) return;
    throw new BackendError({
      operation: 'backend "cpu"',
      problem: "it was disposed.",
      wayOut: "Create a new one with await cpu(), and pass it to useBackend().",
    });
  }
}

const typedArrays: { readonly [D in TensorSpec["dtype"]]: (buffer: ArrayBuffer) => TypedArray } = {
  float32: (buffer) => new Float32Array(buffer),
  float64: (buffer) => new Float64Array(buffer),
  int64: (buffer) => new BigInt64Array(buffer),
  int32: (buffer) => new Int32Array(buffer),
  uint32: (buffer) => new Uint32Array(buffer),
  int8: (buffer) => new Int8Array(buffer),
  uint8: (buffer) => new Uint8Array(buffer),
  bool: (buffer) => new Uint8Array(buffer),
};
