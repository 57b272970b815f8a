// The CPU backend: WebAssembly SIMD and threads.
import {
  byteLength,
  collectDropped,
  ConvokeError,
  disposedBackendError,
  foreignBufferError,
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
import { cpuDType, type CpuDType } from "./element-types.js";
import { supports } from "./kernels/supports.js";
import { indexOps } from "./kernels/indexing.js";
import { paddedSize } from "./memory/heap.js";
import { RESERVED, type MachineMemory } from "./memory/machine-memory.js";
import { compileGraph } from "./program/compile-graph.js";
import { LoadedProgram, LoopNumbers } from "./program/loaded-program.js";
import type { Crew } from "./runtime/crew.js";

class CpuBuffer implements DeviceBuffer {
  readonly spec: TensorSpec & { readonly dtype: CpuDType };
  /** Where the value lies; a run that replaces state puts another address here. */
  address: number;
  isFreed = false;
  /** The value, where it came along with the end of its run: of results of one element in a worker's own memory. */
  atHand: Uint8Array<ArrayBuffer> | undefined;

  constructor(spec: CpuBuffer["spec"], address: number) {
    this.spec = spec;
    this.address = address;
  }

  get bytes(): number {
    return byteLength(this.spec.dtype, shapeSize(this.spec.shape));
  }
}

/** What `memory()` of this backend says. All of it is in bytes but `buffers`. */
export interface CpuMemory extends MemoryInfo {
  /** What live tensors take, the padding to whole cache lines included. */
  readonly bytes: number;
  /** What tensors may take: all of `maxMemory` but for what compiled programs take between runs. */
  readonly limit: number;
  /** Instructions and constants of compiled programs. */
  readonly programs: number;
  /** The most that was in use at any one time: tensors, programs, and the arena and new state of a run. */
  readonly peak: number;
  /** How large the WebAssembly memory has grown. It never shrinks. */
  readonly reserved: number;
}

interface Feeds {
  readonly inputs: readonly CpuBuffer[];
  readonly state: readonly CpuBuffer[];
}

/** What a run takes of the memory. */
interface Room {
  readonly arena: number;
  readonly outputs: readonly CpuBuffer[];
  /** Where new state comes; after the run, where the old one was. */
  readonly updates: number[];
}

/** How often a run that finds no room waits for dropped handles to be collected. */
const ATTEMPTS = 8;

/** Of `multiplyAddPeak`, whose rounds have ten multiply-adds of four lanes. */
const PEAK_OPERATIONS = 10 * 4 * 2;
const PEAK_ROUNDS = 10_000_000;

export interface Machine {
  readonly memory: MachineMemory;
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
  #programBytes = 0;
  /** What the run that is under way reads: freed when it ends. */
  #inUse: ReadonlySet<CpuBuffer> = new Set();
  #toFree: CpuBuffer[] = [];
  #isDisposed = false;
  /** Runs stand in line. */
  #tail: Promise<unknown> = Promise.resolve();
  #inLineCount = 0;

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
      const words = [1, kernelNames.indexOf("multiplyAddPeak"), 2, 1, PEAK_ROUNDS];
      const program = this.#address(4 * (words.length + 1 + crew.threads), "a measurement");
      try {
        const operands = Int32Array.of(...words, program + 4 * (words.length + 1));
        memory.write(program, new Uint8Array(operands.buffer));
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
    // Leaves are never asked for in `supports`.
    for (const { op, outputs, scope } of graph.nodes)
      for (const { dtype } of outputs) cpuDType(dtype, { op: op.name, scope });
    const { memory, crew, kernelNames, fused } = this.#machine;
    const program = await LoadedProgram.load(compileGraph(graph, crew.threads), {
      memory,
      crew,
      numbers: this.#numbers,
      kernelNames,
      fused,
    });
    this.#programBytes += program.bytes;
    let isDisposed = false;
    return {
      run: (inputs, state) => this.#inLine(() => this.#run(program, graph, { inputs, state })),
      dispose: () => {
        if (isDisposed) return;
        isDisposed = true;
        // A run that is under way still needs it.
        void this.#inLine(() => {
          if (this.#isDisposed) return Promise.resolve();
          this.#programBytes -= program.bytes;
          program.dispose();
          return Promise.resolve();
        });
      },
    };
  }

  upload(data: TypedArray, spec: TensorSpec): DeviceBuffer {
    this.#assertUsable();
    const buffer = this.#allocate(spec);
    this.#machine.memory.write(buffer.address, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return buffer;
  }

  download(buffer: DeviceBuffer): Promise<TypedArray> {
    return this.#inLine(async () => {
      const { address, bytes, spec } = this.#own(buffer);
      return typedArrays[spec.dtype]((await this.#machine.memory.read(address, bytes)).buffer);
    });
  }

  peek(buffer: DeviceBuffer): TypedArray | undefined {
    const { address, bytes, spec, atHand } = this.#own(buffer);
    const { memory } = this.#machine;
    const copy = memory.peek === undefined ? atHand?.slice() : memory.peek(address, bytes);
    return copy === undefined ? undefined : typedArrays[spec.dtype](copy.buffer);
  }

  free(buffer: DeviceBuffer): void {
    if (!(buffer instanceof CpuBuffer) || buffer.isFreed || this.#isDisposed) return;
    buffer.isFreed = true;
    this.#bytes -= paddedSize(buffer.bytes);
    this.#buffers--;
    if (this.#inUse.has(buffer)) this.#toFree.push(buffer);
    else this.#machine.memory.heap.free(buffer.address);
  }

  /** What is in use; see `CpuMemory`. */
  memory(): CpuMemory {
    const { maxMemory, memory } = this.#machine;
    const limit = maxMemory - RESERVED - this.#programBytes;
    return {
      bytes: this.#bytes,
      buffers: this.#buffers,
      highWater: Math.floor(limit / 4),
      limit,
      programs: this.#programBytes,
      peak: memory.heap.peak,
      reserved: memory.size,
    };
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#bytes = 0;
    this.#buffers = 0;
    this.#programBytes = 0;
    await this.#machine.crew.dispose();
  }

  async #run(
    program: LoadedProgram,
    graph: Graph,
    given: { inputs: readonly DeviceBuffer[]; state: readonly DeviceBuffer[] },
  ): Promise<DeviceBuffer[]> {
    this.#assertUsable();
    const feeds = {
      inputs: given.inputs.map((buffer) => this.#own(buffer)),
      state: given.state.map((buffer) => this.#own(buffer)),
    };
    this.#inUse = new Set([...feeds.inputs, ...feeds.state]);
    try {
      const found = this.#findRoom(program, graph, feeds);
      const room = found instanceof Promise ? await found : found;
      try {
        await this.#runIn(room, program, feeds);
        return [...room.outputs];
      } catch (error) {
        for (const buffer of room.outputs) this.free(buffer);
        throw error;
      } finally {
        this.#giveBack([room.arena, ...room.updates]);
      }
    } finally {
      this.#inUse = new Set();
      this.#giveBack(this.#toFree.splice(0).map(({ address }) => address));
    }
  }

  async #runIn(room: Room, program: LoadedProgram, { inputs, state }: Feeds): Promise<void> {
    const { memory, crew } = this.#machine;
    const { buffers } = program.plan;
    program.prepare(room.arena, (number) => {
      const { role } = buffers[number]!;
      switch (role.kind) {
        case "input":
          return inputs[role.index]!.address;
        case "state":
          return state[role.index]!.address;
        case "output":
          return room.outputs[role.index]!.address;
        case "update":
          return room.updates[role.index]!;
        default:
          throw new Error(`cpu: a buffer of role ${role.kind} has its address already`);
      }
    });
    const running = crew.run(program.address);
    // In a worker's own memory: asked for at once, so that the answers come with the end of the run.
    const small =
      memory.peek === undefined ? room.outputs.filter(({ spec }) => shapeSize(spec.shape) === 1) : [];
    const [code, ...values] = await Promise.all([
      running,
      ...small.map(({ address, bytes }) => memory.read(address, bytes)),
    ]);
    assertNoIndexError(code);
    small.forEach((buffer, i) => (buffer.atHand = values[i]));
    // Everything has succeeded: now the new state takes the place of the old.
    state.forEach((buffer, i) => {
      const old = buffer.address;
      buffer.address = room.updates[i]!;
      buffer.atHand = undefined;
      room.updates[i] = old;
    });
  }

  /** Room for a run. Where there is none, handles that were dropped get some time to be collected. */
  #findRoom(program: LoadedProgram, graph: Graph, feeds: Feeds, attempts = ATTEMPTS): Room | Promise<Room> {
    try {
      return this.#takeRoom(program, graph, feeds);
    } catch (error) {
      if (attempts === 0 || !(error instanceof OutOfMemoryError)) throw error;
    }
    return collectDropped().then(() => {
      this.#assertUsable();
      return this.#findRoom(program, graph, feeds, attempts - 1);
    });
  }

  #takeRoom(program: LoadedProgram, graph: Graph, { state }: Feeds): Room {
    const outputs: CpuBuffer[] = [];
    const pieces: number[] = [];
    try {
      const arena = this.#address(program.arena.bytes, "the arena of a program");
      pieces.push(arena);
      for (const value of graph.outputs) outputs.push(this.#allocate(specOf(value)));
      for (const { bytes, spec } of state)
        pieces.push(this.#address(bytes, `the state ${formatShape(spec.shape)}`));
      return { arena, outputs, updates: pieces.slice(1) };
    } catch (error) {
      for (const buffer of outputs) this.free(buffer);
      this.#giveBack(pieces);
      throw error;
    }
  }

  #giveBack(addresses: readonly number[]): void {
    if (this.#isDisposed) return;
    for (const address of addresses) this.#machine.memory.heap.free(address);
  }

  /** A job after all others; at once where there are none, so that it runs while its caller goes on. */
  #inLine<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#inLineCount === 0 ? job() : this.#tail.then(job, job);
    this.#inLineCount++;
    const leave = (): void => {
      this.#inLineCount--;
    };
    this.#tail = result.then(leave, leave);
    return result;
  }

  #allocate({ shape, dtype: wanted }: TensorSpec): CpuBuffer {
    const dtype = cpuDType(wanted, { op: "tensor" });
    const address = this.#address(byteLength(dtype, shapeSize(shape)), `a tensor ${formatShape(shape)}`);
    const buffer = new CpuBuffer({ shape, dtype }, address);
    this.#bytes += paddedSize(buffer.bytes);
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
    throw foreignBufferError("cpu", buffer instanceof CpuBuffer);
  }

  #assertUsable(): void {
    if (this.#isDisposed) throw disposedBackendError("cpu", "await cpu()");
  }
}

function assertNoIndexError(code: number): void {
  if (code === 0) return;
  throw new ConvokeError({
    operation: indexOps[code - 1] ?? "indexing",
    problem: "an index is out of range of the axis that it looks up.",
    wayOut: "Indices run from 0 to the size of the axis − 1; negative ones count from the end.",
  });
}

const typedArrays: { readonly [D in CpuDType]: (buffer: ArrayBuffer) => TypedArray } = {
  float32: (buffer) => new Float32Array(buffer),
  float64: (buffer) => new Float64Array(buffer),
  int64: (buffer) => new BigInt64Array(buffer),
  int32: (buffer) => new Int32Array(buffer),
  uint32: (buffer) => new Uint32Array(buffer),
  int8: (buffer) => new Int8Array(buffer),
  uint8: (buffer) => new Uint8Array(buffer),
  bool: (buffer) => new Uint8Array(buffer),
};
