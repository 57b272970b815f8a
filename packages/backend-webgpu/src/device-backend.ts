// The WebGPU backend: one command buffer for each run of a program.
import {
  BackendError,
  collectDropped,
  ConvokeError,
  disposedBackendError,
  foreignBufferError,
  OutOfMemoryError,
  specOf,
  UnsupportedOpError,
  type DeviceBuffer,
  type DType,
  type Graph,
  type MemoryInfo,
  type Program,
  type TensorSpec,
  type TypedArray,
} from "@convoke/core";
import { formatShape, shapeSize } from "@convoke/shape";
import type { DeviceCounters, DeviceInfo, WebGpuBackend } from "./webgpu-backend.js";
import { DeviceLostError } from "./device-lost-error.js";
import { BufferPool, pooledSize } from "./device/buffer-pool.js";
import { ELEMENT_BYTES, fromWords, isOnDevice, missingType, toWords } from "./device/host-format.js";
import { Pipelines } from "./device/pipelines.js";
import { indexOps } from "./kernels/indexing.js";
import { supports } from "./kernels/supports.js";
import { compileGraph } from "./program/compile-graph.js";
import { LoadedProgram } from "./program/loaded-program.js";

class WebGpuBuffer implements DeviceBuffer {
  readonly spec: TensorSpec;
  /** Where the value lies; a run that replaces state puts another buffer here. */
  memory: GPUBuffer;
  isFreed = false;

  constructor(spec: TensorSpec, memory: GPUBuffer) {
    this.spec = spec;
    this.memory = memory;
  }
}

export interface OpenDevice {
  /** Kept: a GPU that is collected takes its devices along. */
  readonly gpu: GPU;
  readonly device: GPUDevice;
  readonly info: DeviceInfo;
  readonly maxMemory: number;
}

/** How often a run that finds no room waits for dropped handles to be collected. */
const ATTEMPTS = 8;
/** Runs that may be under way on the device before the next waits. */
const MOST_UNDER_WAY = 3;

const READBACK = { mapRead: 0x01, copyDestination: 0x08 } as const;
const MAP_MODE_READ = 1;

