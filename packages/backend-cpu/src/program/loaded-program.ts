// A plan in memory: its instructions as words, its constants, and where addresses go before each run.
import { OutOfMemoryError } from "@convoke/core";
import { emitLoopModule, type Loop } from "../emit/loop-module.js";
import { paddedSize } from "../memory/heap.js";
import type { MachineMemory } from "../memory/machine-memory.js";
import type { Crew } from "../runtime/crew.js";
import { planArena, type ArenaPlan } from "./arena.js";
import type { CpuPlan } from "./instruction.js";
import { sharesPerWorker } from "./shares.js";

interface Patch {
  readonly word: number;
  readonly buffer: number;
  readonly offset: number;
}

/** Numbers of loops in the function table; the kernels have the first ones. */
export class LoopNumbers {
  #next: number;
  readonly #gaps: { base: number; count: number }[] = [];

  constructor(first: number) {
    this.#next = first;
  }

  take(count: number): number {
    const gap = this.#gaps.findIndex((free) => free.count === count);
    if (gap >= 0) return this.#gaps.splice(gap, 1)[0]!.base;
    this.#next += count;
    return this.#next - count;
  }

  giveBack(base: number, count: number): void {
    if (count > 0) this.#gaps.push({ base, count });
  }
}

export class LoadedProgram {
  readonly arena: ArenaPlan;
  readonly #plan: CpuPlan;
  readonly #memory: MachineMemory;
  readonly #crew: Crew;
  readonly #numbers: LoopNumbers;
  readonly #patches: readonly Patch[];
  /** The program as it lies in memory. */
  readonly #words: Int32Array;
  readonly #constants = new Map<number, number>();
  readonly #base: number;
  readonly #loopCount: number;
  #address = 0;
  /** What was taken of the memory for instructions and constants. */
  readonly #pieces: number[] = [];
  #bytes = 0;

  private constructor(parts: {
    plan: CpuPlan;
    memory: MachineMemory;
    crew: Crew;
    numbers: LoopNumbers;
    base: number;
    loopNumberOf: (loop: Loop) => number;
    kernelNumberOf: (kernel: string) => number;
    loopCount: number;
  }) {
    const { plan, memory } = parts;
    this.#plan = plan;
    this.#memory = memory;
    this.#crew = parts.crew;
    this.#numbers = parts.numbers;
    this.#base = parts.base;
    this.#loopCount = parts.loopCount;
    this.arena = planArena(plan);
    const words: number[] = [plan.instructions.length];
    const patches: Patch[] = [];
    for (const instruction of plan.instructions) {
      const number =
        instruction.kind === "loop"
          ? parts.loopNumberOf(instruction.loop)
          : parts.kernelNumberOf(instruction.kernel);
      words.push(number, instruction.operands.length, sharesPerWorker(instruction, parts.crew.threads));
      for (const operand of instruction.operands) {
        if (typeof operand !== "number")
          patches.push({ word: words.length, buffer: operand.buffer, offset: operand.offset ?? 0 });
        words.push(typeof operand === "number" ? operand : 0);
      }
    }
    this.#patches = patches;
    this.#words = Int32Array.from(words);
  }

  /** Compiles the loops of a plan, and puts everything where the crew finds it. */
  static async load(
    plan: CpuPlan,
    machine: {
      memory: MachineMemory;
      crew: Crew;
      numbers: LoopNumbers;
      kernelNames: readonly string[];
      fused: boolean;
    },
  ): Promise<LoadedProgram> {
    const { memory, crew, numbers } = machine;
    const distinct = new Map<string, { loop: Loop; index: number }>();
    const keys = new Map<Loop, string>();
    for (const instruction of plan.instructions) {
      if (instruction.kind !== "loop") continue;
      const key = loopKey(instruction.loop);
      keys.set(instruction.loop, key);
      if (!distinct.has(key)) distinct.set(key, { loop: instruction.loop, index: distinct.size });
    }
    const loops = [...distinct.values()].map(({ loop }) => loop);
    const base = numbers.take(loops.length);
    if (loops.length > 0) {
      const module = await WebAssembly.compile(
        emitLoopModule(loops, { memory: memory.limits, fused: machine.fused }),
      );
      crew.load({ module, base, count: loops.length });
    }
    const kernelNumbers = new Map(machine.kernelNames.map((name, i) => [name, i]));
    const program = new LoadedProgram({
      plan,
      memory,
      crew,
      numbers,
      base,
      loopCount: loops.length,
      loopNumberOf: (loop) => base + distinct.get(keys.get(loop)!)!.index,
      kernelNumberOf: (kernel) => {
        const number = kernelNumbers.get(kernel);
        if (number === undefined) throw new Error(`cpu: there is no kernel "${kernel}"`);
        return number;
      },
    });
    try {
      program.#place();
    } catch (error) {
      program.dispose();
      throw error;
    }
    return program;
  }

  /** Where the run begins. */
  get address(): number {
    return this.#address;
  }

  /** What it takes of the memory between runs: its instructions and constants. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Writes the addresses of a run into the instructions. `addressOf` knows all buffers but arena and constants. */
  prepare(arena: number, addressOf: (buffer: number) => number): void {
    const addresses = this.#plan.buffers.map(({ role }, buffer) => {
      if (role.kind === "arena") return arena + (this.arena.offsets.get(buffer) ?? 0);
      if (role.kind === "constant") return this.#constants.get(buffer)!;
      return addressOf(buffer);
    });
    for (const { word, buffer, offset } of this.#patches) this.#words[word] = addresses[buffer]! + offset;
    this.#memory.write(this.#address, new Uint8Array(this.#words.buffer));
  }

  get plan(): CpuPlan {
    return this.#plan;
  }

  dispose(): void {
    for (const address of this.#pieces) this.#memory.heap.free(address);
    if (this.#loopCount > 0) this.#crew.unload({ base: this.#base, count: this.#loopCount });
    this.#numbers.giveBack(this.#base, this.#loopCount);
  }

  #place(): void {
    this.#address = this.#allocate(this.#words.byteLength, "a program");
    this.#plan.buffers.forEach(({ role }, buffer) => {
      if (role.kind !== "constant") return;
      const { data } = role;
      const address = this.#allocate(data.byteLength, "a constant");
      this.#constants.set(buffer, address);
      this.#memory.write(address, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    });
  }

  #allocate(bytes: number, what: string): number {
    const { heap, limits } = this.#memory;
    const address = heap.allocate(bytes);
    if (address === undefined) {
      throw new OutOfMemoryError({
        operation: 'backend "cpu"',
        problem: `there is no room for ${what} of ${bytes} bytes within ${limits.maximum * 65536} bytes.`,
        wayOut: "Raise maxMemory, or drop tensors that are no longer needed.",
      });
    }
    this.#pieces.push(address);
    this.#bytes += paddedSize(bytes);
    return address;
  }
}

function loopKey(loop: Loop): string {
  return JSON.stringify(loop, (_, value: unknown) => {
    if (typeof value === "bigint") return `${value}n`;
    // JSON knows neither −0 nor infinities nor NaN.
    if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))) {
      return Object.is(value, -0) ? "-0" : String(value);
    }
    return value;
  });
}
