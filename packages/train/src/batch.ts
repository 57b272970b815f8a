// Batches on their way from any source into the program.
import {
  ConvokeError,
  holds,
  isFloat,
  tensor,
  tensorOver,
  type DType,
  type Tensor,
  type TypedArray,
} from "@convoke/core";
import { loader, type Dataset, type EpochOptions } from "@convoke/datasets";
import { formatShape } from "@convoke/shape";

/** One field of a batch on the host: `shape[0]` examples, row after row. */
export interface BatchField {
  readonly data: TypedArray;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** What a source of batches gives. The arrays must stay as they are until the next batch but one was asked for. */
export interface HostBatch {
  readonly fields: Readonly<Record<string, BatchField>>;
  /** How many examples; by default the first dimension of the first field. */
  readonly size?: number;
  /** Whether the arrays stay as they are for good; then they are not copied. Default false. */
  readonly lasting?: boolean;
}

/** The fields of a batch as tensors. By convention `x` is the input and `y` the label. */
export type BatchTensors = Readonly<Record<string, Tensor>>;

/** Serves an epoch as often as it is asked for, from any batch on. The loader of `@convoke/datasets` is one. */
export interface BatchSource {
  /** Batches per epoch, where that is known. */
  readonly batches?: number;
  /** `spare` takes batches that were trained on, of sources with `batchAt`: whose arrays may be written over. */
  epoch(epoch: number, options?: EpochOptions): AsyncIterable<HostBatch> | Iterable<HostBatch>;
  /** One batch by itself, the same as in the epoch. Where this is missing, batches are kept until their loss is read. */
  batchAt?(epoch: number, index: number): Promise<HostBatch>;
}

/** A dataset, a loader, or anything that gives batches when it is iterated, once per epoch. */
export type TrainingData = Dataset | BatchSource | AsyncIterable<HostBatch> | Iterable<HostBatch>;

export interface BatchOptions {
  readonly batchSize?: number | undefined;
  readonly shuffle?: boolean | undefined;
  readonly seed?: number | undefined;
  readonly dropLast?: boolean | undefined;
}

/** A batch with its size. */
export interface SizedBatch extends HostBatch {
  readonly size: number;
}

/** `data` as a source of batches: a dataset gets a loader, an iterable is iterated anew for each epoch. */
export function batchesOf(data: TrainingData, options: BatchOptions): BatchSource {
  if (typeof data !== "object" || data === null) throw noData([]);
  if ("gather" in data) {
    const { batchSize = 32, shuffle = false, seed = 0, dropLast = false } = options;
    return loader(data, { batchSize, shuffle, seed, dropLast });
  }
  if ("epoch" in data) return data;
  if (!(Symbol.asyncIterator in data || Symbol.iterator in data)) throw noData(Object.keys(data));
  return { epoch: (_, { from = 0 } = {}) => skipping(data, from) };
}

function noData(keys: readonly string[]): ConvokeError {
  return new ConvokeError({
    operation: "data",
    problem: `got ${keys.length === 0 ? "no dataset" : `an object with ${keys.join(", ")}`}, but it must be a dataset, a loader, or batches that can be iterated.`,
    wayOut: keys.includes("train")
      ? "Take the parts: const { train, test } = await mnist(); fit(model, train, …)."
      : "Make a dataset with arrayDataset(…), mnist() or syntheticDigits(…).",
  });
}

async function* skipping(
  batches: AsyncIterable<HostBatch> | Iterable<HostBatch>,
  from: number,
): AsyncGenerator<HostBatch> {
  let index = 0;
  for await (const batch of batches) if (index++ >= from) yield batch;
}

/** The batches of one epoch, each with its size. */
export async function* epochOf(
  source: BatchSource,
  epoch: number,
  { from = 0, spare }: EpochOptions = {},
): AsyncGenerator<SizedBatch> {
  let count = 0;
  for await (const batch of source.epoch(epoch, { from, ...(spare && { spare }) })) {
    count++;
    yield { fields: batch.fields, size: batch.size ?? sizeOf(batch), lasting: batch.lasting ?? false };
  }
  if (count > 0 || from > 0) return;
  throw new ConvokeError({
    operation: "fit",
    problem: `the data gave no batches in epoch ${epoch}; every epoch needs at least one.`,
    wayOut:
      "Give a dataset, or an iterable that can be iterated again (a generator is used up after one epoch).",
  });
}

function sizeOf({ fields }: HostBatch): number {
  return Object.values(fields)[0]?.shape[0] ?? 0;
}

/** The fields as tensors for one run of a program. */
export function tensorsOf(batch: HostBatch): BatchTensors {
  const entries = Object.entries(batch.fields).map(([name, { data, shape, dtype }]) => {
    const made =
      batch.lasting === true && holds(dtype, data) ? tensorOver(data, { shape, dtype }) : undefined;
    return [name, made ?? tensor(data, { shape, dtype })] as const;
  });
  return Object.fromEntries(entries);
}

export function bytesOf(batch: HostBatch): number {
  return Object.values(batch.fields).reduce((sum, { data }) => sum + data.byteLength, 0);
}

/** The field of this name, or an error that lists those that there are. */
export function fieldOf(fields: BatchTensors, name: string): Tensor {
  const field = fields[name];
  if (field !== undefined) return field;
  throw new ConvokeError({
    operation: "batch",
    problem: `it has no field "${name}"; its fields are ${Object.keys(fields).join(", ") || "none"}.`,
    wayOut: `Name the field "${name}" in the dataset, or pass functions for "forward" and "loss" that use others.`,
  });
}

/** The field that feeds a model of one input: `x`, or else the first. */
export function inputOf(fields: BatchTensors): Tensor {
  return fields["x"] ?? Object.values(fields)[0] ?? fieldOf(fields, "x");
}

/** Where a batch holds a value that is not finite, in words. */
export function nonFiniteField(batch: HostBatch): string | undefined {
  for (const [name, { data, dtype, shape }] of Object.entries(batch.fields)) {
    if (!isFloat(dtype)) continue;
    const position = data.findIndex((value: number | bigint) => !Number.isFinite(Number(value)));
    if (position < 0) continue;
    return `field "${name}" ${formatShape(shape)} of the batch holds ${String(data[position])} at element ${position}`;
  }
  return undefined;
}
