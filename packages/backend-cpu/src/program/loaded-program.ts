// A plan in memory: its instructions as words, its constants, and where addresses go before each run.
import { BackendError } from "@convoke/core";
import { emitLoopModule, type Loop } from "../emit/loop-module.js";
import type { LinearMemory } from "../memory/linear-memory.js";
import type { Crew } from "../runtime/crew.js";
import { planArena, type ArenaPlan } from "./arena.js";
import type { ProgramPlan } from "./instruction.js";

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
  readonly #plan: ProgramPlan;
  readonly #memory: LinearMemory;
  readonly #crew: Crew;
  readonly #numbers: LoopNumbers;
  readonly #patches: readonly Patch[];
  readonly #wordCount: number;
  readonly #constants = new Map<number, number>();
  readonly #base: number;
  readonly #loopCount: number;
  readonly address: number;

  private constructor(parts: {
    plan: ProgramPlan;
    memory: LinearMemory;
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
      words.push(number, instruction.operands.length);
      for (const operand of instruction.operands) {
        if (typeof operand !== "number")
          patches.push({ word: words.length, buffer: operand.buffer, offset: operand.offset ?? 0 });
        words.push(typeof operand === "number" ? operand : 0);
      }
    }
    this.#patches = patches;
    this.#wordCount = words.length;
    this.address = allocate(memory, words.length * 4, "a program");
    memory.words(this.address, words.length).set(words);
    plan.buffers.forEach(({ role }, buffer) => {
      if (role.kind !== "constant") return;
      const address = allocate(memory, role.data.length, "a constant");
      memory.bytes(address, role.data.length).set(role.data);
      this.#constants.set(buffer, address);
    });
  }

  /** Compiles the loops of a plan, and puts everything where the crew finds it. */
  static async load(
    plan: ProgramPlan,
    machine: {
      memory: LinearMemory;
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
    return new LoadedProgram({
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
  }

  /** Writes the addresses of a run into the instructions. `addressOf` knows all buffers but arena and constants. */
  prepare(arena: number, addressOf: (buffer: number) => number): void {
    const addresses = this.#plan.buffers.map(({ role }, buffer) => {
      if (role.kind === "arena") return arena + (this.arena.offsets.get(buffer) ?? 0);
      if (role.kind === "constant") return this.#constants.get(buffer)!;
      return addressOf(buffer);
    });
    const words = this.#memory.words(this.address, this.#wordCount);
    for (const { word, buffer, offset } of this.#patches) words[word] = addresses[buffer]! + offset;
  }

  get plan(): ProgramPlan {
    return this.#plan;
  }

  dispose(): void {
    this.#memory.heap.free(this.address);
    for (const address of this.#constants.values()) this.#memory.heap.free(address);
    if (this.#loopCount > 0) this.#crew.unload({ base: this.#base, count: this.#loopCount });
    this.#numbers.giveBack(this.#base, this.#loopCount);
  }
}

function allocate(memory: LinearMemory, bytes: number, what: string): number {
  const address = memory.heap.allocate(bytes);
  if (address !== undefined) return address;
  throw new BackendError({
    operation: 'backend "cpu"',
    problem: `there is no room for ${what} of ${bytes} bytes within ${memory.limits.maximum * 65536} bytes.`,
    wayOut: "Raise maxMemory, or drop tensors that are no longer needed.",
  });
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
