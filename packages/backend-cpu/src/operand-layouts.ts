/**
 * What the words at a kernel's `operands` mean, in order: 32-bit integers; addresses in bytes (multiples of 16 for scratch,
 * of 4 else), everything else in elements. `packed` is memory that all workers share from a kernel's first phase to its
 * second; `scratch` is memory of each worker, `scratchBytes` (a multiple of 16) apart.
 *
 * Kernels read, but never write, up to `operandSlack` bytes behind an input.
 */
export const operandSlack = 64;

const matrixProduct = [
  "a",
  "b",
  "c",
  "bias",
  "packed",
  "scratch",
  "scratchBytes",
  "batch",
  "rows",
  "columns",
  "depth",
  "aRow",
  "aDepth",
  "aBatch",
  "bDepth",
  "bColumn",
  "bBatch",
  "cRow",
  "cColumn",
  "cBatch",
  "flags",
] as const;

const convolution = [
  "x",
  "w",
  "bias",
  "y",
  "packed",
  "scratch",
  "scratchBytes",
  "images",
  "channels",
  "height",
  "width",
  "filters",
  "kernelHeight",
  "kernelWidth",
  "strideY",
  "strideX",
  "dilationY",
  "dilationX",
  "padTop",
  "padLeft",
  "groups",
  "outHeight",
  "outWidth",
  "relu",
] as const;

const directSums = [...convolution, "slices"] as const;

const winogradConvolution = [...convolution, "stripTiles", "chunkTiles", "slices"] as const;

const pooling = [
  "x",
  "y",
  "indices",
  "planes",
  "height",
  "width",
  "outHeight",
  "outWidth",
  "kernelHeight",
  "kernelWidth",
  "strideY",
  "strideX",
  "dilationY",
  "dilationX",
  "padTop",
  "padLeft",
  "padBottom",
  "padRight",
  "countIncludePad",
] as const;

const planeMap = ["from", "indices", "to", "planes", "fromPlane", "toPlane"] as const;

/** The kernels, in the order in which they lie in the function table, and the names of their operands. */
export const operandLayouts = {
  /**
   * C[b] = A[b]·B[b] for each of a batch, with A [rows × depth], B [depth × columns]; every stride is free, 0 repeats a
   * matrix (`aBatch` = 0 packs A once). `flags` is a sum of `gemmFlags`; `bias` holds one number per row or per column.
   * `gemmPack` with the same operands goes before it, a barrier between.
   */
  gemmPack: matrixProduct,
  gemm: matrixProduct,
  /** y = x ∗ w; `bias` is 0 or one number per filter; `relu` is 0 or 1. `convPack` goes before it. */
  convPack: convolution,
  conv: convolution,
  /**
   * x = the gradient by the input for the gradient y; `bias` is 0 or one number per channel of x (as a transposed
   * convolution has it). `convInputGradPack` goes before it.
   */
  convInputGradPack: convolution,
  convInputGrad: convolution,
  /**
   * w = the gradient by the kernels for the input x and the gradient y; `bias` and `relu` are not used. More than one of
   * the `slices` of the images are summed by themselves into `packed`, and `convFilterGradEnd` goes behind it.
   */
  convFilterGrad: directSums,
  convFilterGradEnd: directSums,
  /**
   * y = x ∗ w for kernels of 3×3 that move by single steps, `groups` 1: at most `chunkTiles` tiles of 4×4 outputs at a time,
   * in strips of `stripTiles`. `winogradPack` goes before it; or `winogradTurnedPack`, which turns the kernels round and
   * swaps their first two axes: then y is the gradient by the input for the gradient x.
   */
  winogradPack: winogradConvolution,
  winogradTurnedPack: winogradConvolution,
  winograd: winogradConvolution,
  /**
   * As `convFilterGrad`, in `slices` of the tiles that are summed by themselves (elsewhere 1); `winogradFilterGradEnd` goes
   * behind it, and what is `packed` must not change between.
   */
  winogradFilterGrad: winogradConvolution,
  winogradFilterGradEnd: winogradConvolution,
  /** y = the maxima of the windows of each plane, `indices` (int32) where in its plane each lies. */
  maxPool: pooling,
  /** y = the means of the windows; `indices` is not used. */
  avgPool: pooling,
  /** x = what the means give back for the gradient y; `indices` is not used. */
  avgPoolGrad: pooling,
  /** Plane by plane: to = 0, then to[indices[i]] += from[i]; `fromPlane` and `toPlane` count elements. */
  scatterToPlane: planeMap,
  /** Plane by plane: to[i] = from[indices[i]]. */
  gatherFromPlane: planeMap,
} as const;

