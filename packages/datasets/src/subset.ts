import { checkIndex, type ArrayDataset } from "./array-dataset.js";
import type { Dataset } from "./dataset.js";
import { DatasetError } from "./dataset-error.js";
import { permutation, random } from "./random.js";

/**
 * The examples with these numbers, in this order; a number may come more than once. Nothing is copied.
 *
 * @throws DatasetError for a number that the dataset does not have.
 */
export function subset(dataset: ArrayDataset, indices: ArrayLike<number>): ArrayDataset;
export function subset(dataset: Dataset, indices: ArrayLike<number>): Dataset;
export function subset(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  const chosen = Array.from(indices);
  for (const index of chosen) checkIndex(`subset of ${dataset.name}`, index, dataset.length);
  const below = (index: number): number => {
    checkIndex(`subset of ${dataset.name}`, index, chosen.length);
    return chosen[index]!;
  };
  return {
    name: dataset.name,
    length: chosen.length,
    classes: dataset.classes,
    fields: dataset.fields,
    inputShape: dataset.inputShape,
    example: (index) => dataset.example(below(index)),
    gather: (wanted, context, spare) => dataset.gather(Array.from(wanted, below), context, spare),
  };
}

/** The first `limit` examples, or all where there are fewer. */
export function take(dataset: ArrayDataset, limit: number): ArrayDataset;
export function take(dataset: Dataset, limit: number): Dataset;
export function take(dataset: Dataset, limit: number): Dataset {
  if (!Number.isInteger(limit) || limit < 1) {
    throw new DatasetError({
      operation: `take from ${dataset.name}`,
      got: `limit ${limit}`,
      rule: "it must be a positive integer",
      wayOut: "Leave the limit out to use all examples.",
    });
  }
  return subset(
    dataset,
    Array.from({ length: Math.min(limit, dataset.length) }, (_, i) => i),
  );
}

/**
 * Two parts without a common example: `fraction` of the examples (rounded), drawn at random, and the rest.
 *
 * @example
 * ```ts
 * import { split, syntheticDigits } from "@convoke/datasets";
 *
 * const [train, validation] = split(syntheticDigits({ train: 100, test: 10 }).train, 0.9, 1);
 * console.log(train.length, validation.length); // 90 10
 * ```
 */
export function split(dataset: ArrayDataset, fraction: number, seed: number): [ArrayDataset, ArrayDataset];
export function split(dataset: Dataset, fraction: number, seed: number): [Dataset, Dataset];
export function split(dataset: Dataset, fraction: number, seed: number): [Dataset, Dataset] {
  if (!(fraction >= 0 && fraction <= 1)) {
    throw new DatasetError({
      operation: `split ${dataset.name}`,
      got: `fraction ${fraction}`,
      rule: "it must lie between 0 and 1",
      wayOut: "Give the share of the first part, for example 0.9.",
    });
  }
  const order = permutation(dataset.length, random(seed));
  const size = Math.round(dataset.length * fraction);
  return [subset(dataset, order.subarray(0, size)), subset(dataset, order.subarray(size))];
}
