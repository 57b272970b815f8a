// What comes out of a training run: its test, the verified export, and the files.
import type { Profile } from "@convoke/backend-webgpu";
import type { Backend, Module } from "@convoke/core";
import type { Dataset } from "@convoke/datasets";
import { exportOnnx, type OnnxRunner } from "@convoke/onnx";
import { formatReport, type ModelReport } from "@convoke/shape-checker";
import { evaluate, saveParameters, type History } from "@convoke/train";
import { profileText } from "./kernel-profile.js";
import { svgCurves, textCurve } from "./loss-curve.js";
import type { OutputFolder } from "./output-folder.js";
import type { RunRecord } from "./run-record.js";
import type { Terminal } from "./terminal.js";
import type { TrainingSettings } from "./training-run.js";

export interface TrainedModel {
  readonly settings: TrainingSettings;
  readonly terminal: Terminal;
  readonly folder: OutputFolder;
  readonly backend: Backend;
  /** Undefined where ONNX Runtime is not installed: then the export is not verified. */
  readonly runner: OnnxRunner | undefined;
  readonly train: Dataset;
  readonly test: Dataset;
  readonly model: Module;
  readonly shapeReport: ModelReport;
  readonly history: History;
  readonly record: RunRecord;
  /** The time of each kernel in training, where it was taken. */
  readonly profile: Profile | undefined;
}

/** Tests the model, exports and verifies it, writes all files, and tells the result. */
export async function finishTraining(trained: TrainedModel): Promise<void> {
  const { settings, terminal, folder, backend, runner, train, test, model, history, record } = trained;
  const { profile } = trained;
  terminal.progress(`testing on ${test.length.toLocaleString("en-US")} images …\n`);
  const measured = await evaluate(model, test, {
    loss: "crossEntropy",
    metrics: ["accuracy"],
    batchSize: 250,
    backend,
  });
  const curve = record.lossCurve();
  terminal.print(`\n${textCurve(curve, { columns: terminal.columns })}\n`);

  const exported = await exportOnnx(model, {
    name: settings.model,
    metadata: {
      classes: train.classes,
      preprocessing: { layout: "NCHW", range: [0, 1], mean: [0], std: [1] },
      entries: { "convoke.dataset": settings.dataset },
    },
    ...(runner === undefined ? {} : { verify: runner }),
  });
  const seconds = history.seconds;
  const lossScale = history.epochs.at(-1)?.lossScale;
  const result = {
    testAccuracy: measured.accuracy ?? null,
    testLoss: measured.loss ?? null,
    trainImagesPerSecond: history.examples === 0 ? null : history.examples / seconds,
    epochs: settings.epochs,
    parameters: trained.shapeReport.totals.parameters,
    backend: backend.name,
    onnxMaxAbsDiff: exported.maxAbsDiff ?? null,
    onnxRunner: runner?.name ?? null,
    model: settings.model,
    dataset: settings.dataset,
    trainImages: train.length,
    testImages: test.length,
    batchSize: settings.batchSize,
    optimizer: settings.optimizer,
    seed: settings.seed,
    precision: settings.precision,
    ...(lossScale !== undefined && { lossScale }),
    steps: history.steps,
    seconds,
    out: folder.path,
  };
  const verdict = lines(result);
  const parameters = await saveParameters(model, {
    metadata: { model: settings.model, dataset: settings.dataset },
  });
  const title = `${settings.model} on ${settings.dataset}: test accuracy ${percent(result.testAccuracy)}`;
  // Everything is computed by now: only a full disk can still come between the files.
  await folder.write("model.safetensors", parameters);
  await folder.write(
    "metrics.jsonl",
    `${record.jsonLines()}${JSON.stringify({ kind: "result", ...result })}\n`,
  );
  await folder.write("curve.svg", svgCurves(title, [curve]));
  await folder.write("summary.txt", `${[formatReport(trained.shapeReport), "", ...verdict].join("\n")}\n`);
  await folder.write("model.onnx", exported.bytes);

  const files = ["model.onnx", "model.safetensors", "metrics.jsonl", "summary.txt", "curve.svg"];
  terminal.print(`${verdict.join("\n")}\n\nwritten to ${folder.path}: ${files.join(", ")}`);
  if (profile !== undefined) terminal.print(`\n${profileText(profile)}`);
  terminal.result({ ...result, ...(profile && { profile }) });
}

function lines(result: {
  testAccuracy: number | null;
  testLoss: number | null;
  trainImagesPerSecond: number | null;
  testImages: number;
  seconds: number;
  backend: string;
  onnxMaxAbsDiff: number | null;
  onnxRunner: string | null;
}): string[] {
  const { testAccuracy, testLoss, trainImagesPerSecond: speed, onnxMaxAbsDiff, onnxRunner } = result;
  const speedText = speed === null ? "" : `, ${Math.round(speed).toLocaleString("en-US")} images/s`;
  return [
    `test accuracy   ${percent(testAccuracy)} of ${result.testImages.toLocaleString("en-US")} images, loss ${testLoss?.toFixed(4) ?? "-"}`,
    `training        ${result.seconds.toFixed(1)} s on ${result.backend}${speedText}`,
    onnxMaxAbsDiff === null
      ? "model.onnx      not verified: ONNX Runtime is not installed (npm install onnxruntime-node)"
      : `model.onnx      verified in ${onnxRunner}, largest difference ${onnxMaxAbsDiff.toExponential(1)}`,
  ];
}

function percent(share: number | null): string {
  return share === null ? "-" : `${(100 * share).toFixed(2)} %`;
}
