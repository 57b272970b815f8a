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
export type { Padding, Pads, WindowOptions, Windows, WindowsOptions } from "./window-options.js";
export { resolveWindows, window, type Window } from "./window.js";
export {
  conv,
  type Conv,
  type ConvBy,
  type ConvFor,
  type ConvOptions,
  convWindows,
  type Indivisible,
} from "./convolution.js";
export {
  convTranspose,
  type ConvTranspose,
  type ConvTransposeBy,
  type ConvTransposeOptions,
  convTransposeWindows,
  type TransposedWindows,
} from "./convolution-transpose.js";
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
  flatten,
  type Flatten,
  permute,
  type Permute,
  reshape,
  type Reshape,
  squeeze,
  type Squeeze,
  transpose,
  type Transpose,
  unsqueeze,
  type Unsqueeze,
} from "./movement.js";
export { concat, type Concat, repeat, type Repeat, stack, type Stack, tile, type Tile } from "./joining.js";
export { pad, type Pad, slice, type Slice, type Sliced, type SliceRange } from "./slicing.js";
export { gather, type Gather } from "./indexing.js";
