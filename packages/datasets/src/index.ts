/**
 * Datasets for training: MNIST, Fashion-MNIST, drawn digits, your own arrays; and the loader that serves them in batches.
 *
 * @packageDocumentation
 */
export {
  arrayDataset,
  type ArrayDataset,
  type ArrayDatasetOptions,
  type ArrayField,
} from "./array-dataset.js";
export type { ByteSource, ReadOptions } from "./byte-source.js";
export {
  map,
  type Dataset,
  type Example,
  type FieldArray,
  type FieldArrays,
  type FieldBatch,
  type FieldDType,
  type Fields,
  type FieldSpec,
  type GatherContext,
  type SpareFields,
  type Transform,
  type TransformContext,
} from "./dataset.js";
export { DatasetError, type DatasetErrorParts } from "./dataset-error.js";
export { fetchSource } from "./fetch-source.js";
export { fileSource } from "./file-source.js";
export { parseIdx, readIdx, type IdxArray, type IdxOptions } from "./idx.js";
export { loader, type Batch, type EpochOptions, type Loader, type LoaderOptions } from "./loader.js";
export { fashionMnist, mnist, type DownloadProgress, type MnistOptions, type TrainTest } from "./mnist.js";
export { permutation, random, type Random } from "./random.js";
export { split, subset, take } from "./subset.js";
export { syntheticDigits, type SyntheticDigitsOptions } from "./synthetic-digits.js";
