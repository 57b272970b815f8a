// A program on the device: its pipelines and constants, and how a run is written into a command buffer.
import { describeOperation } from "@convoke/core";
import type { BufferId, InstructionName } from "@convoke/core/planning";
import { formatShape } from "@convoke/shape";
import type { Range } from "../device/blocks.js";
import type { BufferPool } from "../device/buffer-pool.js";
import type { HostFormat } from "../device/host-format.js";
import type { Pipelines } from "../device/pipelines.js";
import type { Wanted } from "../device/wanted.js";
import { grid } from "../wgsl/shader.js";
import type { SharedHome } from "./homes.js";
import type { DevicePlan } from "./shader-call.js";

/** Bind groups that are kept for each dispatch: runs take turns with few buffers. */
const BIND_GROUPS = 8;

interface LoadedDispatch {
  readonly pipeline: GPUComputePipeline;
  readonly workgroups: readonly [number, number, number];
  readonly groups: Map<string, GPUBindGroup>;
}

/** The memory of a run that its caller brings. */
export interface RunMemory {
  readonly inputs: readonly Range[];
  readonly state: readonly Range[];
  readonly outputs: readonly Range[];
  readonly updates: readonly Range[];
  /** What `slots` asks for. */
  readonly arena: readonly GPUBuffer[];
  /** A buffer in which state is brought together that does not lie together. */
  readonly gathered: GPUBuffer | undefined;
}

/** What a program is loaded onto. */
export interface Machine {
  readonly device: GPUDevice;
  readonly pool: BufferPool;
  readonly pipelines: Pipelines;
  readonly format: HostFormat;
  /** Workgroups that a dispatch has at most along each axis. */
  readonly mostWorkgroups: number;
  /** Buffers of the pool that exist; throws where the device has no memory for them. */
  take(wanted: readonly Wanted[]): Promise<GPUBuffer[]>;
}

export type WriteDispatch = (pass: GPUComputePassEncoder, dispatch: number) => void;

export class LoadedProgram {
  /** The outputs of the last run that were read, by number. */
  readonly readOutputs = new Set<number>();
  readonly #device: GPUDevice;
  readonly #pool: BufferPool;
  readonly #format: HostFormat;
  readonly #plan: DevicePlan;
  readonly #dispatches: readonly LoadedDispatch[];
  readonly #constants: ReadonlyMap<number, GPUBuffer>;
  readonly #errors: GPUBuffer | undefined;
  /** The buffers that a run takes for its arena: what small words share, those of large values, what small halves share. */
  readonly slots: readonly Wanted[];
  readonly #numbers = new WeakMap<GPUBuffer, number>();
  #lastNumber = 0;