/** The backend on a device that is open. */
export class DeviceBackend implements WebGpuBackend {
  readonly name = "webgpu";
  readonly info: DeviceInfo;
  readonly supports = supports;
  readonly #open: OpenDevice;
  readonly #pool: BufferPool;
  readonly #pipelines: Pipelines;
  readonly #underWay: Promise<unknown>[] = [];
  #bytes = 0;
  #buffers = 0;
  #submissions = 0;
  #dispatches = 0;
  #isDisposed = false;
  /** What went wrong on the device outside any call: it is thrown by the next one. */
  #failure: ConvokeError | undefined;
  /** Runs stand in line. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(open: OpenDevice) {
    this.#open = open;
    this.info = open.info;
    this.#pool = new BufferPool(open.device, Math.floor(open.maxMemory / 2));
    this.#pipelines = new Pipelines(open.device);
    void open.device.lost.then(({ message }) => {
      if (!this.#isDisposed) this.#failure = new DeviceLostError(message);
    });
    open.device.addEventListener("uncapturederror", ({ error }) => {
      this.#failure ??= failureOf(error);
    });
  }

  async compile(graph: Graph): Promise<Program> {
    this.#assertUsable();
    // Leaves are never asked for in `supports`.
    for (const { op, outputs, scope } of graph.nodes)
      for (const { dtype } of outputs) assertOnDevice(op.name, dtype, scope);
    const { device, info } = this.#open;
    const program = await LoadedProgram.load(compileGraph(graph, info), {
      device,
      pool: this.#pool,
      pipelines: this.#pipelines,
    }).catch((error: unknown) => {
      throw this.#named(error);
    });
    let isDisposed = false;
    return {
      run: (inputs, state) => this.#inLine(() => this.#run(program, graph, { inputs, state })),
      dispose: () => {
        if (isDisposed) return;
        isDisposed = true;
        // A run that stands in line still needs it.
        void this.#inLine(() => {
          if (!this.#isDisposed) program.dispose();
          return Promise.resolve();
        });
      },
    };
  }

  upload(data: TypedArray, spec: TensorSpec): DeviceBuffer {
    this.#assertUsable();
    assertOnDevice("tensor", spec.dtype);
    const buffer = this.#allocate(spec);
    const words = toWords(data);
    if (words.length > 0) this.#open.device.queue.writeBuffer(buffer.memory, 0, words);
    return buffer;
  }

  download(buffer: DeviceBuffer): Promise<TypedArray> {
    return this.#inLine(async () => {
      const { memory, spec } = this.#own(buffer);
      return fromWords(spec.dtype, await this.#read(memory, shapeSize(spec.shape) * ELEMENT_BYTES));
    });
  }

  free(buffer: DeviceBuffer): void {
    if (!(buffer instanceof WebGpuBuffer) || buffer.isFreed || this.#isDisposed) return;
    buffer.isFreed = true;
    this.#bytes -= buffer.memory.size;
    this.#buffers--;
    this.#pool.giveBack(buffer.memory);
  }

  memory(): MemoryInfo {
    const { maxMemory: limit } = this.#open;
    return { bytes: this.#bytes, buffers: this.#buffers, highWater: Math.floor(limit / 4), limit };
  }

  counters(): DeviceCounters {
    return {
      pipelines: this.#pipelines.count,
      submissions: this.#submissions,
      dispatches: this.#dispatches,
      deviceBytes: this.#pool.bytes,
    };
  }

  dispose(): Promise<void> {
    if (this.#isDisposed) return Promise.resolve();
    this.#isDisposed = true;
    this.#bytes = 0;
    this.#buffers = 0;
    this.#pool.dispose();
    this.#open.device.destroy();
    return Promise.resolve();
  }

  async #run(
    program: LoadedProgram,
    graph: Graph,
    given: { inputs: readonly DeviceBuffer[]; state: readonly DeviceBuffer[] },
  ): Promise<DeviceBuffer[]> {
    this.#assertUsable();
    // Own first: a handle that was freed meanwhile is refused.
    const inputs = given.inputs.map((buffer) => this.#own(buffer).memory);
    const state = given.state.map((buffer) => this.#own(buffer));
    const specs = graph.outputs.map(specOf);
    await this.#makeRoom(specs);
    const outputs = specs.map((spec) => this.#allocate(spec));
    const updates = state.map(({ memory }) => this.#pool.take(memory.size));
    try {
      this.#submit(program, {
        inputs,
        state: state.map(({ memory }) => memory),
        outputs: outputs.map(({ memory }) => memory),
        updates,
      });
      if (program.errors !== undefined) assertNoIndexError(await this.#read(program.errors, 4));
      await this.#letCatchUp();
      this.#assertUsable();
    } catch (error) {
      for (const buffer of outputs) this.free(buffer);
      if (!this.#isDisposed) for (const memory of updates) this.#pool.giveBack(memory);
      throw error;
    }
    // Everything has succeeded: now the new state takes the place of the old.
    state.forEach((buffer, i) => {
      const old = buffer.memory;
      buffer.memory = updates[i]!;
      this.#pool.giveBack(buffer.isFreed ? updates[i]! : old);
    });
    return outputs;
  }

  #submit(
    program: LoadedProgram,
    buffers: {
      inputs: readonly GPUBuffer[];
      state: readonly GPUBuffer[];
      outputs: readonly GPUBuffer[];
      updates: readonly GPUBuffer[];
    },
  ): void {
    const { device } = this.#open;
    for (const bytes of program.slots) this.#assertFits(bytes, "a value inside a program");
    const arena = program.slots.map((bytes) => this.#pool.take(bytes));
    const encoder = device.createCommandEncoder();
    program.encode(encoder, { ...buffers, arena });
    device.queue.submit([encoder.finish()]);
    this.#submissions++;
    this.#dispatches += program.dispatches;
    // Whoever takes them next runs after this.
    for (const memory of arena) this.#pool.giveBack(memory);
  }

  /** Waits until few runs are under way: what they hold would grow without end. */
  async #letCatchUp(): Promise<void> {
    // A device that is lost settles it as well; then the next use says so.
    this.#underWay.push(this.#open.device.queue.onSubmittedWorkDone().catch(() => undefined));
    if (this.#underWay.length > MOST_UNDER_WAY) await this.#underWay.shift();
  }

