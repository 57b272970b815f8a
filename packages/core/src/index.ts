export { allocate, byteLength, dtypes, holds, isDType, isFloat } from "./dtype.js";
export type { DType, FloatDType, TypedArray, TypedArrayOf } from "./dtype.js";
export * from "./errors.js";
export { roundAllToFloat16 } from "./float16.js";
export { Tensor, type Nested } from "./tensor.js";
export { Variable, type Initializer, type VariableOptions } from "./variable.js";
export { isBuffer, Module, type Context } from "./module.js";
export { read, realize } from "./realize.js";
export { checkFinite, compile, type CompiledFunction, type CompileOptions } from "./compile.js";
export { grad, gradients, valueAndGrad, type Target } from "./autodiff.js";
export { debug, type DebugOptions } from "./execution/debug-options.js";
export { traceFunction, type TracedFunction } from "./execution/traced-function.js";
export { flattenTree, type Flattened } from "./tree.js";
export { defaultBackend, useBackend } from "./backend/default-backend.js";
export { collectDropped } from "./execution/memory.js";
export type { Backend, DeviceBuffer, MemoryInfo, Program, Unsupported } from "./backend/backend.js";
export {
  disposedBackendError,
  foreignBufferError,
  HostBuffer,
  HostBuffers,
  type HostBuffersOptions,
} from "./backend/host-buffers.js";
export { kernelBackend, type KernelBackendOptions, type KernelTable } from "./backend/kernel-backend.js";
export { reference } from "./backend/reference.js";
export {
  isOpName,
  opTable,
  type CompleteKernelTable,
  type CompositeName,
  type OpName,
  type OpTable,
  type PrimitiveName,
} from "./op-table.js";
export {
  composite,
  primitive,
  type AttributesOf,
  type Composite,
  type Cost,
  type GradientContext,
  type HostArray,
  type Kernel,
  type OpDefinition,
  type Primitive,
} from "./ops/definition.js";
// What the inferred types of functions over ops name: their declarations have to find it.
export type { Elementwise, SameDType } from "./ops/operands.js";
export type { Given, PerAxis, SpatialRule } from "./ops/spatial-axes.js";
// The rules of shapes: what the inferred types of functions over tensors name.
export type {
  Broadcast,
  BroadcastAll,
  BroadcastTo,
  Concat,
  ConvBy,
  ConvFor,
  ConvTransposeBy,
  Dim,
  Fits,
  Flatten as FlattenShape,
  FormatShape,
  Gather,
  GlobalPool,
  Indivisible,
  Literal,
  Matmul,
  Mismatch,
  NameOf,
  Ok,
  Pad,
  Padding,
  Permute,
  PoolBy,
  Reduce,
  Repeat,
  Reshape,
  Shape,
  Slice,
  SliceRange,
  Squeeze,
  Stack,
  Tile,
  Transpose,
  Unsqueeze,
  Upsample as UpsampleShape,
} from "@convoke/shape";
export { apply, applyAll, runBody } from "./graph/apply.js";
export { graphOf, structureKey, type Graph, type StateUpdate } from "./graph/graph.js";
export { inputNode, isConstant, isInput } from "./graph/leaf.js";
export { GraphNode, specOf, topologicalOrder, type TensorSpec, type Value } from "./graph/node.js";
export { describeOperation, withScope } from "./graph/scope.js";
export { lower, lowerFor } from "./graph/passes/lower.js";
export { mergeCommonSubexpressions } from "./graph/passes/common-subexpressions.js";
export { removeIdentities } from "./graph/passes/identities.js";
export { rewrite, valuesOf } from "./graph/passes/rewrite.js";

export * from "./ops/activation.js";
export * from "./ops/adaptive-pooling.js";
export * from "./ops/assert-shape.js";
export * from "./ops/compare.js";
export * from "./ops/convolution.js";
export * from "./ops/convolution-transpose.js";
export * from "./ops/creation.js";
export * from "./ops/elementwise.js";
export { erf as erfOfNumber } from "./ops/special-functions.js";
export * from "./ops/identity.js";
export * from "./ops/indexing.js";
export * from "./ops/matmul.js";
export * from "./ops/joining.js";
export * from "./ops/movement.js";
export * from "./ops/normalization.js";
export * from "./ops/patches.js";
export * from "./ops/pooling.js";
export * from "./ops/random.js";
export * from "./ops/reduce.js";
export * from "./ops/resize.js";
export * from "./ops/scan.js";
export * from "./ops/sort.js";
export {
  hostFoldIn,
  hostFoldInPath,
  hostKey,
  hostNormal,
  hostUniform,
  type HostKey,
} from "./random/threefry.js";
