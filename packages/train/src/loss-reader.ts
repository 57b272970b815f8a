// Reads the losses of steps that were started, now and then: reading must not hold up the next step.
import { bytesOf, type SizedBatch } from "./batch.js";
import type { StepPlace } from "./non-finite.js";

/** A step whose loss has not been read. Should it have failed, its batch is run again to find the layer. */
export interface Unread {
  readonly place: StepPlace;
  readonly number: number;
  readonly size: number;
  /** The batch; none where the source can make it again, for arrays that live long make the collector work. */
  readonly batch: SizedBatch | undefined;
}

interface LossReaderParts {
  /** Waits for the steps that were started; the losses of the latest ones by number, and the number of one that failed. */
  readonly read: () => Promise<{ losses: Float64Array; failed: number | undefined }>;
  /** The error of a step that failed. */
  readonly explain: (failed: Unread) => Promise<Error>;
  /** Takes what was read, in the order of the steps. */
  readonly take: (read: readonly { loss: number; size: number }[]) => void;
}

/** Host bytes of batches that may wait for their loss to be read. */
const KEPT_BYTES = 64 * 2 ** 20;

export class LossReader {
  readonly #parts: LossReaderParts;
  readonly #most: number;
  #unread: Unread[] = [];
  #reading: Promise<void> = Promise.resolve();
  /** The losses of this epoch that were read, by the number of their batch. */
  readonly #known = new Map<number, number>();

  /** @param most how many steps may wait */
  constructor(most: number, parts: LossReaderParts) {
    this.#most = most;
    this.#parts = parts;
  }

  add(step: Unread): void {
    this.#unread.push(step);
  }

  /** Whether as much waits as may. */
  get isDue(): boolean {
    const bytes = this.#unread.reduce(
      (sum, { batch }) => sum + (batch === undefined ? 0 : bytesOf(batch)),
      0,
    );
    return this.#unread.length >= this.#most || bytes > KEPT_BYTES;
  }

  /** Reads the losses of all steps that were started; one reading after the other. */
  read(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#readNow());
    void this.settled();
    return this.#reading;
  }

  /** Waits for the reading that is under way, whatever comes of it. */
  settled(): Promise<void> {
    return this.#reading.catch(() => undefined);
  }

  /** Reads, and gives the loss of one step of this epoch. */
  async lossOf(number: number): Promise<number> {
    await this.read();
    return this.#known.get(number) ?? NaN;
  }

  startEpoch(): void {
    this.#known.clear();
  }

  /** Forgets what waits, and that a reading failed. */
  reset(): void {
    this.#reading = Promise.resolve();
    this.#unread = [];
  }

  async #readNow(): Promise<void> {
    const unread = this.#unread;
    if (unread.length === 0) return;
    this.#unread = [];
    const { losses, failed } = await this.#parts.read();
    const read: { loss: number; size: number }[] = [];
    for (const step of unread) {
      const { number, size } = step;
      if (number === failed) throw await this.#parts.explain(step);
      const loss = losses[number % losses.length]!;
      this.#known.set(number, loss);
      read.push({ loss, size });
    }
    this.#parts.take(read);
  }
}
