// Lets somebody outside hold up or end a loop between two of its rounds.

/** How long a loop may keep messages waiting: less than a frame. */
const PATIENCE_MS = 10;

export class RunControl {
  #rested = 0;
  #isPaused = false;
  #isStopped = false;
  #isOver = false;
  #wake: (() => void) | undefined;
  #tasks: (() => Promise<void>)[] = [];

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#wake?.();
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake?.();
  }

  /**
   * For the loop, before each round: lets messages in, waits while it is paused, and tells whether it goes on. `onRest` is
   * called before it waits or ends.
   */
  async mayGoOn(onRest: () => void = () => undefined): Promise<boolean> {
    // Messages arrive as tasks: a loop that awaits only settled promises would never let one in. Browsers make such a
    // pause last 4 ms, so it is not made after every step of a fast run.
    if (performance.now() - this.#rested >= PATIENCE_MS) {
      await new Promise((resolve) => setTimeout(resolve));
      this.#rested = performance.now();
    }
    for (;;) {
      if (this.#isPaused || this.#isStopped) onRest();
      await this.#runTasks();
      if (this.#isStopped || !this.#isPaused) return !this.#isStopped;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** For the loop, when it ends for whatever reason. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#runTasks();
  }

  /** Runs `task` while the loop rests: before its next round, or at once when it is over. */
  async whileResting<T>(task: () => Promise<T>): Promise<T> {
    if (this.#isOver) return task();
    return new Promise((resolve, reject) => {
      this.#tasks.push(() => task().then(resolve, reject));
      this.#wake?.();
    });
  }

  async #runTasks(): Promise<void> {
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) await task();
  }
}
