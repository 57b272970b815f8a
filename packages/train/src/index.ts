/**
 * Training: fit and evaluate, metrics, callbacks, progress, and checkpoints as safetensors.
 *
 * @packageDocumentation
 */
export type { BatchField, BatchSource, BatchTensors, HostBatch, TrainingData } from "./batch.js";
export type { Callback, CallbackState, Json, Run, StepInfo } from "./callback.js";
export { CheckpointError } from "./checkpoint-error.js";
export { checkpointFile } from "./checkpoint.js";
export {
  bestCheckpoint,
  earlyStopping,
  type BestCheckpointOptions,
  type EarlyStoppingOptions,
  type WatchOptions,
} from "./early-stopping.js";
export {
  evaluate,
  predict,
  predictAll,
  type EvaluateOptions,
  type Evaluation,
  type ForwardOption,
  type MeasureOptions,
} from "./evaluate.js";
export { fit, type CheckpointOptions, type FitOptions } from "./fit.js";
export type { EpochRecord, History } from "./history.js";
export { csvLogger, jsonLinesLogger, type LineSink } from "./loggers.js";
export { lossNames, type LossFunction, type LossName } from "./loss.js";
export {
  accuracy,
  binaryAccuracy,
  confusionMatrix,
  meanOf,
  perplexity,
  precisionRecallF1,
  topK,
  type Metric,
  type MetricName,
  type MetricTotal,
  type MetricValue,
} from "./metric.js";
export { NonFiniteStepError, type StepPlace } from "./non-finite.js";
export { loadParameters, saveParameters } from "./parameters.js";
export type { Precision } from "./precision.js";
export {
  progressBar,
  progressLines,
  type ProgressReporter,
  type ProgressStart,
  type ProgressStep,
  type Terminal,
} from "./progress.js";
export type { RecoverOptions } from "./recovery.js";
export {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsFile,
  type TensorData,
} from "./safetensors.js";
export type { ClipOptions } from "./training-step.js";
