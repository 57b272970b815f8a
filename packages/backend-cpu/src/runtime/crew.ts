// Who runs programs: a crew of workers, or the calling thread.
import { clearReport, reportedError } from "../memory/machine-memory.js";
import { Thread, type LoadedLoops, type ThreadSetup } from "./thread.js";

export interface Crew {
  readonly threads: number;
  load(loops: LoadedLoops): void;
  unload(loops: Pick<LoadedLoops, "base" | "count">): void;
  /**
   * Runs a program whose words lie at `program`; one at a time. Gives the code of the first index that was out of range,
   * 0 if there was none. When the promise settles, nobody writes into the memory any more.
   */
  run(program: number): Promise<number>;
  dispose(): Promise<void>;
}

export type CrewSetup = Omit<ThreadSetup, "worker" | "workers">;

/** Runs everything in the calling thread. */
export class InlineCrew implements Crew {
  readonly threads = 1;
  readonly #memory: WebAssembly.Memory;
  readonly #thread: Thread;

  constructor(setup: CrewSetup) {
    this.#memory = setup.memory;
    this.#thread = new Thread({ ...setup, worker: 0, workers: 1 });
  }

  load(loops: LoadedLoops): void {
    this.#thread.load(loops);
  }

  unload(loops: Pick<LoadedLoops, "base" | "count">): void {
    this.#thread.unload(loops);
  }

  async run(program: number): Promise<number> {
    await Promise.resolve();
    clearReport(this.#memory);
    this.#thread.run(program);
    return reportedError(this.#memory);
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}
