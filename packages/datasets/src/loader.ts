import type { Dataset, Fields, SpareFields } from "./dataset.js";
import { DatasetError } from "./dataset-error.js";
import { permutation, random } from "./random.js";

/** Some examples of a dataset, and where in the run they stand. */
export interface Batch {
  /** How many examples: `batchSize`, or fewer in the last batch. */
  readonly size: number;
  /** Counted from 0. */
  readonly epoch: number;
  /** The batch's place in its epoch, counted from 0. */
  readonly index: number;
  /** One array per field, of shape [size, …shape of one example]. */
  readonly fields: Fields;
  /** The arrays stay as they are, unless the caller gives them up: whoever takes them need not copy them. */
  readonly lasting: true;
}

export interface LoaderOptions {
  /** Examples per batch. */
  readonly batchSize: number;
  /** A new random order in each epoch; without it, the dataset's own order. */
  readonly shuffle?: boolean;
  /** What the orders and the transforms' randomness hang on. Default 0. */
  readonly seed?: number;
  /** Leave out a last batch that is smaller than the others. */
  readonly dropLast?: boolean;
  /** How many batches are fetched ahead of the one in use. Default 2. */
  readonly prefetch?: number;
}

export interface EpochOptions {
  /** The first batch, for a run that goes on in mid-epoch. Default 0. */
  readonly from?: number;
  /**
   * Batches that the caller is done with, and puts in during the loop: they are taken out, and their arrays written over
   * where they fit.
   */
  readonly spare?: SpareFields[];
}

/** Serves a dataset in batches. Every batch is a function of the seed, the epoch and its index: it has no position of its own. */
export interface Loader {
  readonly dataset: Dataset;
  readonly batchSize: number;
  readonly seed: number;
  /** Batches per epoch. */
  readonly batches: number;
  /** The examples' numbers in the order of this epoch. */
  order(epoch: number): Uint32Array;
  /** The batches of an epoch, in order. Leaving the loop stops the fetching ahead. */
  epoch(epoch: number, options?: EpochOptions): AsyncGenerator<Batch, void, undefined>;
  /** One batch by itself. */
  batchAt(epoch: number, index: number): Promise<Batch>;
}

/**
 * Batches of a dataset, in a seeded order, fetched ahead.
 *
 * @throws DatasetError when the batch size is no positive integer, or no batch would come out.
 *
 * @example
 * ```ts
 * import { loader, syntheticDigits } from "@convoke/datasets";
 *
 * const { train } = syntheticDigits({ train: 100, test: 10 });
 * const batches = loader(train, { batchSize: 32, shuffle: true, seed: 1 });
 * for await (const { index, size, fields } of batches.epoch(0)) {
 *   console.log(index, size, fields.x?.shape); // 0 32 [ 32, 1, 28, 28 ] … the last batch has 4 examples
 * }
 * ```
 */
export function loader(dataset: Dataset, options: LoaderOptions): Loader {
  const { batchSize, shuffle = false, seed = 0, dropLast = false, prefetch = 2 } = options;
  requireInteger(`loader of ${dataset.name}`, "batchSize", batchSize, 1);
  requireInteger(`loader of ${dataset.name}`, "prefetch", prefetch, 0);
  requireInteger(`loader of ${dataset.name}`, "seed", seed, Number.MIN_SAFE_INTEGER);
  const batches = dropLast ? Math.floor(dataset.length / batchSize) : Math.ceil(dataset.length / batchSize);
  if (batches === 0) {
    throw new DatasetError({
      operation: `loader of ${dataset.name}`,
      got: `${dataset.length} examples and batches of ${batchSize}${dropLast ? " with dropLast" : ""}`,
      rule: "at least one batch must come out",
      wayOut: dropLast
        ? "Take a smaller batch size, or keep the last batch."
        : "Give a dataset with examples.",
    });
  }

  let known: { epoch: number; order: Uint32Array } | undefined;
  const order = (epoch: number): Uint32Array => {
    requireInteger(`loader of ${dataset.name}`, "epoch", epoch, 0);
    if (known?.epoch !== epoch) {
      const numbers = shuffle
        ? permutation(dataset.length, random(seed, epoch))
        : Uint32Array.from({ length: dataset.length }, (_, i) => i);
      known = { epoch, order: numbers };
    }
    return known.order;
  };

  const batchAt = async (epoch: number, index: number, spare?: SpareFields): Promise<Batch> => {
    if (!Number.isInteger(index) || index < 0 || index >= batches) {
      throw new DatasetError({
        operation: `loader of ${dataset.name}`,
        got: `batch ${index}`,
        rule: `an epoch has the batches 0 to ${batches - 1}`,
        wayOut: 'Stay below the loader\'s "batches".',
      });
    }
    const indices = order(epoch).subarray(index * batchSize, (index + 1) * batchSize);
    const fields = await dataset.gather(indices, { seed, epoch }, spare);
    return { size: indices.length, epoch, index, fields, lasting: true };
  };

  async function* epochFrom(
    epoch: number,
    { from = 0, spare }: EpochOptions = {},
  ): AsyncGenerator<Batch, void, undefined> {
    requireInteger(`loader of ${dataset.name}`, "from", from, 0);
    const ahead: Promise<Batch>[] = [];
    let next = from;
    for (let index = from; index < batches; index++) {
      while (next < batches && ahead.length <= prefetch) {
        const batch = batchAt(epoch, next++, spare?.pop());
        // Whoever leaves the loop early never awaits this one: its failure must not end the process.
        batch.catch(() => undefined);
        ahead.push(batch);
      }
      yield await ahead.shift()!;
    }
  }

  return {
    dataset,
    batchSize,
    seed,
    batches,
    order: (epoch) => order(epoch).slice(),
    epoch: epochFrom,
    batchAt: (epoch, index) => batchAt(epoch, index),
  };
}

function requireInteger(operation: string, what: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new DatasetError({
    operation,
    got: `${what} ${value}`,
    rule:
      least === Number.MIN_SAFE_INTEGER ? "it must be an integer" : `it must be an integer, ${least} or more`,
    wayOut: `Give another ${what}, or leave it out.`,
  });
}
