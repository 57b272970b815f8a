/**
 * Convoke: builds and trains convolutional networks, and hands them over as verified ONNX. Layers, losses, models,
 * optimizers, training and datasets stand at top level; plain tensor operations under `ops`.
 *
 * @packageDocumentation
 */
export * from "@convoke/datasets";
export * from "@convoke/layers";
export * from "@convoke/models";
export * from "@convoke/optimizers";
export * from "@convoke/train";
export {
  BackendError,
  BackendUnavailableError,
  checkFinite,
  compile,
  ConvokeError,
  debug,
  defaultBackend,
  DTypeError,
  foldIn,
  grad,
  gradients,
  GradientError,
  kernelBackend,
  Module,
  ModuleError,
  NonFiniteError,
  DeviceLostError,
  OutOfMemoryError,
  randomKey,
  read,
  realize,
  reference,
  splitKey,
  Tensor,
  tensor,
  TraceError,
  UnsupportedOpError,
  useBackend,
  valueAndGrad,
  Variable,
  type Backend,
  type CompiledFunction,
  type Context,
  type DType,
  type Initializer,
  type TypedArray,
} from "@convoke/core";
export { autocast } from "@convoke/core/autocast";
export { formatShape, ShapeError, type Dim, type Shape } from "@convoke/shape";
// What the inferred types of users' functions over tensors name: their declarations have to find it here.
export type {
  Broadcast,
  BroadcastAll,
  BroadcastTo,
  Concat,
  ConvBy,
  ConvFor,
  ConvTransposeBy,
  DTypeOfData,
  Elementwise,
  Fits,
  FlattenShape,
  FormatShape,
  Gather,
  Given,
  GlobalPool,
  Indices,
  Indivisible,
  Literal,
  Matmul,
  Mismatch,
  NameOf,
  Ok,
  Pad,
  Padding,
  PerAxis,
  Permute,
  PoolBy,
  Range,
  Reduce,
  Repeat,
  Reshape,
  SameDType,
  ShapesOf,
  Slice,
  SliceRange,
  SpatialRule,
  Squeeze,
  Stack,
  Tile,
  Transpose,
  Unsqueeze,
  UpsampleShape,
} from "@convoke/core";
export { formatReport, report, type LayerReport, type ModelReport } from "@convoke/shape-checker";
export {
  ImportedModel,
  importOnnx,
  OnnxExportError,
  OnnxFormatError,
  OnnxUnsupportedError,
  OnnxVerificationError,
  readModel,
  writeModel,
  type DataFile,
  type ExportedModel,
  type ExternalDataOptions,
  type ImportOptions,
  type ModelMetadata,
  type OnnxModel,
  type OnnxRunner,
  type Preprocessing,
} from "@convoke/onnx";
export { cpu, type CpuBackend, type CpuOptions } from "@convoke/backend-cpu";
export {
  onnxRunner,
  onnxruntime,
  type OnnxRunnerOptions,
  type OnnxRuntimeOptions,
} from "@convoke/backend-onnxruntime";
export {
  profileTable,
  webgpu,
  type DeviceCounters,
  type KernelTime,
  type Profile,
  type Tuning,
  type WebGpuBackend,
  type WebGpuOptions,
} from "@convoke/backend-webgpu";
export { exportOnnx, importOnnxFile, type ExportOnnxOptions } from "./export-onnx.js";
export * as ops from "./ops.js";
