import { md5 } from "@noble/hashes/legacy.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { openCache } from "#storage";
import { arrayDataset, type ArrayDataset } from "./array-dataset.js";
import type { ByteSource } from "./byte-source.js";
import { DatasetError } from "./dataset-error.js";
import { fetchSource } from "./fetch-source.js";
import { fileSource } from "./file-source.js";
import { readIdx, type IdxArray } from "./idx.js";
import { take } from "./subset.js";

/**
 * The MD5 digest under which the official files are known: it tells a damaged download from a whole one, and is no
 * protection against somebody who forges a file.
 */
function checksum(bytes: Uint8Array): string {
  return bytesToHex(md5(bytes));
}

/** How far a download is. */
export interface DownloadProgress {
  readonly dataset: string;
  readonly file: string;
  /** Bytes of this file so far. */
  readonly loaded: number;
  /** Bytes of this file, where the server says it. */
  readonly total: number | undefined;
}

export interface MnistOptions {
  /** Read the four files from this folder (`.gz` or unpacked) and download nothing. Node only. */
  readonly dataDir?: string;
  /** Where downloads are kept: in Node a folder, default ~/.cache/convoke; in a browser the name of a cache. */
  readonly cacheDir?: string;
  /** Download from here instead of the usual places. */
  readonly baseUrl?: string;
  /** Keep only the first so many training examples. All test examples stay. */
  readonly limit?: number;
  /** Subtracted after scaling to [0, 1]. Default 0. */
  readonly mean?: number;
  /** Divided by after subtracting the mean. Default 1. */
  readonly std?: number;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Ends a download. */
  readonly signal?: AbortSignal;
}

/** A dataset with its customary division. */
export interface TrainTest {
  readonly train: ArrayDataset;
  readonly test: ArrayDataset;
}

interface Collection {
  readonly name: string;
  readonly classes: readonly string[];
  /** Tried in this order. */
  readonly urls: readonly string[];
  /** MD5 of the official packed files. */
  readonly checksums: Readonly<Record<FileName, string>>;
}

type FileName = (typeof FILES)[number];

const FILES = [
  "train-images-idx3-ubyte",
  "train-labels-idx1-ubyte",
  "t10k-images-idx3-ubyte",
  "t10k-labels-idx1-ubyte",
] as const;

/** Far above the largest official file (26,421,880 bytes packed, 47,040,016 unpacked). */
const MAX_FILE_BYTES = 256 * 2 ** 20;

const MNIST: Collection = {
  name: "mnist",
  classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
  // Mirrors of the files that yann.lecun.com no longer serves; the first is the one that torchvision uses.
  urls: [
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
  ],
  checksums: {
    "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
  },
};

const FASHION_MNIST: Collection = {
  name: "fashion-mnist",
  classes: [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
  ],
  // Keras's mirror (over TLS), then the address in Zalando's own README.
  urls: [
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
  ],
  checksums: {
    "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
  },
};

/**
 * MNIST: 60,000 training and 10,000 test images of handwritten digits (LeCun, Cortes and Burges).
 * Field `x` is float32 [1, 28, 28] in [0, 1], ink bright; `y` the digit as int32.
 *
 * The four official files come from `dataDir`, or else from the cache, or else are downloaded into it
 * and compared with their MD5. In a browser the usual places may refuse foreign pages: give the `baseUrl` of your own copy.
 *
 * @throws DatasetError when files are missing, damaged or do not fit together, or the download fails.
 */
export function mnist(options: MnistOptions = {}): Promise<TrainTest> {
  return open(MNIST, options);
}

/**
 * Fashion-MNIST: 60,000 training and 10,000 test images of clothes in 10 classes, in MNIST's format
 * (Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset", 2017). Options, fields and errors as for {@link mnist}.
 */
export function fashionMnist(options: MnistOptions = {}): Promise<TrainTest> {
  return open(FASHION_MNIST, options);
}

async function open(collection: Collection, options: MnistOptions): Promise<TrainTest> {
  const read =
    options.dataDir === undefined
      ? downloader(collection, options)
      : folderReader(collection, fileSource(options.dataDir));
  // One after the other: the progress of one file at a time can be shown, and one failure is the only one.
  const arrays = new Map<FileName, IdxArray>();
  for (const file of FILES) arrays.set(file, await read(file));
  const part = (images: FileName, labels: FileName): ArrayDataset =>
    labelled(
      collection,
      options,
      { file: images, ...arrays.get(images)! },
      { file: labels, ...arrays.get(labels)! },
    );
  const train = part("train-images-idx3-ubyte", "train-labels-idx1-ubyte");
  const test = part("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte");
  return { train: options.limit === undefined ? train : take(train, options.limit), test };
}

