import { onnxRunner } from "@convoke/backend-onnxruntime";
import { BackendUnavailableError, useBackend } from "@convoke/core";
import type { OnnxRunner } from "@convoke/onnx";
import { formatReport, report } from "@convoke/shape-checker";
import { openBackend } from "../backends.js";
import { openDataset } from "../dataset-names.js";
import { takeProfile } from "../kernel-profile.js";
import { modelEntry, openModel } from "../model-names.js";
import { openOptimizer } from "../optimizer-names.js";
import { openOutputFolder } from "../output-folder.js";
import type { Terminal } from "../terminal.js";
import { finishTraining } from "../training-results.js";
import { readCheckpoint, runTraining, type TrainingSettings } from "../training-run.js";

export interface TrainOptions extends TrainingSettings {
  readonly dataDir?: string;
  readonly backend: string;
  readonly threads?: number;
  readonly profile?: boolean;
  readonly resume?: boolean;
  readonly out: string;
}

/** `convoke train`: trains a model, tests it, exports it and verifies the export. */
export async function trainCommand(options: TrainOptions, terminal: Terminal): Promise<void> {
  // Whatever can be refused is refused before anything is computed, names before files.
  const { dataDir, limit, seed, threads, profile } = options;
  modelEntry(options.model);
  openOptimizer(options.optimizer, options.lr);
  const backend = await openBackend(options.backend, { threads, profile });
  await useBackend(backend);
  const { train, test } = await openDataset(options.dataset, { dataDir, limit }, terminal);
  const classes = train.classes.length;
  const { model, inputShape } = openModel(options.model, { inputShape: train.inputShape, classes, seed });
  const shapeReport = report(model, inputShape);
  const folder = await openOutputFolder(options.out);
  const checkpoint = options.resume === true ? await readCheckpoint(folder) : undefined;
  const runner = await openRunner(threads, terminal);
  terminal.print(`${formatReport(shapeReport)}\n`);

  const shared = { settings: options, terminal, folder, backend, train, model };
  const { history, record } = await runTraining({ ...shared, checkpoint });
  const kernels = takeProfile(backend);
  await finishTraining({ ...shared, runner, test, shapeReport, history, record, profile: kernels });
}

/** ONNX Runtime for the verification. Where it is not installed, training goes on, and the result says so. */
async function openRunner(threads: number | undefined, terminal: Terminal): Promise<OnnxRunner | undefined> {
  try {
    return await onnxRunner({ threads });
  } catch (error) {
    if (!(error instanceof BackendUnavailableError)) throw error;
    terminal.progress(`model.onnx will not be verified: ${error.message}\n`);
    return undefined;
  }
}
