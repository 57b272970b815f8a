// The training itself: progress, checkpoints, and what happens on Ctrl-C.
import type { Backend, Module } from "@convoke/core";
import type { Dataset } from "@convoke/datasets";
import {
  checkpointFile,
  fit,
  progressBar,
  progressLines,
  type Callback,
  type History,
  type Precision,
} from "@convoke/train";
import { existsSync } from "node:fs";
import { readFile, rename } from "node:fs/promises";
import { listenForInterruption } from "./interruption.js";
import { openOptimizer } from "./optimizer-names.js";
import type { OutputFolder } from "./output-folder.js";
import { RunRecord } from "./run-record.js";
import type { Terminal } from "./terminal.js";
import { InterruptedError, UsageError } from "./usage-error.js";

/** The checkpoint of an earlier run that this one does not continue. */
const previousFile = "checkpoint.previous.safetensors";

export interface TrainingSettings {
  readonly model: string;
  readonly dataset: string;
  readonly limit?: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly optimizer: string;
  readonly lr?: number;
  readonly seed: number;
  readonly precision: Precision;
}

export interface TrainingRun {
  readonly settings: TrainingSettings;
  readonly terminal: Terminal;
  readonly folder: OutputFolder;
  readonly backend: Backend;
  readonly train: Dataset;
  readonly model: Module;
  /** Where to go on. */
  readonly checkpoint: Uint8Array | undefined;
}

/**
 * The checkpoint that an interrupted or finished run left in the folder.
 *
 * @throws UsageError when there is none.
 */
export async function readCheckpoint(folder: OutputFolder): Promise<Uint8Array> {
  const file = folder.file(checkpointFile);
  if (existsSync(file)) return new Uint8Array(await readFile(file));
  throw new UsageError({
    operation: "--resume",
    problem: `there is no "${file}".`,
    wayOut: "Start the run without --resume, or name the --out folder of the run that is to go on.",
  });
}

/**
 * Trains, and keeps a checkpoint after each epoch.
 *
 * @throws InterruptedError after Ctrl-C, when the checkpoint is written.
 */
export async function runTraining(run: TrainingRun): Promise<{ history: History; record: RunRecord }> {
  const { settings, terminal, folder, backend, train, model } = run;
  const { epochs, batchSize, seed, precision } = settings;
  const { optimizer, learningRate } = openOptimizer(settings.optimizer, settings.lr);
  const record = new RunRecord(
    {
      model: settings.model,
      dataset: settings.dataset,
      images: train.length,
      "batch size": batchSize,
      optimizer: settings.optimizer.toLowerCase(),
      "learning rate": learningRate,
      seed,
      precision,
    },
    epochs * Math.ceil(train.length / batchSize),
  );
  const save = checkpointWriter(folder, run.checkpoint !== undefined);
  const interruption = listenForInterruption(() => terminal.progress("\nstopping after this step …\n"));
  const keeping: Callback = {
    async onStepEnd(_, trainer) {
      if (!interruption.requested) return;
      await record.readLosses();
      await save(await trainer.checkpoint());
      trainer.stop("interrupted");
    },
    onEpochEnd: async (_, trainer) => save(await trainer.checkpoint()),
  };
  const show = { isInteractive: terminal.interactive, columns: terminal.columns, write: terminal.progress };
  try {
    const history = await fit(model, train, {
      optimizer,
      loss: "crossEntropy",
      metrics: ["accuracy"],
      epochs,
      batchSize,
      precision,
      backend,
      callbacks: [record.callback(), keeping],
      progress: terminal.interactive ? progressBar(show) : progressLines(show),
      // The record compares the seed of a run that goes on, with all other options.
      ...(run.checkpoint === undefined ? { seed } : { resume: run.checkpoint }),
    });
    if (interruption.requested && history.stopped !== undefined) throw interrupted(folder);
    return { history, record };
  } finally {
    interruption.release();
  }
}

/** Writes checkpoints. The first one of a new run does not overwrite that of an earlier run, but sets it aside. */
function checkpointWriter(folder: OutputFolder, resumes: boolean): (bytes: Uint8Array) => Promise<void> {
  let isOwn = resumes;
  return async (bytes) => {
    const file = folder.file(checkpointFile);
    if (!isOwn && existsSync(file)) await rename(file, folder.file(previousFile));
    isOwn = true;
    await folder.write(checkpointFile, bytes);
  };
}

function interrupted(folder: OutputFolder): InterruptedError {
  return new InterruptedError({
    operation: "train",
    problem: `stopped; "${folder.file(checkpointFile)}" holds the whole state of the run.`,
    wayOut: "Run the same command with --resume to go on exactly where it stopped.",
  });
}