export type KernelName = keyof typeof operandLayouts;

export type Operands<K extends KernelName, T = number> = Readonly<
  Record<(typeof operandLayouts)[K][number], T>
>;

/** The operands of a kernel in the order in which it reads them. */
export function encodeOperands<K extends KernelName, T>(kernel: K, operands: Operands<K, T>): T[] {
  const names: readonly (typeof operandLayouts)[K][number][] = operandLayouts[kernel];
  return names.map((name) => operands[name]);
}

export const gemmFlags = { accumulate: 1, biasPerRow: 2, biasPerColumn: 4, relu: 8 } as const;

/** Bytes that a kernel needs beside its operands: once, and once for each worker. */
export interface KernelMemory {
  readonly packed: number;
  readonly scratch: number;
}

type ProductSize = Pick<Operands<"gemm">, "batch" | "rows" | "columns" | "depth" | "aBatch" | "bBatch">;

type ConvolutionPlace = "x" | "w" | "bias" | "y" | "packed" | "scratch" | "scratchBytes" | "relu";

export type ConvolutionSize = Omit<Operands<"conv">, ConvolutionPlace>;

export type DirectSumsSize = Omit<Operands<"convFilterGrad">, ConvolutionPlace>;

export type WinogradSize = Omit<Operands<"winograd">, ConvolutionPlace>;

/** The tile, the descriptions of the column panels, and the columns that are packed at a time (see product.ts). */
function productScratch(columns: number, depth: number): number {
  return 192 + (columns / 8) * 192 + columns * Math.min(depth, 320) * 4;
}

/** Elements of packed A: row panels of 3 or of 4. */
function packedRows(rows: number, depth: number): number {
  return Math.max(roundUp(rows, 3), roundUp(rows, 4)) * depth;
}

export function gemmMemory({ batch, rows, columns, depth, aBatch, bBatch }: ProductSize): KernelMemory {
  const swaps = columns < 8 && rows > columns;
  const count = (swaps ? bBatch : aBatch) === 0 ? 1 : batch;
  return {
    packed: roundUp(count * packedRows(swaps ? columns : rows, depth) * 4, 16),
    scratch: roundUp(productScratch(384, depth), 16),
  };
}

/** The padded copy of the planes of one group of an image. */
function paddedElements(seenHeight: number, seenWidth: number, phases: number): number {
  return seenHeight * Math.ceil(seenWidth / phases) * phases;
}

/** Images that share column panels (see image-columns.ts). */
function imagesPerBlock(images: number, pixels: number): number {
  return Math.max(1, Math.min(images, Math.floor(192 / Math.max(1, pixels))));
}

function sizesOf(size: ConvolutionSize) {
  return {
    groupChannels: size.channels / size.groups,
    groupFilters: size.filters / size.groups,
    taps: size.kernelHeight * size.kernelWidth,
    seenHeight: (size.outHeight - 1) * size.strideY + (size.kernelHeight - 1) * size.dilationY + 1,
    seenWidth: (size.outWidth - 1) * size.strideX + (size.kernelWidth - 1) * size.dilationX + 1,
  };
}

export function convMemory(size: ConvolutionSize): KernelMemory {
  const { groupChannels, groupFilters, taps, seenHeight, seenWidth } = sizesOf(size);
  const depth = groupChannels * taps;
  const images = imagesPerBlock(size.images, size.outHeight * size.outWidth);
  const padded = images * groupChannels * paddedElements(seenHeight, seenWidth, size.strideX);
  return {
    packed: roundUp(depth * 4, 16) + roundUp(size.groups * packedRows(groupFilters, depth) * 4, 16),
    scratch: roundUp(
      Math.max(productScratch(96, depth), depthwiseScratch(taps, size.strideY * seenWidth)) +
        padded * 4 +
        128,
      16,
    ),
  };
}

