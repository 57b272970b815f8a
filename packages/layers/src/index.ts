export {
  Activation,
  celu,
  elu,
  gelu,
  geluTanh,
  hardSigmoid,
  hardSwish,
  hardTanh,
  leakyRelu,
  logSigmoid,
  logSoftmax,
  mish,
  relu,
  relu6,
  selu,
  sigmoid,
  silu,
  softmax,
  softplus,
  softsign,
  tanh,
  tanhShrink,
  type AlongAxis,
  type AlphaOptions,
  type HardTanhOptions,
} from "./activation.js";
export type { Appended, Around, Branches, Broken, Chain, Outcome, RunBehindInput } from "./chain.js";
export {
  crossEntropy,
  nllLoss,
  softmaxCrossEntropy,
  type ClassLossOptions,
  type CrossEntropyOptions,
  type Labels,
} from "./classification-losses.js";
export {
  Conv,
  conv1d,
  conv2d,
  conv3d,
  ConvTranspose,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  type Convolution,
  type ConvOptions,
  type ConvTransposeOptions,
  type TransposedConvolution,
} from "./convolution.js";
export { Dense, dense, type DenseOptions, type FullyConnected } from "./dense.js";
export { Dropout, dropout } from "./dropout.js";
export { Embedding, embedding, type Embedded, type EmbeddingOptions } from "./embedding.js";
export { DeclaredModel, type InputTree, type TensorsOf } from "./declared-model.js";
export { identity, Lambda, lambda, model, type Applying } from "./functional.js";
export { FunctionalModel, type PartRecord } from "./functional-model.js";
export {
  constant,
  fansOf,
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  lecunNormal,
  lecunUniform,
  normal,
  ones,
  orthogonal,
  truncatedNormal,
  uniform,
  zeros,
  type Fans,
  type GainOptions,
  type HeOptions,
  type NormalOptions,
} from "./initializers.js";
export { input, InputSpec, type InputOptions } from "./input.js";
export { assertLabels } from "./labels.js";
export type {
  AnyModule,
  DTypeFrom,
  Kind,
  Kinded,
  OutputOf,
  SameShape,
  Signature,
  Step,
  Taking,
} from "./kind.js";
export { Layer, type LayerOptions } from "./layer.js";
export {
  bce,
  bceWithLogits,
  binaryCrossEntropy,
  huber,
  klDiv,
  l1,
  mse,
  smoothL1,
  type KlDivOptions,
} from "./losses.js";
export {
  Flatten,
  flatten,
  SwapAxes,
  swapAxes,
  Upsample,
  upsample2d,
  type Flattened,
  type SwappedAxes,
  type UpsampleOptions,
  type Upsampling,
} from "./movement.js";
export {
  BatchNorm,
  batchNorm,
  groupNorm,
  instanceNorm,
  layerNorm,
  LocalResponseNorm,
  localResponseNorm,
  Norm,
  type BatchNormOptions,
  type GroupNormOptions,
  type LayerNormOptions,
  type LocalResponseNormOptions,
  type NormOptions,
  type OverLastAxes,
  type PerChannel,
  type PerGroup,
} from "./normalization.js";
export {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  globalAvgPool1d,
  globalAvgPool2d,
  globalMaxPool1d,
  globalMaxPool2d,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  Pool,
  type AdaptivePooling,
  type AdaptivePoolOptions,
  type AvgPoolOptions,
  type GlobalPooling,
  type MaxPoolOptions,
  type Pooling,
} from "./pooling.js";
export { type LossOptions, type Reduction } from "./reduction.js";
export { DenseBlock, denseBlock, Parallel, parallel, type ParallelOptions } from "./parallel.js";
export { Residual, residual, type ResidualOptions } from "./residual.js";
export {
  InputModel,
  Sequential,
  sequential,
  type Composed,
  type Fixed,
  type LayerRecord,
  type Model,
  type ModelOf,
} from "./sequential.js";
