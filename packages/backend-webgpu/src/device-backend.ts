// The WebGPU backend: one command buffer for each run of a program.
import {
  BackendUnavailableError,
  collectDropped,
  ConvokeError,
  describeOperation,
  foreignBufferError,
  specOf,
  UnsupportedOpError,
  type DeviceBuffer,
  type DType,
  type Graph,
  type GraphNode,
  type MemoryInfo,
  type Program,
  type TensorSpec,
  type TypedArray,
} from "@convoke/core";
import { formatShape } from "@convoke/shape";
import type { DeviceCounters, DeviceInfo, WebGpuBackend } from "./webgpu-backend.js";
import { deviceFailure, disposedBackend, lostDevice, lostValue, overLimit } from "./device/device-errors.js";
import { DeviceSession, type OpenDevice } from "./device/device-session.js";
import { fromWords, isOnDevice, missingType, toWords } from "./device/host-format.js";
import type { BufferPool } from "./device/buffer-pool.js";
import { ownBlock, sharedBlocks, type Block, type Range } from "./device/blocks.js";
import { readBack } from "./device/readback.js";
import { MOST_COPIED_BYTES, Readback } from "./device/run-copies.js";
import { bytesOf, wanted, WebGpuBuffer } from "./device/webgpu-buffer.js";
import { indexOps } from "./kernels/indexing.js";
import { supports } from "./kernels/supports.js";
import type { Profile } from "./profile/profile.js";
import { measureBandwidth, measurePeak } from "./profile/roof.js";
import { compileGraph } from "./program/compile-graph.js";
import { LoadedProgram, type RunMemory } from "./program/loaded-program.js";
import { tuneProducts } from "./tuning/tune-products.js";
import { tuningKey, usableTuning, type Tuning } from "./tuning/tuning.js";

export interface DeviceBackendOptions {
  readonly first: OpenDevice;
  /** Opens another device after one was lost. */
  readonly open: () => Promise<OpenDevice>;
  readonly maxMemory: number;
  /** Whether the time of each kernel is taken. */
  readonly profile: boolean;
  /** Of the adapter, if it is known; it is not used on another one. */
  readonly tuning?: Tuning | undefined;
}

/** What was measured in this process, by adapter. */
const tunings = new Map<string, Tuning>();

/** How often a run that finds no room waits for dropped handles to be collected. */
const ATTEMPTS = 8;
/** Runs that may be under way on the device before the next waits. */
const MOST_UNDER_WAY = 3;
/** Milliseconds before another attempt to open a device: a driver that was reset takes its time. */
const PAUSES = [50, 200, 1000, 3000];

/** Milliseconds after an error in which a device that was lost says so. */
const LOSS_MS = 100;