type Reader = (file: FileName) => Promise<IdxArray>;

/** Reads files from a folder, under the names that they have there. */
function folderReader(collection: Collection, source: ByteSource): Reader {
  return async (file) => {
    const names = [`${file}.gz`, file, file.replace("-idx", ".idx")];
    for (const name of names) {
      const bytes = await source.read(name, { maxBytes: MAX_FILE_BYTES });
      if (bytes) return readIdx(bytes, { file: name });
    }
    throw new DatasetError({
      operation: collection.name,
      got: `no "${file}.gz" in ${source.description}`,
      rule: "the data folder must hold the four official files",
      wayOut: `Put these there, packed or not: ${fileList()}.`,
    });
  };
}

/** Reads files from the cache, and downloads into it what is missing or damaged. */
function downloader(collection: Collection, options: MnistOptions): Reader {
  const { cacheDir, baseUrl, onProgress, signal } = options;
  const cache = openCache(collection.name, cacheDir);
  const sources = (baseUrl === undefined ? collection.urls : [baseUrl]).map(fetchSource);
  return async (file) => {
    const name = `${file}.gz`;
    const expected = collection.checksums[file];
    const kept = await cache.read(name, { maxBytes: MAX_FILE_BYTES });
    if (kept && checksum(kept) === expected) return readIdx(kept, { file: name });

    const failures: Error[] = [];
    for (const source of sources) {
      try {
        const bytes = await source.read(name, {
          maxBytes: MAX_FILE_BYTES,
          onBytes: (loaded, total) => onProgress?.({ dataset: collection.name, file: name, loaded, total }),
          ...(signal ? { signal } : {}),
        });
        const found = bytes && checksum(bytes);
        if (bytes && found === expected) {
          const array = await readIdx(bytes, { file: name });
          await cache.write(name, bytes);
          return array;
        }
        failures.push(
          new Error(
            bytes
              ? `${source.description}: its MD5 is ${found}, not ${expected}`
              : `${source.description}: not there`,
          ),
        );
      } catch (error) {
        if (!(error instanceof DatasetError) || signal?.aborted) throw error;
        failures.push(error);
      }
    }
    throw new DatasetError(
      {
        operation: collection.name,
        got: `no "${name}" in ${cache.description}, and none by download (${failures.map(firstLine).join("; ")})`,
        rule: "the official files are needed",
        wayOut:
          `Without a network: put ${fileList()} in a folder and pass it as dataDir (--data-dir), ` +
          "or use syntheticDigits(), which needs no files.",
      },
      { cause: failures[0] },
    );
  };
}

const firstLine = (error: Error): string => (error.message.split("\n")[0] ?? "").replace(/\.$/, "");

const fileList = (): string => FILES.map((file) => `${file}.gz`).join(", ");

interface NamedArray extends IdxArray {
  readonly file: string;
}

function labelled(
  collection: Collection,
  { mean = 0, std = 1 }: MnistOptions,
  images: NamedArray,
  labels: NamedArray,
): ArrayDataset {
  const [count, ...size] = images.shape;
  if (size.join() !== "28,28" || !(images.data instanceof Uint8Array)) {
    throw new DatasetError({
      operation: `${collection.name}: ${images.file}`,
      got: `an array of shape [${images.shape.join(", ")}]`,
      rule: "images are bytes of shape [n, 28, 28]",
      wayOut: "Check that this is the file of the images.",
    });
  }
  if (labels.shape.length !== 1 || labels.shape[0] !== count) {
    throw new DatasetError({
      operation: `${collection.name}: ${labels.file}`,
      got: `labels of shape [${labels.shape.join(", ")}]`,
      rule: `"${images.file}" has ${count} images, and each needs one label`,
      wayOut: "Check that the two files belong together.",
    });
  }
  return arrayDataset({
    name: collection.name,
    classes: collection.classes,
    fields: {
      x: { data: images.data, shape: [1, 28, 28], scale: 1 / 255, mean, std },
      y: { data: labels.data, shape: [], dtype: "int32" },
    },
  });
}
