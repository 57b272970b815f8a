// Counts the steps of a training run, and holds the run between two measurements.
import type { Callback, Run, StepInfo } from "@convoke/train";

interface Round {
  readonly start: number;
  readonly milliseconds: number;
  steps: number;
  resolve(stepsPerSecond: number): void;
}

/** A callback of `fit`. The run pauses after its first step, and goes on for as long as {@link StepClock.run} says. */
export class StepClock implements Callback {
  /** Resolves after the first step, which is the one that compiles. */
  readonly ready: Promise<unknown>;
  #round: Round;
  #go: () => void = () => undefined;
  #isStopped = false;

  constructor() {
    const { promise, round } = newRound(0);
    this.ready = promise;
    this.#round = round;
  }

  /** Lets the run go on; the steps per second. At the end the last step is done, and the run waits. */
  run(milliseconds: number): Promise<number> {
    const { promise, round } = newRound(milliseconds);
    this.#round = round;
    this.#go();
    return promise;
  }

  /** Ends the run, which must be waiting. */
  stop(): void {
    this.#isStopped = true;
    this.#go();
  }

  /** Is called when a step was started: the one before it is done. */
  async onStepEnd(info: StepInfo, run: Run): Promise<void> {
    const round = this.#round;
    round.steps++;
    if (performance.now() - round.start < round.milliseconds) return;
    await info.loss();
    const go = new Promise<void>((resolve) => (this.#go = resolve));
    round.resolve((1000 * round.steps) / (performance.now() - round.start));
    await go;
    if (this.#isStopped) run.stop("measured");
  }
}

function newRound(milliseconds: number): { promise: Promise<number>; round: Round } {
  let resolve: (stepsPerSecond: number) => void = () => undefined;
  const promise = new Promise<number>((settle) => (resolve = settle));
  return { promise, round: { start: performance.now(), milliseconds, steps: 0, resolve } };
}
