// Who runs programs: a crew of workers, or the calling thread where no worker can start.
import { Thread, type LoadedLoops, type ThreadSetup } from "./thread.js";

export interface Crew {
  readonly threads: number;
  load(loops: LoadedLoops): void;
  unload(loops: Pick<LoadedLoops, "base" | "count">): void;
  /** Runs a program whose words lie at `program`; one at a time. */
  run(program: number): Promise<void>;
  dispose(): Promise<void>;
}

export type CrewSetup = Omit<ThreadSetup, "worker" | "workers">;

/** Runs everything in the calling thread. */
export class InlineCrew implements Crew {
  readonly threads = 1;
  readonly #thread: Thread;

  constructor(setup: CrewSetup) {
    this.#thread = new Thread({ ...setup, worker: 0, workers: 1 });
  }

  load(loops: LoadedLoops): void {
    this.#thread.load(loops);
  }

  unload(loops: Pick<LoadedLoops, "base" | "count">): void {
    this.#thread.unload(loops);
  }

  async run(program: number): Promise<void> {
    await Promise.resolve();
    this.#thread.run(program);
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}
