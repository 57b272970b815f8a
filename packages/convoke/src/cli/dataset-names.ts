// The datasets by the names that the command gives them.
import { fashionMnist, mnist, syntheticDigits, take, type TrainTest } from "@convoke/datasets";
import { suggestion } from "./nearest-name.js";
import type { Terminal } from "./terminal.js";
import { UsageError } from "./usage-error.js";

export interface DatasetOptions {
  /** A folder with the files; without it they are downloaded and kept. */
  readonly dataDir?: string;
  /** Keep only the first so many training examples. */
  readonly limit?: number;
  /** Keep only the first so many test examples. */
  readonly testLimit?: number;
}

type Open = (options: DatasetOptions, terminal: Terminal) => Promise<TrainTest>;

const datasets: Readonly<Record<string, Open>> = {
  "synthetic-digits": ({ dataDir, limit, testLimit }) => {
    if (dataDir !== undefined) {
      throw new UsageError({
        operation: "--data-dir",
        problem: "synthetic-digits are drawn, they read no files.",
        wayOut: "Leave --data-dir out, or choose mnist or fashion-mnist.",
      });
    }
    return Promise.resolve(
      syntheticDigits({
        ...(limit === undefined ? {} : { train: limit }),
        ...(testLimit === undefined ? {} : { test: testLimit }),
      }),
    );
  },
  mnist: async (options, terminal) => limited(await mnist(fileOptions(options, terminal)), options),
  "fashion-mnist": async (options, terminal) =>
    limited(await fashionMnist(fileOptions(options, terminal)), options),
};

const notYet: Readonly<Record<string, string>> = { cifar10: "CIFAR-10", folder: "folders of images" };

export const datasetNames: readonly string[] = Object.keys(datasets);

/**
 * Opens the dataset of this name.
 *
 * @throws UsageError for a name that is not known, DatasetError for files that are missing or damaged.
 */
export async function openDataset(
  name: string,
  options: DatasetOptions,
  terminal: Terminal,
): Promise<TrainTest> {
  const open = Object.hasOwn(datasets, name) ? datasets[name] : undefined;
  if (open !== undefined) return open(options, terminal);
  const planned = notYet[name.split(":")[0]!];
  throw new UsageError({
    operation: "--dataset",
    problem:
      planned === undefined
        ? `there is no dataset "${name}".`
        : `this version does not read ${planned} ("${name}") yet.`,
    wayOut: suggestion(name, datasetNames),
  });
}

function fileOptions({ dataDir, limit }: DatasetOptions, terminal: Terminal) {
  let lastShown = 0;
  return {
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(limit === undefined ? {} : { limit }),
    onProgress: ({ file, loaded, total }: { file: string; loaded: number; total: number | undefined }) => {
      const isDone = loaded === total;
      if (!isDone && Date.now() - lastShown < (terminal.interactive ? 200 : 5000)) return;
      lastShown = Date.now();
      const share = total === undefined ? "" : ` of ${(total / 1e6).toFixed(1)}`;
      const line = `downloading ${file}: ${(loaded / 1e6).toFixed(1)}${share} MB`;
      terminal.progress(terminal.interactive ? `\r${line}${isDone ? "\n" : ""}` : `${line}\n`);
    },
  };
}

function limited(data: TrainTest, { testLimit }: DatasetOptions): TrainTest {
  return testLimit === undefined ? data : { train: data.train, test: take(data.test, testLimit) };
}
