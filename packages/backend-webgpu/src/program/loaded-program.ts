// A program on the device: its pipelines and constants, and how a run is written into a command buffer.
import type { BufferId } from "@convoke/core/planning";
import type { Range } from "../device/blocks.js";
import type { BufferPool } from "../device/buffer-pool.js";
import { toWords } from "../device/host-format.js";
import type { Pipelines } from "../device/pipelines.js";
import type { SharedHome } from "./homes.js";
import type { DevicePlan } from "./shader-call.js";

/** Bind groups that are kept for each dispatch: runs take turns with few buffers. */
const BIND_GROUPS = 8;

interface LoadedDispatch {
  readonly pipeline: GPUComputePipeline;
  readonly groups: Map<string, GPUBindGroup>;
}

/** The memory of a run that its caller brings. */
export interface RunMemory {
  readonly inputs: readonly Range[];
  readonly state: readonly Range[];
  readonly outputs: readonly Range[];
  readonly updates: readonly Range[];
  /** What `arenaBytes` asks for. */
  readonly arena: readonly GPUBuffer[];
  /** What `stateBytes` asks for: where state is brought together that does not lie together. */
  readonly gathered: GPUBuffer | undefined;
}

export class LoadedProgram {
  /** The outputs of the last run that were read, by number. */
  readonly readOutputs = new Set<number>();
  readonly #device: GPUDevice;
  readonly #pool: BufferPool;
  readonly #plan: DevicePlan;
  readonly #dispatches: readonly LoadedDispatch[];
  readonly #constants = new Map<number, GPUBuffer>();
  readonly #errors: GPUBuffer | undefined;
  readonly #numbers = new WeakMap<GPUBuffer, number>();
  #lastNumber = 0;

