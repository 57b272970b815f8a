// A crew of workers over shared memory.
import { BackendError } from "@convoke/core";
import type { Crew, CrewSetup } from "./crew.js";
import type { LoadedLoops } from "./thread.js";
import type { FromWorker, ToWorker } from "./worker-messages.js";

/** A worker of the platform, Node's or the browser's. */
export interface PlatformWorker {
  send(message: ToWorker): void;
  onMessage(listener: (message: FromWorker) => void): void;
  /** Called when the worker ends or fails without having been asked to. */
  onDeath(listener: (reason: string) => void): void;
  /** Whether the worker keeps the process alive. */
  hold(isHeld: boolean): void;
  terminate(): Promise<void>;
}

interface Run {
  pending: number;
  resolve(): void;
  reject(error: Error): void;
}

export class WorkerCrew implements Crew {
  readonly threads: number;
  readonly #setup: CrewSetup;
  readonly #spawn: () => PlatformWorker;
  /** What is loaded: a crew that starts again loads it again. */
  readonly #loaded = new Map<number, LoadedLoops>();
  #workers: PlatformWorker[] | undefined;
  #run: Run | undefined;

  constructor(setup: CrewSetup, options: { threads: number; spawn: () => PlatformWorker }) {
    this.#setup = setup;
    this.threads = options.threads;
    this.#spawn = options.spawn;
  }

  /** Starts the workers, and resolves when all are ready. */
  async start(): Promise<void> {
    const workers = Array.from({ length: this.threads }, () => this.#spawn());
    this.#workers = workers;
    const ready = workers.map(
      (worker) =>
        new Promise<void>((resolve, reject) => {
          worker.onMessage((message) => {
            if (message.kind === "ready") resolve();
            else this.#receive(message);
          });
          worker.onDeath((reason) => {
            reject(dead(reason));
            this.#fail(reason, workers);
          });
        }),
    );
    workers.forEach((worker, i) => {
      worker.send({ kind: "start", setup: { ...this.#setup, worker: i, workers: this.threads } });
      for (const loops of this.#loaded.values()) worker.send({ kind: "load", loops });
    });
    await Promise.all(ready);
    for (const worker of workers) worker.hold(false);
  }

  load(loops: LoadedLoops): void {
    this.#loaded.set(loops.base, loops);
    for (const worker of this.#workers ?? []) worker.send({ kind: "load", loops });
  }

  unload({ base, count }: Pick<LoadedLoops, "base" | "count">): void {
    this.#loaded.delete(base);
    for (const worker of this.#workers ?? []) worker.send({ kind: "unload", loops: { base, count } });
  }

  async run(program: number): Promise<void> {
    // A crew that lost a worker starts again with the next run; the memory outlives it.
    if (this.#workers === undefined) await this.start();
    const workers = this.#workers!;
    for (const worker of workers) worker.hold(true);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#run = { pending: workers.length, resolve, reject };
        for (const worker of workers) worker.send({ kind: "run", program });
      });
    } finally {
      this.#run = undefined;
      for (const worker of workers) worker.hold(false);
    }
  }

  async dispose(): Promise<void> {
    const workers = this.#workers ?? [];
    this.#workers = undefined;
    this.#run?.reject(dead("the backend was disposed while a program ran"));
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #receive(message: FromWorker): void {
    if (this.#run === undefined) return;
    if (message.kind === "failed") this.#fail(message.message, this.#workers ?? []);
    else if (--this.#run.pending === 0) this.#run.resolve();
  }

  /** One worker is lost: the others would wait for it for ever. */
  #fail(reason: string, workers: readonly PlatformWorker[]): void {
    if (this.#workers !== workers) return;
    this.#workers = undefined;
    for (const worker of workers) worker.terminate().catch(() => undefined);
    this.#run?.reject(dead(reason));
  }
}

function dead(reason: string): BackendError {
  return new BackendError({
    operation: 'backend "cpu"',
    problem: `a worker stopped: ${reason}.`,
    wayOut: "State keeps its values from before the run, and the next run starts new workers; try it again.",
  });
}
