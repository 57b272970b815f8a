// One thread's view of the machine: the kernels on the shared memory, and the loops of the programs that are loaded.
import { loopImports } from "../emit/loop-module.js";

/** A function of the kernels or of a program's loops. */
type KernelFunction = (operands: number, worker: number, workers: number) => void;

/** What runs programs: see assembly/program.ts. */
interface Machinery {
  runProgram(program: number, worker: number, workers: number, control: number): number;
  awaitCall(worker: number, control: number, nanoseconds: bigint): number;
  beginRunning(worker: number, control: number): void;
}

/** What runProgram gives to the worker that ends a run. */
const LAST = 2;

/** How long a worker waits for the next run before it reads messages again. */
const PATIENCE = 5_000_000n;

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
  readonly #machinery: Machinery;

  constructor(setup: ThreadSetup) {
    this.#setup = setup;
    const imports = { env: { memory: setup.memory } };
    const instances = setup.kernels.map((module) => new WebAssembly.Instance(module, imports));
    const { table, runProgram, awaitCall, beginRunning } = instances[0]!.exports;
    if (
      !(table instanceof WebAssembly.Table) ||
      typeof runProgram !== "function" ||
      typeof awaitCall !== "function" ||
      typeof beginRunning !== "function"
    ) {
      throw new Error("the kernels export no table, or nothing that runs programs");
    }
    this.#table = table;
    this.#machinery = { runProgram, awaitCall, beginRunning } as Machinery;
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

  /** This thread's part of a run; returns when all threads have finished. Gives true to one of them. */
  run(program: number): boolean {
    const { worker, workers, control } = this.#setup;
    return this.#machinery.runProgram(program, worker, workers, control) === LAST;
  }

  /**
   * Runs a program, and those that the host calls for soon after, without reading messages in between. Calls `ended` for
   * each run that this thread is the last one to finish.
   */
  runOn(first: number, ended: () => void): void {
    const { worker, control } = this.#setup;
    this.#machinery.beginRunning(worker, control);
    for (let program = first; program !== 0;) {
      if (this.run(program)) ended();
      program = this.#machinery.awaitCall(worker, control, PATIENCE);
    }
  }

  #put(index: number, fn: KernelFunction | null): void {
    const missing = index + 1 - this.#table.length;
    if (missing > 0) this.#table.grow(Math.max(64, missing));
    this.#table.set(index, fn);
  }
}
