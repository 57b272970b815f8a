// A worker with a memory of its own, where memory cannot be shared: the calling thread keeps the books, and everything
// else goes by messages. They arrive in order, so what was written before a run is there when it starts.
import { Heap } from "../memory/heap.js";
import {
  memoryLimits,
  missingPages,
  RESERVED,
  type MachineMemory,
  type MemoryLimits,
} from "../memory/machine-memory.js";
import type { Crew, CrewSetup } from "./crew.js";
import type { LoadedLoops } from "./thread.js";
import type { PlatformWorker } from "./worker-crew.js";
import { disposedDuringRun, lostMemory, noWorker } from "./worker-failure.js";
import type { FromWorker } from "./worker-messages.js";

const PAGE = 65536;

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

/** Memory and crew in one worker. When it is lost, so are all values. */
export class RemoteMachine implements MachineMemory, Crew {
  readonly threads = 1;
  readonly heap: Heap;
  readonly limits: MemoryLimits;
  readonly #worker: PlatformWorker;
  readonly #reads: Waiting<Uint8Array<ArrayBuffer>>[] = [];
  readonly #runs: Waiting<number>[] = [];
  #pages: number;
  #failure: Error | undefined;

  private constructor(worker: PlatformWorker, limits: MemoryLimits) {
    this.#worker = worker;
    this.limits = limits;
    this.#pages = limits.pages;
    this.heap = new Heap({ start: RESERVED, grow: (end) => this.#grow(end) });
  }

  /** @throws BackendUnavailableError where no worker can start. */
  static async start(
    setup: Omit<CrewSetup, "memory">,
    { maximum, spawn }: { maximum: number; spawn: () => PlatformWorker },
  ): Promise<RemoteMachine> {
    const limits = memoryLimits({ maximum, shared: false });
    let worker: PlatformWorker | undefined;
    try {
      const started = spawn();
      worker = started;
      const machine = new RemoteMachine(started, limits);
      await new Promise<void>((resolve, reject) => {
        started.onMessage((message) => {
          if (message.kind === "ready") return resolve();
          if (message.kind === "failed") reject(new Error(message.message));
          machine.#receive(message);
        });
        started.onDeath((reason) => {
          reject(new Error(reason));
          machine.#fail(lostMemory(reason));
        });
        started.send({ kind: "start", setup: { ...setup, memory: limits, worker: 0, workers: 1 } });
      });
      started.hold(false);
      return machine;
    } catch (error) {
      await worker?.terminate();
      throw noWorker(error instanceof Error ? error.message : String(error));
    }
  }

  get size(): number {
    return this.#pages * PAGE;
  }

  write(address: number, bytes: Uint8Array): void {
    this.#assertAlive();
    const copy = new Uint8Array(bytes);
    this.#worker.send({ kind: "write", address, bytes: copy }, [copy.buffer]);
  }

  read(address: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#ask(this.#reads, () => this.#worker.send({ kind: "read", address, length }));
  }

  load(loops: LoadedLoops): void {
    this.#assertAlive();
    this.#worker.send({ kind: "load", loops });
  }

  unload({ base, count }: Pick<LoadedLoops, "base" | "count">): void {
    if (this.#failure === undefined) this.#worker.send({ kind: "unload", loops: { base, count } });
  }

  run(program: number): Promise<number> {
    return this.#ask(this.#runs, () => this.#worker.send({ kind: "run", program }));
  }

  async dispose(): Promise<void> {
    this.#fail(disposedDuringRun());
    await this.#worker.terminate();
  }

  async #ask<T>(line: Waiting<T>[], send: () => void): Promise<T> {
    this.#assertAlive();
    this.#worker.hold(true);
    try {
      return await new Promise<T>((resolve, reject) => {
        line.push({ resolve, reject });
        send();
      });
    } finally {
      if (this.#runs.length + this.#reads.length === 0) this.#worker.hold(false);
    }
  }

  #receive(message: FromWorker): void {
    if (message.kind === "done") this.#runs.shift()?.resolve(message.error);
    else if (message.kind === "bytes") this.#reads.shift()?.resolve(message.bytes);
    else if (message.kind === "failed") {
      this.#fail(lostMemory(message.message));
      this.#worker.terminate().catch(() => undefined);
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiting of [...this.#runs.splice(0), ...this.#reads.splice(0)]) waiting.reject(this.#failure);
  }

  #assertAlive(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The worker grows its memory when it gets there; if it cannot, it fails. */
  #grow(end: number): boolean {
    const missing = missingPages(end, this.#pages);
    if (missing === 0) return true;
    if (this.#pages + missing > this.limits.maximum || this.#failure !== undefined) return false;
    this.#pages += missing;
    this.#worker.send({ kind: "grow", pages: missing });
    return true;
  }
}