  private constructor(parts: {
    device: GPUDevice;
    pool: BufferPool;
    plan: DevicePlan;
    pipelines: readonly GPUComputePipeline[];
  }) {
    const { device, pool, plan } = parts;
    this.#device = device;
    this.#pool = pool;
    this.#plan = plan;
    this.#dispatches = parts.pipelines.map((pipeline) => ({
      pipeline,
      groups: new Map<string, GPUBindGroup>(),
    }));
    plan.buffers.forEach(({ role, bytes }, number) => {
      if (role.kind !== "constant") return;
      const buffer = pool.take(bytes);
      device.queue.writeBuffer(buffer, 0, toWords(role.data));
      this.#constants.set(number, buffer);
    });
    if (plan.dispatches.some(({ reportsErrors }) => reportsErrors)) this.#errors = pool.take(4);
  }

  /** Compiles the shaders of a plan, all at the same time. */
  static async load(
    plan: DevicePlan,
    machine: { device: GPUDevice; pool: BufferPool; pipelines: Pipelines },
  ): Promise<LoadedProgram> {
    const { pipelines } = machine;
    const compiled = await Promise.all(plan.dispatches.map(({ code }) => pipelines.get(code)));
    return new LoadedProgram({ ...machine, plan, pipelines: compiled });
  }

  /** Bytes of each buffer that a run takes for its arena: what small values share, then one for each slot. */
  get arenaBytes(): readonly number[] {
    const { sharedBytes, slots } = this.#plan;
    return [sharedBytes, ...slots];
  }

  /** How state lies after a run. */
  get packing(): DevicePlan["state"] {
    return this.#plan.state;
  }

  /** Whether these pieces of state lie as a run leaves them. */
  isPacked(state: readonly Range[]): boolean {
    const { offsets } = this.#plan.state;
    const shared = state.filter((_, i) => offsets[i] !== undefined);
    return (
      shared.every(({ buffer }) => buffer === shared[0]!.buffer) &&
      state.every(({ offset }, i) => offsets[i] === undefined || offsets[i] === offset)
    );
  }

  /** Where a run leaves the number of the op that met an index out of range, or 0. */
  get errors(): GPUBuffer | undefined {
    return this.#errors;
  }

  /** How many dispatches a run has. */
  get dispatches(): number {
    return this.#dispatches.length;
  }

  /** Writes a run into a command buffer. */
  encode(encoder: GPUCommandEncoder, memory: RunMemory): void {
    if (this.#errors !== undefined) encoder.clearBuffer(this.#errors, 0, 4);
    if (this.#dispatches.length === 0) return;
    const run = { ...memory, state: this.#gather(encoder, memory) };
    const pass = encoder.beginComputePass();
    const known = new Map<number, Range>();
    const rangeOf = (bound: BufferId | SharedHome): Range => {
      if (typeof bound === "string") return this.#homeOf(bound, run);
      const range = known.get(bound) ?? this.#rangeOf(bound, run);
      known.set(bound, range);
      return range;
    };
    this.#plan.dispatches.forEach(({ bound, workgroups, reportsErrors }, i) => {
      const { pipeline, groups } = this.#dispatches[i]!;
      const ranges = bound.map(rangeOf);
      if (reportsErrors) ranges.push({ buffer: this.#errors!, offset: 0, bytes: 4 });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, this.#bindGroup(pipeline, groups, ranges));
      pass.dispatchWorkgroups(...workgroups);
    });
    pass.end();
  }

  dispose(): void {
    for (const buffer of this.#constants.values()) this.#pool.giveBack(buffer);
    this.#constants.clear();
    if (this.#errors !== undefined) this.#pool.giveBack(this.#errors);
  }

  /** The state as it is expected: copied together where it lies elsewhere. */
  #gather(encoder: GPUCommandEncoder, { state, gathered }: RunMemory): readonly Range[] {
    if (gathered === undefined) return state;
    const { offsets } = this.#plan.state;
    return state.map((piece, i) => {
      const offset = offsets[i];
      if (offset === undefined) return piece;
      if (piece.bytes > 0)
        encoder.copyBufferToBuffer(piece.buffer, piece.offset, gathered, offset, piece.bytes);
      return { buffer: gathered, offset, bytes: piece.bytes };
    });
  }

  /** All of a buffer that several values share. */
  #homeOf(home: SharedHome, { state, updates, arena }: RunMemory): Range {
    const { offsets, bytes } = this.#plan.state;
    if (home === "arena") return { buffer: arena[0]!, offset: 0, bytes: this.#plan.sharedBytes };
    const first = offsets.findIndex((offset) => offset !== undefined);
    return { buffer: (home === "state" ? state : updates)[first]!.buffer, offset: 0, bytes };
  }

  #rangeOf(number: number, memory: RunMemory): Range {
    const { role, bytes } = this.#plan.buffers[number]!;
    switch (role.kind) {
      case "arena": {
        const place = this.#plan.arena.get(number)!;
        if ("slot" in place) return { buffer: memory.arena[1 + place.slot]!, offset: 0, bytes };
        return { buffer: memory.arena[0]!, offset: place.offset, bytes };
      }
      case "constant":
        return { buffer: this.#constants.get(number)!, offset: 0, bytes };
      case "input":
        return memory.inputs[role.index]!;
      case "state":
        return memory.state[role.index]!;
      case "output":
        return memory.outputs[role.index]!;
      case "update":
        return memory.updates[role.index]!;
    }
  }

  #bindGroup(
    pipeline: GPUComputePipeline,
    groups: Map<string, GPUBindGroup>,
    ranges: readonly Range[],
  ): GPUBindGroup {
    const key = ranges.map(({ buffer, offset }) => `${this.#numberOf(buffer)}+${offset}`).join();
    const known = groups.get(key);
    if (known !== undefined) return known;
    const group = this.#device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: ranges.map(({ buffer, offset, bytes }, binding) => ({
        binding,
        // A value without elements still takes a binding, which must not be empty.
        resource: { buffer, offset, size: Math.max(bytes, 4) },
      })),
    });
    if (groups.size >= BIND_GROUPS) groups.delete(groups.keys().next().value!);
    groups.set(key, group);
    return group;
  }

  #numberOf(buffer: GPUBuffer): number {
    const known = this.#numbers.get(buffer);
    if (known !== undefined) return known;
    this.#numbers.set(buffer, ++this.#lastNumber);
    return this.#lastNumber;
  }
}