  private constructor(parts: {
    machine: Machine;
    plan: DevicePlan;
    pipelines: readonly GPUComputePipeline[];
    constants: ReadonlyMap<number, GPUBuffer>;
    errors: GPUBuffer | undefined;
  }) {
    const { machine, plan, pipelines } = parts;
    this.#device = machine.device;
    this.#pool = machine.pool;
    this.#format = machine.format;
    this.#plan = plan;
    this.#constants = parts.constants;
    this.#errors = parts.errors;
    this.#dispatches = plan.dispatches.map(({ workgroups }, i) => ({
      pipeline: pipelines[i]!,
      workgroups: folded(workgroups, machine.mostWorkgroups),
      groups: new Map<string, GPUBindGroup>(),
    }));
    const { arena, halves } = plan.sharedBytes;
    const small = { name: () => "small values inside a program" };
    this.slots = [
      { bytes: arena, ...small },
      ...plan.slots.map((bytes, slot) => ({ bytes, name: () => this.#nameOfSlot(slot) })),
      ...(halves === 0 ? [] : [{ bytes: halves, ...small }]),
    ];
  }

  /** Compiles the shaders of a plan, all at the same time, and puts its constants in place. */
  static async load(plan: DevicePlan, machine: Machine): Promise<LoadedProgram> {
    const { pool } = machine;
    const pipelines = await Promise.all(plan.dispatches.map(({ code }) => machine.pipelines.get(code)));
    const data = plan.buffers.flatMap(({ role, bytes, dtype }, number) =>
      role.kind === "constant" ? [{ number, bytes, dtype: dtype!, data: role.data }] : [],
    );
    const reportsErrors = plan.dispatches.some((dispatch) => dispatch.reportsErrors);
    const taken = await machine.take([
      ...data.map(({ bytes, data: { length } }) => ({
        bytes,
        name: () => `a constant of ${length} elements`,
      })),
      ...(reportsErrors ? [{ bytes: 4, name: () => "the word for errors" }] : []),
    ]);
    const constants = data.map(({ number, dtype, data: values }, i) => {
      pool.write(taken[i]!, machine.format.toDevice(values, dtype));
      return [number, taken[i]!] as const;
    });
    return new LoadedProgram({
      machine,
      plan,
      pipelines,
      constants: new Map(constants),
      errors: taken[constants.length],
    });
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

  /** What each dispatch computes. */
  get names(): readonly (InstructionName | undefined)[] {
    return this.#plan.dispatches.map(({ name }) => name);
  }

  /** Writes a run into a command buffer. */
  encode(encoder: GPUCommandEncoder, memory: RunMemory): void {
    const write = this.begin(encoder, memory);
    if (this.#dispatches.length === 0) return;
    const pass = encoder.beginComputePass();
    for (let i = 0; i < this.#dispatches.length; i++) write(pass, i);
    pass.end();
  }

  /** Writes what goes before the first dispatch of a run; what it gives writes the dispatches, one by one in order. */
  begin(encoder: GPUCommandEncoder, memory: RunMemory): WriteDispatch {
    if (this.#errors !== undefined) encoder.clearBuffer(this.#errors, 0, 4);
    const run = { ...memory, state: this.#gather(encoder, memory) };
    const known = new Map<number, Range>();
    const rangeOf = (bound: BufferId | SharedHome): Range => {
      if (typeof bound === "string") return this.#homeOf(bound, run);
      const range = known.get(bound) ?? this.#rangeOf(bound, run);
      known.set(bound, range);
      return range;
    };
    return (pass, dispatch) => {
      const { bound, reportsErrors } = this.#plan.dispatches[dispatch]!;
      const { pipeline, workgroups, groups } = this.#dispatches[dispatch]!;
      const ranges = bound.map(rangeOf);
      if (reportsErrors) ranges.push({ buffer: this.#errors!, offset: 0, bytes: 4 });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, this.#bindGroup(pipeline, groups, ranges));
      pass.dispatchWorkgroups(...workgroups);
    };
  }

  dispose(): void {
    for (const buffer of this.#constants.values()) this.#pool.giveBack(buffer);
    if (this.#errors !== undefined) this.#pool.giveBack(this.#errors);
  }

  /** What the largest value in a slot is. */
  #nameOfSlot(slot: number): string {
    const { arena, buffers, slots } = this.#plan;
    const largest = buffers.find(({ bytes }, number) => {
      const place = arena.get(number);
      return place !== undefined && "slot" in place && place.slot === slot && bytes === slots[slot];
    });
    const spec = largest?.node?.outputs.find((output) => this.#format.bytesOf(output) === largest.bytes);
    if (largest?.node === undefined || spec === undefined) return "a value inside a program";
    const { op, scope } = largest.node;
    return `${describeOperation(op.name, scope)} ${formatShape(spec.shape)}`;
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
    if (home === "arena") return { buffer: arena[0]!, offset: 0, bytes: this.#plan.sharedBytes.arena };
    if (home === "halves") return { buffer: arena.at(-1)!, offset: 0, bytes: this.#plan.sharedBytes.halves };
    const first = offsets.findIndex((offset) => offset !== undefined);
    return { buffer: (home === "state" ? state : updates)[first]!.buffer, offset: 0, bytes };
  }

  #rangeOf(number: number, memory: RunMemory): Range {
    const { role, bytes } = this.#plan.buffers[number]!;
    switch (role.kind) {
      case "arena": {
        const place = this.#plan.arena.get(number)!;
        if ("slot" in place) return { buffer: memory.arena[1 + place.slot]!, offset: 0, bytes };
        const isNarrow = this.#format.isNarrow(this.#plan.buffers[number]!.dtype);
        return { buffer: memory.arena.at(isNarrow ? -1 : 0)!, offset: place.offset, bytes };
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

/** A grid of as many workgroups within what the device takes along an axis. */
function folded(
  [x, y, z]: readonly [number, number, number],
  most: number,
): readonly [number, number, number] {
  return Math.max(x, y, z) <= most ? [x, y, z] : grid(x * y * z, most);
}
