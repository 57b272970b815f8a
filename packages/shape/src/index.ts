export { ShapeError, type ShapeErrorParts } from "./shape-error.js";
export type { Dim, NameOf } from "./arithmetic/dims.js";
export type { Fits, Mismatch, Ok } from "./fits.js";
export type { Format as FormatShape } from "./axes.js";
export type { AssertShape, Literal } from "./literal.js";
export { assertShape, formatShape, normaliseAxes, normaliseAxis, type Shape, shapeSize } from "./shape.js";
export {
  broadcast,
  type Broadcast,
  broadcastAll,
  type BroadcastAll,
  broadcastTo,
  type BroadcastTo,
} from "./broadcast.js";
export { matmul, type Matmul } from "./matmul.js";
export {
  type Padding,
  type Pads,
  resolveWindows,
  window,
  type Window,
  type WindowOptions,
  type Windows,
  type WindowsOptions,
} from "./window.js";
export {
  conv,
  type Conv,
  type ConvBy,
  type ConvFor,
  type ConvOptions,
  convTranspose,
  type ConvTranspose,
  type ConvTransposeBy,
  type ConvTransposeOptions,
  convTransposeWindows,
  convWindows,
  type Indivisible,
  type TransposedWindows,
} from "./convolution.js";
export {
  globalPool,
  type GlobalPool,
  pool,
  type Pool,
  type PoolBy,
  type PoolOptions,
  poolWindows,
} from "./pooling.js";
export { reduce, type Reduce } from "./reduce.js";
export { upsample, type Upsample } from "./upsample.js";
export {
  concat,
  type Concat,
  flatten,
  type Flatten,
  gather,
  type Gather,
  pad,
  type Pad,
  permute,
  type Permute,
  repeat,
  type Repeat,
  reshape,
  type Reshape,
  slice,
  type Slice,
  type Sliced,
  type SliceRange,
  squeeze,
  type Squeeze,
  stack,
  type Stack,
  tile,
  type Tile,
  transpose,
  type Transpose,
  unsqueeze,
  type Unsqueeze,
} from "./movement.js";
