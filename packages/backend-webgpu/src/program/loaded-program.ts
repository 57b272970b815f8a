// A program on the device: its pipelines and constants, and how a run is written into a command buffer.
import type { InstructionName } from "@convoke/core/planning";
import type { BufferPool } from "../device/buffer-pool.js";
import { toWords } from "../device/host-format.js";
import type { Pipelines } from "../device/pipelines.js";
import type { DevicePlan } from "./shader-call.js";
import { planSlots, type SlotPlan } from "./slots.js";

/** Bind groups that are kept for each dispatch: runs take turns with few buffers. */
const BIND_GROUPS = 8;

interface Dispatch {
  readonly pipeline: GPUComputePipeline;
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

export class LoadedProgram {
  readonly #device: GPUDevice;
  readonly #pool: BufferPool;
  readonly #plan: DevicePlan;
  readonly #slots: SlotPlan;
  readonly #dispatches: readonly Dispatch[];
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
    this.#slots = planSlots(plan);
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
    if (plan.instructions.some(({ reportsErrors }) => reportsErrors)) this.#errors = pool.take(4);
  }

  /** Compiles the shaders of a plan, all at the same time. */
  static async load(
    plan: DevicePlan,
    machine: { device: GPUDevice; pool: BufferPool; pipelines: Pipelines },
  ): Promise<LoadedProgram> {
    const { pipelines } = machine;
    const compiled = await Promise.all(plan.instructions.map(({ shader }) => pipelines.get(shader.code)));
    return new LoadedProgram({ ...machine, plan, pipelines: compiled });
  }

  /** Bytes of each buffer that a run takes for its arena. */
  get slots(): readonly number[] {
    return this.#slots.slots;
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
    this.clearErrors(encoder);
    if (this.#dispatches.length === 0) return;
    const pass = encoder.beginComputePass();
    const write = this.writer(buffers);
    for (let i = 0; i < this.#dispatches.length; i++) write(pass, i);
    pass.end();
  }

  /** What goes before the first dispatch of a run. */
  clearErrors(encoder: GPUCommandEncoder): void {
    if (this.#errors !== undefined) encoder.clearBuffer(this.#errors, 0, 4);
  }

  /** Writes single dispatches of a run, which all must be written, in order. */
  writer(buffers: RunBuffers): (pass: GPUComputePassEncoder, dispatch: number) => void {
    const places = this.#plan.buffers.map((_, number) => this.#placeOf(number, buffers));
    return (pass, dispatch) => {
      const { operands, shader, reportsErrors } = this.#plan.instructions[dispatch]!;
      const { pipeline, groups } = this.#dispatches[dispatch]!;
      const bound = operands.map(({ buffer }) => places[buffer]!);
      if (reportsErrors) bound.push(this.#errors!);
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, this.#bindGroup(pipeline, groups, bound));
      pass.dispatchWorkgroups(...shader.workgroups);
    };
  }

  dispose(): void {
    for (const buffer of this.#constants.values()) this.#pool.giveBack(buffer);
    this.#constants.clear();
    if (this.#errors !== undefined) this.#pool.giveBack(this.#errors);
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