export function convInputGradMemory(size: ConvolutionSize): KernelMemory {
  const { groupChannels, groupFilters, taps } = sizesOf(size);
  const depth = groupFilters * taps;
  // The largest of the parts that the strides make (see stride-phase.ts); the smallest shares panels with most images.
  const rows = Math.ceil(size.height / size.strideY);
  const columns = Math.ceil(size.width / size.strideX);
  const least = Math.floor(size.height / size.strideY) * Math.floor(size.width / size.strideX);
  const reachY = Math.ceil(((size.kernelHeight - 1) * size.dilationY) / size.strideY);
  const reachX = Math.ceil(((size.kernelWidth - 1) * size.dilationX) / size.strideX);
  const padded = imagesPerBlock(size.images, least) * groupFilters * (rows + reachY) * (columns + reachX);
  return {
    packed: roundUp(depth * 4, 16) + roundUp(size.groups * packedRows(groupChannels, depth) * 4, 16),
    scratch: roundUp(
      Math.max(productScratch(96, depth), depthwiseScratch(depth, columns + reachX)) + padded * 4 + 128,
      16,
    ),
  };
}

/** The taps of a depthwise sum, one tile, and what a tile may read behind the plane: 8 rows (see depthwise.ts). */
function depthwiseScratch(taps: number, rowElements: number): number {
  return roundUp(taps * 8, 16) + 128 + 8 * rowElements * 4;
}

/** Where rows are short, those of so many images are laid end to end, those of 1×1 kernels are not short. */
export function joinedImages(size: ConvolutionSize): number {
  const pixels = size.outHeight * size.outWidth;
  const joins = size.outWidth < 8 || (size.outWidth <= 16 && size.filters / size.groups >= 16);
  return joins ? Math.max(1, Math.min(size.images, Math.floor(128 / Math.max(1, pixels)))) : 0;
}

export function convFilterGradMemory(size: DirectSumsSize): KernelMemory {
  const { groupChannels, groupFilters, taps, seenHeight, seenWidth } = sizesOf(size);
  const single = groupFilters <= 2;
  const tileTaps = single ? 9 : 3;
  const filterTiles = single ? groupFilters : Math.ceil(groupFilters / 3);
  const tapTiles = Math.ceil((groupChannels * taps) / tileTaps);
  const slabTiles = Math.max(1, Math.min(tapTiles, Math.floor(7281 / Math.max(1, filterTiles))));
  const images = joinedImages(size);
  const joinedRow = images > 0 ? (roundUp(images * size.outHeight * size.outWidth, 4) + 4) * 4 : 0;
  const table = roundUp(slabTiles * tileTaps * 4, 16);
  const joined = (slabTiles * tileTaps + groupFilters) * joinedRow;
  const padded = groupChannels * paddedElements(seenHeight, seenWidth, size.strideX) * 4;
  // What plain depthwise windows need instead: see depthwise-3x3.ts.
  const windows = 224 + size.width * 4 + 16 * 144;
  const sums = slabTiles * filterTiles * 144;
  const partial = size.slices > 1 ? size.slices * size.filters * groupChannels * taps * 4 : 0;
  return {
    packed: roundUp(partial, 16),
    scratch: roundUp(Math.max(windows, table + sums + joined + padded + 64), 16),
  };
}

/** The factors, a row of zeros, a strip of 24 transformed rows, a tile, and 36 matrices of each side (see winograd-strips.ts). */
function winogradScratch(size: WinogradSize, sourceColumns: number, targetColumns: number): number {
  const matrices = 36 * (size.chunkTiles * (sourceColumns + targetColumns) * 4 + 128);
  return 80 + 25 * (size.stripTiles * 16 + 48) + 384 + matrices;
}

export function winogradMemory(size: WinogradSize): KernelMemory {
  const targetColumns = roundUp(size.filters, 8);
  return {
    packed: 36 * targetColumns * roundUp(size.channels, 4) * 4,
    scratch: winogradScratch(size, roundUp(size.channels, 4), targetColumns),
  };
}

export function winogradFilterGradMemory(size: WinogradSize): KernelMemory {
  const sourceColumns = roundUp(size.channels, 8);
  const gradientColumns = roundUp(size.filters, 4);
  return {
    packed: size.slices * 36 * sourceColumns * gradientColumns * 4,
    scratch: winogradScratch(size, sourceColumns, gradientColumns),
  };
}

function roundUp(n: number, multiple: number): number {
  return Math.ceil(n / multiple) * multiple;
}
