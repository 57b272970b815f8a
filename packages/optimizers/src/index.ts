/**
 * Optimizers, learning-rate schedules, clipping and averaging: over lists of Variables, knowing nothing of layers.
 *
 * @packageDocumentation
 */
export {
  adam,
  adamax,
  adamW,
  nadam,
  radam,
  type AdamOptions,
  type MomentOptions,
  type NadamOptions,
} from "./adam.js";
export {
  adadelta,
  adagrad,
  rmsProp,
  type AdadeltaOptions,
  type AdagradOptions,
  type RmsPropOptions,
} from "./adaptive.js";
export { movingAverage, type MovingAverage } from "./averaging.js";
export { clipByGlobalNorm, clipByValue, globalNorm } from "./clipping.js";
export {
  averagedSgd,
  rProp,
  sgd,
  type AveragedSgdOptions,
  type RPropOptions,
  type SgdOptions,
} from "./gradient-descent.js";
export {
  optimizerOf,
  updateOp,
  type Algorithm,
  type Optimizer,
  type OptimizerState,
  type UpdateRule,
} from "./optimizer.js";
export {
  isPlateauSchedule,
  reduceOnPlateau,
  type PlateauOptions,
  type PlateauSchedule,
  type PlateauState,
} from "./plateau.js";
export {
  cosine,
  cosineRestarts,
  cosineWave,
  exponential,
  held,
  learningRateAt,
  linear,
  multiStep,
  oneCycle,
  polynomial,
  sequence,
  stepDecay,
  triangular,
  warmup,
  type LearningRate,
  type Schedule,
} from "./schedule.js";
export { stateVariable } from "./state-variable.js";
