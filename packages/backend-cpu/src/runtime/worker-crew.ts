// A crew of workers over shared memory.
import { clearControlWords, clearReport, CONTROL_WORDS, reportedError } from "../memory/machine-memory.js";
import type { Crew, CrewSetup } from "./crew.js";
import type { LoadedLoops } from "./thread.js";
import { disposedDuringRun, lostWorker, noWorker } from "./worker-failure.js";
import type { FromWorker, ToWorker } from "./worker-messages.js";

/** A worker of the platform, Node's or the browser's. */
export interface PlatformWorker {
  send(message: ToWorker, transfer?: readonly ArrayBuffer[]): void;
  onMessage(listener: (message: FromWorker) => void): void;
  /** Called when the worker ends or fails without having been asked to. */
  onDeath(listener: (reason: string) => void): void;
  /** Whether the worker keeps the process alive. */
  hold(isHeld: boolean): void;
  terminate(): Promise<void>;
}

interface Run {
  /** Those that have not left it: all, until one fails. */
  readonly pending: Set<PlatformWorker>;
  failure: Error | undefined;
  resolve(): void;
  reject(error: Error): void;
}

/** Milliseconds between two wake-up calls to workers that wait for one that is gone. */
const WAKE_UP = 5;

// Control words (assembly/program.ts). STOPPED tells waiting workers to leave; they sleep at STEP.
const STEP = CONTROL_WORDS / 4 + 1;
const STOPPED = CONTROL_WORDS / 4 + 2;
const PROGRAM = CONTROL_WORDS / 4 + 4;
/** What a worker does between two runs, and whether the next one has begun. */
const callOf = (worker: number): number => CONTROL_WORDS / 4 + 16 * (2 + worker) + 2;
const RUNNING = 0;
const WAITING = 1;
const CALLED = 2;
const AWAY = 3;

/**
 * Calls a worker for the next run or to its messages, unless it is at them or was called already. Gives what it was doing.
 * Who is at its messages stays so: it would take a call for one that came without a message.
 */
function turn(words: Int32Array, worker: number, to: number): number {
  const at = callOf(worker);
  for (;;) {
    const before = Atomics.load(words, at);
    if (before !== RUNNING && before !== WAITING) return before;
    if (Atomics.compareExchange(words, at, before, to) !== before) continue;
    if (before === WAITING) Atomics.notify(words, at);
    return before;
  }
}

export class WorkerCrew implements Crew {
  readonly threads: number;
  readonly #setup: CrewSetup;
  readonly #spawn: () => PlatformWorker;
  /** What is loaded: a crew that starts again loads it again. */
  readonly #loaded = new Map<number, LoadedLoops>();
  #workers: readonly PlatformWorker[] | undefined;
  #starting: Promise<void> = Promise.resolve();
  #isDisposed = false;
  #run: Run | undefined;
  /** Whether workers must read messages before the next run. */
  #hasNews = true;

  constructor(setup: CrewSetup, options: { threads: number; spawn: () => PlatformWorker }) {
    this.#setup = setup;
    this.threads = options.threads;
    this.#spawn = options.spawn;
  }

  /**
   * Starts the workers, and resolves when all are ready.
   *
   * @throws BackendUnavailableError where workers cannot start.
   */
  start(): Promise<void> {
    return (this.#starting = this.#start());
  }

  load(loops: LoadedLoops): void {
    this.#loaded.set(loops.base, loops);
    this.#tell({ kind: "load", loops });
  }

  unload({ base, count }: Pick<LoadedLoops, "base" | "count">): void {
    this.#loaded.delete(base);
    this.#tell({ kind: "unload", loops: { base, count } });
  }

  async run(program: number): Promise<number> {
    // A crew that lost a worker starts again with the next run; the memory outlives it.
    if (this.#workers === undefined) await this.start();
    if (this.#isDisposed) throw disposedDuringRun();
    const workers = this.#workers!;
    const { memory } = this.#setup;
    clearReport(memory);
    // One that is held keeps the process alive.
    const [first] = workers;
    first!.hold(true);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#run = { pending: new Set(workers), failure: undefined, resolve, reject };
        this.#begin(workers, program);
      });
    } finally {
      this.#run = undefined;
      first!.hold(false);
    }
    return reportedError(memory);
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await this.#starting.catch(() => undefined);
    const workers = this.#workers ?? [];
    this.#workers = undefined;
    this.#run?.reject(disposedDuringRun());
    await terminateAll(workers);
  }

