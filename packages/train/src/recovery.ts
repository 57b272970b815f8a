// Going on after the device was lost: a copy of the run on the host, and the way back to it.
import { ConvokeError, DeviceLostError, type Backend } from "@convoke/core";
import type { Checkpoint, RunPosition } from "./checkpoint.js";

export interface RecoverOptions {
  /**
   * After how many updates the run is copied to the host, or after each epoch (the default): so much is repeated at most.
   * A copy takes as many bytes as a checkpoint, and the time to read them.
   */
  readonly every?: number | "epoch";
}

/** What a run needs to go on from some place. */
export interface Kept {
  readonly checkpoint: Checkpoint;
  /** Examples seen until then. */
  readonly examples: number;
  /** Where the run lived. */
  readonly home: Backend;
}

/** Losses after which a run gives up, when it never comes as far as its next copy: something in it makes them. */
const MOST_LOSSES = 3;

/** Whether it is time for what is done after every so many steps; sums of gradients are whole then. */
export function isDueAfterStep(every: number | "epoch" | undefined, { step, group }: RunPosition): boolean {
  return typeof every === "number" && group.batches === 0 && step % every === 0;
}

export class Recovery {
  readonly #every: number | "epoch" | undefined;
  /** Batches that were done in each epoch since the copy: repeated, it must have as many. */
  readonly #done = new Map<number, number>();
  #kept: Kept | undefined;
  #losses = 0;

  constructor(options: RecoverOptions | false | undefined) {
    this.#every = options === false ? undefined : (options?.every ?? "epoch");
  }

  /** Whether a copy helps: the backend can open another device, and it is wanted. */
  servesOn(backend: Backend): boolean {
    return this.#every !== undefined && backend.recover !== undefined;
  }

  /** Whether a copy is due after a step. */
  isDueAfter(position: RunPosition): boolean {
    return isDueAfterStep(this.#every, position);
  }

  /** Whether a copy is due after an epoch. */
  get isDueAfterEpoch(): boolean {
    return this.#every === "epoch";
  }

  keep(kept: Kept): void {
    // Callbacks may go on to change what they gave.
    this.#kept = { ...kept, checkpoint: structuredClone(kept.checkpoint) };
    this.#losses = 0;
    this.#done.clear();
  }

  noteStep({ epoch, batch }: RunPosition): void {
    this.#done.set(epoch, Math.max(batch, this.#done.get(epoch) ?? 0));
  }

  /** @throws ConvokeError when an epoch that is repeated ends before the place that it had come to. */
  assertRepeated({ epoch, batch }: RunPosition): void {
    const before = this.#done.get(epoch) ?? 0;
    if (batch >= before) return;
    throw new ConvokeError({
      operation: "fit",
      problem: `the device was lost, and batches had to be repeated; but epoch ${epoch} now ended after ${batch}, where it had given ${before} before.`,
      wayOut:
        "Give a dataset, or an iterable that can be iterated again (a generator is used up after one epoch).",
    });
  }

  /** After a loss: opens another device, and gives the copy to go back to. Any other error is thrown again. */
  async after(error: unknown): Promise<Kept> {
    const kept = this.#kept;
    if (!(error instanceof DeviceLostError) || kept === undefined) throw error;
    if (error.lost.recover === undefined || ++this.#losses > MOST_LOSSES) throw error;
    await error.lost.recover();
    return kept;
  }
}