  async #read(memory: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
    if (bytes === 0) return new ArrayBuffer(0);
    const { device } = this.#open;
    const staging = device.createBuffer({
      size: bytes,
      usage: READBACK.mapRead | READBACK.copyDestination,
    });
    try {
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(memory, 0, staging, 0, bytes);
      device.queue.submit([encoder.finish()]);
      this.#submissions++;
      await staging.mapAsync(MAP_MODE_READ);
      const copy = staging.getMappedRange().slice(0);
      this.#assertUsable();
      return copy;
    } catch (error) {
      throw this.#named(error);
    } finally {
      staging.destroy();
    }
  }

  /** The error that an implementation's error stands for. */
  #named(error: unknown): unknown {
    if (error instanceof ConvokeError) return error;
    try {
      this.#assertUsable();
    } catch (known) {
      return known;
    }
    return error;
  }

  /** Where there is no room, handles that were dropped get some time to be collected. */
  async #makeRoom(specs: readonly TensorSpec[]): Promise<void> {
    const needed = specs.reduce((sum, { shape }) => sum + pooledSize(shapeSize(shape) * ELEMENT_BYTES), 0);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (this.#bytes + needed <= this.#open.maxMemory) return;
      await collectDropped();
      this.#assertUsable();
    }
  }

  #allocate(spec: TensorSpec): WebGpuBuffer {
    const what = `a tensor ${formatShape(spec.shape)}`;
    const bytes = shapeSize(spec.shape) * ELEMENT_BYTES;
    this.#assertFits(bytes, what);
    if (this.#bytes + pooledSize(bytes) > this.#open.maxMemory) {
      throw new OutOfMemoryError({
        operation: 'backend "webgpu"',
        problem: `${what} needs ${megabytes(bytes)}; ${megabytes(this.#bytes)} of at most ${megabytes(this.#open.maxMemory)} are in live tensors.`,
        wayOut:
          "Use smaller batches, drop handles that are no longer needed, or raise maxMemory in webgpu({ maxMemory }).",
      });
    }
    const buffer = new WebGpuBuffer(spec, this.#pool.take(bytes));
    this.#bytes += buffer.memory.size;
    this.#buffers++;
    return buffer;
  }

  #assertFits(bytes: number, what: string): void {
    const { maxTensorBytes } = this.#open.info;
    if (pooledSize(bytes) <= maxTensorBytes) return;
    throw new OutOfMemoryError({
      operation: 'backend "webgpu"',
      problem: `${what} needs ${megabytes(bytes)}, but a buffer of this adapter holds at most ${megabytes(maxTensorBytes)}.`,
      wayOut: "Use smaller batches, or the cpu backend.",
    });
  }

  #inLine<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(job, job);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  #own(buffer: DeviceBuffer): WebGpuBuffer {
    this.#assertUsable();
    if (buffer instanceof WebGpuBuffer && !buffer.isFreed) return buffer;
    throw foreignBufferError("webgpu", buffer instanceof WebGpuBuffer);
  }

  #assertUsable(): void {
    if (this.#isDisposed) throw disposedBackendError("webgpu", "await webgpu()");
    if (this.#failure !== undefined) throw this.#failure;
  }
}

function assertOnDevice(op: string, dtype: DType, scope = ""): void {
  if (isOnDevice(dtype)) return;
  throw new UnsupportedOpError({
    op,
    scope,
    backend: "webgpu",
    reason: missingType(dtype),
    wayOut: `Cast it to ${dtype === "int64" ? "int32" : "float32"} before, or run it on another backend.`,
  });
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}

/** What the implementation reports of itself, not of a call: no memory, or a defect of this backend. */
function failureOf(error: GPUError): ConvokeError {
  const text = error.message.split("\n")[0] ?? "";
  if (error.constructor.name === "GPUOutOfMemoryError") {
    return new OutOfMemoryError({
      operation: 'backend "webgpu"',
      problem: `the device has no memory left: ${text}.`,
      wayOut: "Use smaller batches, and give webgpu({ maxMemory }) what the device really has.",
    });
  }
  return new BackendError({
    operation: 'backend "webgpu"',
    problem: `the device refused a command: ${text}.`,
    wayOut:
      "This is a defect of Convoke or of the driver: please report it. The cpu backend computes the same.",
  });
}

function assertNoIndexError(words: ArrayBuffer): void {
  const [code = 0] = new Uint32Array(words);
  if (code === 0) return;
  throw new ConvokeError({
    operation: indexOps[code - 1] ?? "indexing",
    problem: "an index is out of range of the axis that it looks up.",
    wayOut: "Indices run from 0 to the size of the axis − 1; negative ones count from the end.",
  });
}