/** The backend on a device that is open. */
export class DeviceBackend implements WebGpuBackend {
  readonly name = "webgpu";
  readonly supports = supports;
  readonly #options: DeviceBackendOptions;
  readonly #live = new Set<WebGpuBuffer>();
  /** What `recover()` puts back. */
  #snapshot = new Map<WebGpuBuffer, Uint8Array<ArrayBuffer>>();
  #session: DeviceSession;
  #tuning: Tuning | undefined;
  #underWay: Promise<unknown>[] = [];
  #bytes = 0;
  #submissions = 0;
  #dispatches = 0;
  /** Shaders that were compiled for devices that are lost. */
  #pipelinesBefore = 0;
  #isDisposed = false;
  /** Runs stand in line. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: DeviceBackendOptions) {
    this.#options = options;
    this.#session = this.#sessionOn(options.first);
    this.#tuning = options.tuning;
  }

  get info(): DeviceInfo {
    return this.#session.info;
  }

  get tuning(): Tuning | undefined {
    return usableTuning(this.#tuning, this.info);
  }

  async compile(graph: Graph): Promise<Program> {
    this.#assertUsable();
    // Leaves are never asked for in `supports`.
    for (const { op, outputs, scope } of graph.nodes)
      for (const { dtype } of outputs) assertOnDevice(op.name, dtype, scope);
    // A program keeps its kernels, also on another device: what it computes does not depend on when `tune()` is called.
    const tuning = this.#tuning;
    let session = this.#session;
    let program = await this.#load(graph, session, tuning);
    let isDisposed = false;
    return {
      run: (inputs, state) =>
        this.#inLine(async () => {
          this.#assertUsable();
          // A device that was opened after a loss has other limits, and needs shaders of its own.
          if (session !== this.#session) {
            session = this.#session;
            program = await this.#load(graph, session, tuning);
          }
          return this.#run(program, graph, { inputs, state });
        }),
      dispose: () => {
        if (isDisposed) return;
        isDisposed = true;
        // A run that stands in line still needs it.
        void this.#inLine(() => {
          if (!this.#isDisposed && session === this.#session) program.dispose();
          return Promise.resolve();
        });
      },
    };
  }

  upload(data: TypedArray, spec: TensorSpec, label = "a tensor"): DeviceBuffer {
    this.#assertUsable();
    assertOnDevice("tensor", spec.dtype);
    const { pool } = this.#session;
    this.#assertRoom(spec, label);
    const buffer = this.#adopt(spec, label, pool.take(bytesOf(spec)));
    const words = toWords(data);
    pool.write(buffer.memory.buffer, words);
    const creation = pool.created(buffer.memory.buffer);
    if (creation !== undefined) {
      buffer.words = words.slice();
      void creation.then(() => {
        if (pool.exists(buffer.memory.buffer)) buffer.words = undefined;
      });
    }
    return buffer;
  }

  download(buffer: DeviceBuffer): Promise<TypedArray> {
    return this.#inLine(async () => {
      const own = this.#own(buffer);
      await this.#place([own]);
      own.noteRead();
      return fromWords(own.spec.dtype, await this.#wordsOf(own));
    });
  }

  free(buffer: DeviceBuffer): void {
    if (!(buffer instanceof WebGpuBuffer) || buffer.isFreed || this.#isDisposed) return;
    buffer.isFreed = true;
    buffer.words = undefined;
    this.#snapshot.delete(buffer);
    if (!this.#live.delete(buffer)) return;
    this.#bytes -= this.#sizeOf(buffer);
    buffer.copy = undefined;
    buffer.memory.release();
  }

  memory(): MemoryInfo {
    const { maxMemory: limit } = this.#options;
    return { bytes: this.#bytes, buffers: this.#live.size, highWater: Math.floor(limit / 4), limit };
  }

  counters(): DeviceCounters {
    const { pipelines, pool } = this.#session;
    return {
      pipelines: this.#pipelinesBefore + pipelines.count,
      submissions: this.#submissions,
      dispatches: this.#dispatches,
      deviceBytes: pool.bytes,
    };
  }

  snapshot(): Promise<void> {
    return this.#inLine(async () => {
      this.#assertUsable();
      const buffers = [...this.#live];
      await this.#place(buffers);
      const values = await this.#read(buffers.map(({ memory }) => memory));
      const pairs = buffers.map((buffer, i) => [buffer, new Uint8Array(values[i]!)] as const);
      this.#snapshot = new Map(pairs.filter(([{ isFreed }]) => !isFreed));
    });
  }

  recover(): Promise<void> {
    return this.#inLine(async () => {
      if (this.#isDisposed) throw disposedBackend();
      if (this.#session.lostBecause === undefined) return;
      const session = this.#sessionOn(await this.#reopen());
      this.#pipelinesBefore += this.#session.pipelines.count;
      this.#session = session;
      this.#underWay = [];
      for (const buffer of this.#live) {
        const words = this.#snapshot.get(buffer);
        buffer.copy = undefined;
        if (words === undefined) {
          buffer.isLost = true;
          buffer.words = undefined;
          this.#live.delete(buffer);
          continue;
        }
        const bytes = bytesOf(buffer.spec);
        buffer.memory = ownBlock(session.pool, session.pool.take(bytes), bytes);
        session.pool.write(buffer.memory.buffer, words);
        // Should there be no memory, the next use tries again.
        buffer.words = words;
      }
      this.#bytes = [...this.#live].reduce((sum, buffer) => sum + this.#sizeOf(buffer), 0);
    });
  }

  /** Has the device go away, as a driver would. For tests. */
  loseDevice(): void {
    this.#session.device.destroy();
  }

  settled(): Promise<void> {
    return this.#alone(() => Promise.resolve());
  }

  takeProfile(): Profile | undefined {
    return this.#session.profiler?.take();
  }

