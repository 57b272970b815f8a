// A program on the device: its pipelines and constants, and how a run is written into a command buffer.
import { describeOperation } from "@convoke/core";
import type { InstructionName } from "@convoke/core/planning";
import { formatShape, shapeSize } from "@convoke/shape";
import type { BufferPool } from "../device/buffer-pool.js";
import { ELEMENT_BYTES, toWords } from "../device/host-format.js";
import type { Pipelines } from "../device/pipelines.js";
import type { Wanted } from "../device/wanted.js";
import { grid } from "../wgsl/shader.js";
import type { DevicePlan } from "./shader-call.js";
import { planSlots, type SlotPlan } from "./slots.js";

/** Bind groups that are kept for each dispatch: runs take turns with few buffers. */
const BIND_GROUPS = 8;

interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly workgroups: readonly [number, number, number];
  readonly groups: Map<string, GPUBindGroup>;
}

/** The buffers of a run that its caller brings. */
export interface RunBuffers {
  readonly inputs: readonly GPUBuffer[];
  readonly state: readonly GPUBuffer[];
  readonly outputs: readonly GPUBuffer[];
  readonly updates: readonly GPUBuffer[];
  /** One for each slot of the arena. */
  readonly arena: readonly GPUBuffer[];
}

/** What a program is loaded onto. */
export interface Machine {
  readonly device: GPUDevice;
  readonly pool: BufferPool;
  readonly pipelines: Pipelines;
  /** Workgroups that a dispatch has at most along each axis. */
  readonly mostWorkgroups: number;
  /** Buffers of the pool that exist; throws where the device has no memory for them. */
  take(wanted: readonly Wanted[]): Promise<GPUBuffer[]>;
}

export type WriteDispatch = (pass: GPUComputePassEncoder, dispatch: number) => void;

export class LoadedProgram {
  readonly #device: GPUDevice;
  readonly #pool: BufferPool;
  readonly #plan: DevicePlan;
  readonly #slots: SlotPlan;
  readonly #dispatches: readonly Dispatch[];
  readonly #constants: ReadonlyMap<number, GPUBuffer>;
  readonly #errors: GPUBuffer | undefined;
  /** The buffers that a run takes for its arena. */
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
    this.#plan = plan;
    this.#slots = planSlots(plan);
    this.#constants = parts.constants;
    this.#errors = parts.errors;
    this.#dispatches = plan.instructions.map(({ shader }, i) => ({
      pipeline: pipelines[i]!,
      workgroups: folded(shader.workgroups, machine.mostWorkgroups),
      groups: new Map<string, GPUBindGroup>(),
    }));
    this.slots = this.#slots.slots.map((bytes, slot) => ({ bytes, name: () => this.#nameOfSlot(slot) }));
  }

  /** Compiles the shaders of a plan, all at the same time, and puts its constants in place. */
  static async load(plan: DevicePlan, machine: Machine): Promise<LoadedProgram> {
    const { pool } = machine;
    const pipelines = await Promise.all(
      plan.instructions.map(({ shader }) => machine.pipelines.get(shader.code)),
    );
    const data = plan.buffers.flatMap(({ role, bytes }, number) =>
      role.kind === "constant" ? [{ number, bytes, data: role.data }] : [],
    );
    const reportsErrors = plan.instructions.some((instruction) => instruction.reportsErrors);
    const taken = await machine.take([
      ...data.map(({ bytes, data: { length } }) => ({
        bytes,
        name: () => `a constant of ${length} elements`,
      })),
      ...(reportsErrors ? [{ bytes: 4, name: () => "the word for errors" }] : []),
    ]);
    const constants = data.map(({ number, data: values }, i) => {
      pool.write(taken[i]!, toWords(values));
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
    return this.#plan.instructions.map(({ name }) => name);
  }

  /** Writes a run into a command buffer. */
  encode(encoder: GPUCommandEncoder, buffers: RunBuffers): void {
    const write = this.begin(encoder, buffers);
    if (this.#dispatches.length === 0) return;
    const pass = encoder.beginComputePass();
    for (let i = 0; i < this.#dispatches.length; i++) write(pass, i);
    pass.end();
  }

  /** Writes what goes before the first dispatch of a run; what it gives writes the dispatches, one by one in order. */
  begin(encoder: GPUCommandEncoder, buffers: RunBuffers): WriteDispatch {
    if (this.#errors !== undefined) encoder.clearBuffer(this.#errors, 0, 4);
    const places = this.#plan.buffers.map((_, number) => this.#placeOf(number, buffers));
    return (pass, dispatch) => {
      const { operands, reportsErrors } = this.#plan.instructions[dispatch]!;
      const { pipeline, groups, workgroups } = this.#dispatches[dispatch]!;
      const bound = operands.map(({ buffer }) => places[buffer]!);
      if (reportsErrors) bound.push(this.#errors!);
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, this.#bindGroup(pipeline, groups, bound));
      pass.dispatchWorkgroups(...workgroups);
    };
  }

  dispose(): void {
    for (const buffer of this.#constants.values()) this.#pool.giveBack(buffer);
    if (this.#errors !== undefined) this.#pool.giveBack(this.#errors);
  }

  /** What the largest value in a slot is. */
  #nameOfSlot(slot: number): string {
    const { slots, slotOf } = this.#slots;
    const largest = this.#plan.buffers.find(
      ({ bytes }, number) => slotOf.get(number) === slot && bytes === slots[slot],
    );
    const spec = largest?.node?.outputs.find(
      ({ shape }) => shapeSize(shape) * ELEMENT_BYTES === largest.bytes,
    );
    if (largest?.node === undefined || spec === undefined) return "a value inside a program";
    const { op, scope } = largest.node;
    return `${describeOperation(op.name, scope)} ${formatShape(spec.shape)}`;
  }

  #placeOf(number: number, buffers: RunBuffers): GPUBuffer | undefined {
    const { role } = this.#plan.buffers[number]!;
    switch (role.kind) {
      case "arena":
        return buffers.arena[this.#slots.slotOf.get(number) ?? -1];
      case "constant":
        return this.#constants.get(number);
      case "input":
        return buffers.inputs[role.index];
      case "state":
        return buffers.state[role.index];
      case "output":
        return buffers.outputs[role.index];
      case "update":
        return buffers.updates[role.index];
    }
  }

  #bindGroup(
    pipeline: GPUComputePipeline,
    groups: Map<string, GPUBindGroup>,
    buffers: readonly GPUBuffer[],
  ): GPUBindGroup {
    const key = buffers.map((buffer) => this.#numberOf(buffer)).join();
    const known = groups.get(key);
    if (known !== undefined) return known;
    const group = this.#device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
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
