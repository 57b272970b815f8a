// One thread's view of the machine: the kernels on the shared memory, and the loops of the programs that are loaded.
import { loopImports } from "../emit/loop-module.js";

/** A function of the kernels or of a program's loops. */
type KernelFunction = (operands: number, worker: number, workers: number) => void;

type RunProgram = (program: number, worker: number, workers: number, control: number) => void;

export interface ThreadSetup {
  readonly memory: WebAssembly.Memory;
  /** The modules of the kernels; the first one also runs programs. */
  readonly kernels: readonly WebAssembly.Module[];
  /** The kernels by the number that programs know them by. */
  readonly kernelNames: readonly string[];
  readonly worker: number;
  readonly workers: number;
  /** Address of the words at which the workers of a run meet. */
  readonly control: number;
}

/** The loops of one program: a module whose `loop0`, `loop1`, … get the numbers from `base` on. */
export interface LoadedLoops {
  readonly module: WebAssembly.Module;
  readonly base: number;
  readonly count: number;
}

export class Thread {
  readonly #setup: ThreadSetup;
  readonly #table: WebAssembly.Table;
  readonly #runProgram: RunProgram;

  constructor(setup: ThreadSetup) {
    this.#setup = setup;
    const imports = { env: { memory: setup.memory } };
    const instances = setup.kernels.map((module) => new WebAssembly.Instance(module, imports));
    const { table, runProgram } = instances[0]!.exports;
    if (!(table instanceof WebAssembly.Table) || typeof runProgram !== "function") {
      throw new Error("the kernels export no table, or nothing that runs programs");
    }
    this.#table = table;
    this.#runProgram = runProgram as RunProgram;
    setup.kernelNames.forEach((name, i) => {
      this.#put(i, instances.find(({ exports }) => name in exports)!.exports[name] as KernelFunction);
    });
  }

  load({ module, base, count }: LoadedLoops): void {
    const { exports } = new WebAssembly.Instance(module, loopImports(this.#setup.memory));
    for (let i = 0; i < count; i++) this.#put(base + i, exports[`loop${i}`] as KernelFunction);
  }

  unload({ base, count }: Pick<LoadedLoops, "base" | "count">): void {
    for (let i = 0; i < count; i++) this.#put(base + i, null);
  }

  /** This thread's part of a run; returns when all threads have finished. */
  run(program: number): void {
    const { worker, workers, control } = this.#setup;
    this.#runProgram(program, worker, workers, control);
  }

  #put(index: number, fn: KernelFunction | null): void {
    const missing = index + 1 - this.#table.length;
    if (missing > 0) this.#table.grow(Math.max(64, missing));
    this.#table.set(index, fn);
  }
}