  tune(): Promise<Tuning> {
    return this.#alone(async ({ device, info }) => {
      const key = tuningKey(info);
      const tuning = tunings.get(key) ?? (await tuneProducts({ device, info }));
      // Times of a device that was lost meanwhile are none.
      this.#assertUsable();
      tunings.set(key, tuning);
      this.#tuning = tuning;
      return tuning;
    });
  }

  measurePeak(): Promise<number> {
    return this.#alone(({ device, info }) => measurePeak({ device, ...info }));
  }

  measureBandwidth(): Promise<number> {
    return this.#alone(({ device, info }) => measureBandwidth({ device, ...info }));
  }

  dispose(): Promise<void> {
    if (this.#isDisposed) return Promise.resolve();
    this.#isDisposed = true;
    this.#bytes = 0;
    this.#live.clear();
    this.#snapshot.clear();
    this.#session.close();
    return Promise.resolve();
  }

  #sessionOn(open: OpenDevice): DeviceSession {
    const { maxMemory, profile } = this.#options;
    return new DeviceSession(open, { keep: Math.floor(maxMemory / 2), profile });
  }

  async #reopen(): Promise<OpenDevice> {
    for (const pause of PAUSES) {
      try {
        return await this.#options.open();
      } catch (error) {
        if (!(error instanceof BackendUnavailableError)) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
    return this.#options.open();
  }

  #load(graph: Graph, session: DeviceSession, tuning: Tuning | undefined): Promise<LoadedProgram> {
    const times = usableTuning(tuning, session.info)?.products;
    const plan = compileGraph(graph, { ...session.info, times });
    return LoadedProgram.load(plan, session).catch(async (error: unknown) => {
      throw await this.#named(error);
    });
  }

  async #run(
    program: LoadedProgram,
    graph: Graph,
    given: { inputs: readonly DeviceBuffer[]; state: readonly DeviceBuffer[] },
  ): Promise<DeviceBuffer[]> {
    const { pool } = this.#session;
    const own = [...given.inputs, ...given.state].map((buffer) => this.#own(buffer));
    const state = own.slice(given.inputs.length);
    const results = graph.outputs.map((value) => ({ spec: specOf(value), label: labelOf(value.node) }));
    await this.#makeRoom(results.map(({ spec }) => spec));
    let before = 0;
    for (const { spec, label } of results) {
      this.#assertRoom(spec, label, before);
      before += pool.sizeOf(bytesOf(spec));
    }
    await this.#place(own);
    // The updates of what lies together share a buffer, too; so does state that does not yet.
    const { offsets, bytes: together } = program.packing;
    const apart = state.filter((_, i) => offsets[i] === undefined);
    const isShared = apart.length < state.length;
    const isGathered = isShared && !program.isPacked(state.map(({ memory }) => memory));
    const shared = { bytes: together, name: () => `${state.length - apart.length} variables` };
    const taken = await this.#session.take([
      ...results.map(({ spec, label }) => wanted(spec, label)),
      ...apart.map(({ spec, label }) => wanted(spec, label)),
      ...program.slots,
      ...(isShared ? [shared] : []),
      ...(isGathered ? [shared] : []),
    ]);
    const rest = taken.splice(results.length + apart.length);
    const outputs = results.map(({ spec, label }, i) => this.#adopt(spec, label, taken[i]!));
    const arena = rest.slice(0, program.slots.length);
    const [update, gathered] = rest.slice(program.slots.length);
    const updates = updatesOf(state, { pool, offsets, shared: update, own: taken.slice(results.length) });
    outputs.forEach((buffer, i) => {
      buffer.noteRead = () => void program.readOutputs.add(i);
    });
    // What was read after the run before is copied along.
    const copied = [
      ...state.map((buffer, i) => ({ buffer, range: updates[i]!, wasRead: buffer.wasRead })),
      ...outputs.map((buffer, i) => ({ buffer, range: buffer.memory, wasRead: program.readOutputs.has(i) })),
    ].filter(({ range: { bytes }, wasRead }) => wasRead && bytes > 0 && bytes <= MOST_COPIED_BYTES);
    const ranges: Range[] = copied.map(({ range }) => range);
    if (program.errors !== undefined) ranges.push({ buffer: program.errors, offset: 0, bytes: 4 });
    const readback = ranges.length === 0 ? undefined : new Readback(this.#session.staging, ranges);
    try {
      // What was freed while this waited may hold another value by now.
      for (const buffer of own) this.#own(buffer);
      const memory = {
        inputs: own.slice(0, given.inputs.length).map((buffer) => buffer.memory),
        state: state.map((buffer) => buffer.memory),
        outputs: outputs.map((buffer) => buffer.memory),
        updates,
        arena,
        gathered,
      };
      await this.#submit(program, memory, readback);
      if (program.errors !== undefined) assertNoIndexError(await readback!.read(copied.length));
      await this.#letCatchUp();
      this.#assertUsable();
    } catch (error) {
      for (const buffer of outputs) this.free(buffer);
      if (!this.#isDisposed) for (const memory of updates) memory.release();
      for (const _ of ranges) readback!.drop();
      throw await this.#named(error);
    } finally {
      // Whoever takes them next runs after this.
      if (!this.#isDisposed) {
        for (const memory of arena) pool.giveBack(memory);
        if (gathered !== undefined) pool.giveBack(gathered);
      }
    }
    // Everything has succeeded: now the new state takes the place of the old.
    state.forEach((buffer, i) => {
      const old = buffer.memory;
      buffer.memory = updates[i]!;
      buffer.copy = undefined;
      buffer.wasRead = false;
      (buffer.isFreed ? updates[i]! : old).release();
    });
    program.readOutputs.clear();
    copied.forEach(({ buffer }, index) => {
      if (buffer.isFreed) readback!.drop();
      else buffer.copy = { readback: readback!, index };
    });
    if (program.errors !== undefined) readback!.drop();
    return outputs;
  }

  async #submit(program: LoadedProgram, memory: RunMemory, readback: Readback | undefined): Promise<void> {
    const { device, profiler } = this.#session;
    if (profiler !== undefined) this.#submissions += await profiler.run(program, memory);
    if (profiler === undefined || readback !== undefined) {
      const encoder = device.createCommandEncoder();
      if (profiler === undefined) program.encode(encoder, memory);
      readback?.record(encoder);
      device.queue.submit([encoder.finish()]);
      this.#submissions++;
    }
    this.#dispatches += program.dispatches;
  }

  /** Waits until few runs are under way: what they hold would grow without end. */
  async #letCatchUp(): Promise<void> {
    // A device that is lost settles it as well; then the next use says so.
    this.#underWay.push(this.#session.device.queue.onSubmittedWorkDone().catch(() => undefined));
    if (this.#underWay.length > MOST_UNDER_WAY) await this.#underWay.shift();
  }

  /** The words of a value: those that its run left for the host, or a copy made now. */
  async #wordsOf({ memory, copy }: WebGpuBuffer): Promise<ArrayBuffer> {
    if (copy === undefined) {
      const [words] = await this.#read([memory]);
      return words!;
    }
    try {
      const words = await copy.readback.read(copy.index);
      this.#assertUsable();
      return words;
    } catch (error) {
      throw await this.#named(error);
    }
  }

  async #read(places: readonly Range[]): Promise<ArrayBuffer[]> {
    try {
      const { values, submissions } = await readBack(this.#session.device, places);
      this.#submissions += submissions;
      this.#assertUsable();
      return values;
    } catch (error) {
      throw await this.#named(error);
    }
  }

  /** The error that an implementation's error stands for. */
  async #named(error: unknown): Promise<unknown> {
    if (error instanceof ConvokeError) return error;
    // That the device is lost may be told after what it caused.
    await Promise.race([this.#session.whenLost, new Promise((resolve) => setTimeout(resolve, LOSS_MS))]);
    try {
      this.#assertUsable();
    } catch (known) {
      return known;
    }
    return error;
  }

  /** Where there is no room, handles that were dropped get some time to be collected. */
  async #makeRoom(specs: readonly TensorSpec[]): Promise<void> {
    const { pool } = this.#session;
    const needed = specs.reduce((sum, spec) => sum + pool.sizeOf(bytesOf(spec)), 0);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (this.#bytes + needed <= this.#options.maxMemory) return;
      await collectDropped();
      this.#assertUsable();
    }
  }

  /** Puts values into memory that were uploaded when the device had none left. */
  async #place(buffers: readonly WebGpuBuffer[]): Promise<void> {
    const { pool } = this.#session;
    if (!pool.isSettled) await pool.settle();
    for (const buffer of buffers) {
      const { words } = buffer;
      if (words === undefined) continue;
      if (!pool.exists(buffer.memory.buffer)) {
        const [memory] = await this.#session.take([wanted(buffer.spec, buffer.label)]);
        pool.write(memory!, words);
        buffer.memory = ownBlock(pool, memory!, bytesOf(buffer.spec));
      }
      buffer.words = undefined;
    }
  }

  #adopt(spec: TensorSpec, label: string, memory: GPUBuffer): WebGpuBuffer {
    const buffer = new WebGpuBuffer(spec, label, ownBlock(this.#session.pool, memory, bytesOf(spec)));
    this.#live.add(buffer);
    this.#bytes += this.#sizeOf(buffer);
    return buffer;
  }

  /** What a value counts for: the buffer that it would take. */
  #sizeOf({ spec }: WebGpuBuffer): number {
    return this.#session.pool.sizeOf(bytesOf(spec));
  }

  /** @param before bytes of what is made before it */
  #assertRoom(spec: TensorSpec, label: string, before = 0): void {
    const bytes = bytesOf(spec);
    const name = (): string => `${label} ${formatShape(spec.shape)}`;
    this.#session.assertFits({ bytes, name });
    const { maxMemory: limit } = this.#options;
    const live = this.#bytes + before;
    if (live + this.#session.pool.sizeOf(bytes) <= limit) return;
    throw overLimit(name(), { bytes, live, limit });
  }

  /** Runs when all runs before it are through, on an idle device. */
  #alone<T>(job: (session: DeviceSession) => Promise<T>): Promise<T> {
    return this.#inLine(async () => {
      this.#assertUsable();
      try {
        await this.#session.device.queue.onSubmittedWorkDone();
        const result = await job(this.#session);
        this.#assertUsable();
        return result;
      } catch (error) {
        throw await this.#named(error);
      }
    });
  }

  #inLine<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(job, job);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  #own(buffer: DeviceBuffer): WebGpuBuffer {
    this.#assertUsable();
    if (buffer instanceof WebGpuBuffer && !buffer.isFreed) {
      if (buffer.isLost) throw lostValue(this, buffer.name);
      return buffer;
    }
    throw foreignBufferError("webgpu", buffer instanceof WebGpuBuffer);
  }

  #assertUsable(): void {
    if (this.#isDisposed) throw disposedBackend();
    const session = this.#session;
    if (session.lostBecause !== undefined) throw lostDevice(this, session.lostBecause);
    if (session.error === undefined) return;
    const failure = deviceFailure(session.error);
    // There may be memory again; what was refused stays refused.
    if (failure.name === "OutOfMemoryError") session.error = undefined;
    throw failure;
  }
}