  /** Workers that still wait for the next run are called, the others get a message. */
  #begin(workers: readonly PlatformWorker[], program: number): void {
    const words = new Int32Array(this.#setup.memory.buffer);
    if (this.#hasNews) this.#recall();
    this.#hasNews = false;
    Atomics.store(words, PROGRAM, program);
    workers.forEach((worker, i) => {
      if (turn(words, i, CALLED) === AWAY) worker.send({ kind: "run", program });
    });
  }

  #tell(message: ToWorker): void {
    if (this.#workers === undefined) return;
    this.#hasNews = true;
    this.#recall();
    for (const worker of this.#workers) worker.send(message);
  }

  /** Workers that wait for the next run go back to their messages; one that was just called does so after its run. */
  #recall(): void {
    const words = new Int32Array(this.#setup.memory.buffer);
    for (let i = 0; i < this.threads; i++) turn(words, i, AWAY);
  }

  async #start(): Promise<void> {
    const workers: PlatformWorker[] = [];
    clearControlWords(this.#setup.memory);
    this.#hasNews = true;
    try {
      for (let i = 0; i < this.threads; i++) workers.push(this.#spawn());
      this.#workers = workers;
      const ready = workers.map(
        (worker) =>
          new Promise<void>((resolve, reject) => {
            worker.onMessage((message) => {
              if (message.kind === "ready") return resolve();
              // Before it is ready, what fails is its start.
              if (message.kind === "failed") reject(new Error(message.message));
              if (message.kind === "done") this.#finished();
              else this.#left(worker, message.kind === "failed" ? message.message : undefined);
            });
            worker.onDeath((reason) => {
              reject(new Error(reason));
              this.#left(worker, reason);
            });
          }),
      );
      workers.forEach((worker, i) => {
        worker.send({ kind: "start", setup: { ...this.#setup, worker: i, workers: this.threads } });
        for (const loops of this.#loaded.values()) worker.send({ kind: "load", loops });
      });
      await Promise.all(ready);
    } catch (error) {
      this.#workers = undefined;
      await terminateAll(workers);
      throw noWorker(error instanceof Error ? error.message : String(error));
    }
    for (const worker of workers) worker.hold(false);
  }

  /** The run has ended, unless a worker was lost meanwhile. */
  #finished(): void {
    if (this.#run?.failure === undefined) this.#run?.resolve();
  }

  /** A worker has left the run that failed, or it is lost: then `failure` says why. */
  #left(worker: PlatformWorker, failure?: string): void {
    const run = this.#run;
    if (run === undefined) {
      // One that is lost between runs: the next run starts new workers.
      if (failure !== undefined && this.#workers?.includes(worker)) void terminateAll(this.#giveUp());
      return;
    }
    if (!run.pending.delete(worker)) return;
    if (failure !== undefined && run.failure === undefined) {
      run.failure = lostWorker(failure);
      this.#stopOthers(run);
    }
    if (run.pending.size === 0) void terminateAll(this.#giveUp()).then(() => run.reject(run.failure!));
  }

  /**
   * The others would wait at the next barrier for ever. They are told to leave, and the run fails when all have: until
   * then they write into memory that the next run gets. A worker that looks just before it sleeps misses the call.
   */
  #stopOthers(run: Run): void {
    const words = new Int32Array(this.#setup.memory.buffer);
    Atomics.store(words, STOPPED, 1);
    for (const worker of run.pending) worker.send({ kind: "stop" });
    const wake = (): void => {
      Atomics.notify(words, STEP);
      if (run.pending.size > 0 && this.#run === run) setTimeout(wake, WAKE_UP);
    };
    wake();
  }

  #giveUp(): readonly PlatformWorker[] {
    const workers = this.#workers ?? [];
    this.#workers = undefined;
    return workers;
  }
}

async function terminateAll(workers: readonly PlatformWorker[]): Promise<void> {
  await Promise.all(workers.map((worker) => worker.terminate().catch(() => undefined)));
}