/** Where the updates of state go: into the buffer that those with an offset share, the others each into its own. */
function updatesOf(
  state: readonly WebGpuBuffer[],
  memory: {
    pool: BufferPool;
    offsets: readonly (number | undefined)[];
    shared: GPUBuffer | undefined;
    own: readonly GPUBuffer[];
  },
): Block[] {
  const { pool, offsets, shared, own } = memory;
  const sizes = state.map(({ spec }) => bytesOf(spec));
  const parts = sizes.flatMap((bytes, i) => {
    const offset = offsets[i];
    return offset === undefined ? [] : [{ offset, bytes }];
  });
  const together = shared === undefined ? [] : sharedBlocks(pool, shared, parts);
  const apart = [...own];
  return sizes.map((bytes, i) =>
    offsets[i] === undefined ? ownBlock(pool, apart.shift()!, bytes) : together.shift()!,
  );
}

function labelOf({ op, scope }: GraphNode): string {
  return describeOperation(op.name, scope);
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

function assertNoIndexError(words: ArrayBuffer): void {
  const [code = 0] = new Uint32Array(words);
  if (code === 0) return;
  throw new ConvokeError({
    operation: indexOps[code - 1] ?? "indexing",
    problem: "an index is out of range of the axis that it looks up.",
    wayOut: "Indices run from 0 to the size of the axis − 1; negative ones count from the end.",
  });
}
