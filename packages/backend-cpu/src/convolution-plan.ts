// Which kernels compute a convolution or one of its gradients: a pure function of the shape. Winograd's are tested against
// the direct ones in test/kernels/convolution.test.ts.
import {
  convFilterGradMemory,
  convInputGradMemory,
  convMemory,
  joinedImages,
  operandLayouts,
  winogradFilterGradMemory,
  winogradMemory,
  type ConvolutionSize,
  type KernelMemory,
  type KernelName,
  type WinogradSize,
} from "./operand-layouts.js";

/** What is computed: y, x or w from the two others. */
export type ConvolutionFace = "conv" | "convInputGrad" | "convFilterGrad";

/** What depends on where things are; `T` is an address, or what becomes one. */
export interface ConvolutionOperands<T> {
  readonly x: T;
  readonly w: T;
  readonly y: T;
  readonly bias: T;
  readonly packed: T;
  readonly scratch: T;
  readonly scratchBytes: T;
  readonly relu: T;
}

export interface ConvolutionPlan {
  /** One after the other, with the same operands and a barrier between. */
  readonly kernels: readonly KernelName[];
  readonly needs: KernelMemory;
  encode<T>(operands: ConvolutionOperands<T>): (T | number)[];
}

/** What of Winograd's is kept at a time, for a second-level cache of 1 MiB and more. */
const CHUNK_BYTES = 2 ** 19;

/** The most slices of a gradient by filters, the fewest tiles or outputs of one, and what the sums of all may take. */
const MOST_SLICES = 8;
const SLICE_TILES = 64;
const SLICE_PIXELS = 1024;
const SLICES_BYTES = 2 ** 22;

/** Transformed filters take four times as much as filters do. */
const MOST_FILTER_BYTES = 2 ** 24;

function planDirect(face: "conv" | "convInputGrad", size: ConvolutionSize): ConvolutionPlan {
  const needs = { conv: convMemory, convInputGrad: convInputGradMemory };
  return {
    kernels: [`${face}Pack`, face],
    needs: needs[face](size),
    encode: (operands) => encode("conv", { ...size, ...operands }),
  };
}

function planDirectSums(size: ConvolutionSize): ConvolutionPlan {
  const { images, channels, filters, kernelHeight, kernelWidth, outHeight, outWidth } = size;
  const bytes = 4 * channels * filters * kernelHeight * kernelWidth;
  const blocks = images / Math.max(1, joinedImages(size));
  // Of several groups each worker has its own.
  const most = size.groups > 1 ? 1 : Math.min(blocks, (images * outHeight * outWidth) / SLICE_PIXELS);
  const slices = slicesOf({ bytes, most });
  const sliced = { ...size, slices };
  return {
    kernels: slices > 1 ? ["convFilterGrad", "convFilterGradEnd"] : ["convFilterGrad"],
    needs: convFilterGradMemory(sliced),
    encode: (operands) => encode("convFilterGrad", { ...sliced, ...operands }),
  };
}

/**
 * Into how many slices a gradient by filters is cut whose sums take so many bytes: a power of two, as numbers of workers
 * mostly are. It depends on the shape alone, never on the number of workers: neither do the bits.
 */
function slicesOf({ bytes, most }: { bytes: number; most: number }): number {
  return 2 ** Math.max(0, Math.floor(Math.log2(Math.min(MOST_SLICES, SLICES_BYTES / bytes, most))));
}

/** The words of a kernel in their order, where not all are numbers. */
function encode<T>(
  kernel: "conv" | "convFilterGrad" | "winograd",
  operands: Readonly<Record<string, T | number>>,
): (T | number)[] {
  return operandLayouts[kernel].map((name) => operands[name]!);
}

/** The convolution over y that the input gradient of one with stride 1 is. */
function transposed(size: ConvolutionSize): ConvolutionSize {
  return {
    ...size,
    ...{ channels: size.filters, height: size.outHeight, width: size.outWidth },
    ...{ filters: size.channels, outHeight: size.height, outWidth: size.width },
    ...{ padTop: 2 - size.padTop, padLeft: 2 - size.padLeft },
  };
}

/** Tiles of 4×4 outputs in strips of one row, strips in chunks. */
function winogradSize(size: ConvolutionSize): WinogradSize {
  const columns = Math.ceil(size.outWidth / 4);
  const stripTiles = Math.ceil(columns / Math.ceil(columns / 16));
  const bytes = 36 * 4 * (size.channels + size.filters);
  const most = Math.max(24, Math.min(96, Math.floor(CHUNK_BYTES / bytes)));
  const chunkTiles = Math.ceil(Math.max(stripTiles, most - (most % stripTiles)) / 4) * 4;
  return { ...size, stripTiles, chunkTiles, slices: 1 };
}

/** The tiles of a chunk where so many are done in as many chunks as before, but of one size. */
function evenChunk(tiles: number, { stripTiles, chunkTiles }: WinogradSize): number {
  const chunks = Math.ceil(tiles / chunkTiles);
  const strips = Math.ceil(tiles / chunks / stripTiles);
  return Math.min(chunkTiles, Math.ceil((strips * stripTiles) / 4) * 4);
}

function winogradTiles({ images, outHeight, outWidth }: ConvolutionSize): number {
  return images * Math.ceil(outHeight / 4) * Math.ceil(outWidth / 4);
}

function fitsWinograd(size: ConvolutionSize): boolean {
  const { channels, filters, outHeight, outWidth } = size;
  const isPlain3x3 =
    size.kernelHeight === 3 &&
    size.kernelWidth === 3 &&
    size.strideY === 1 &&
    size.strideX === 1 &&
    size.dilationY === 1 &&
    size.dilationX === 1 &&
    size.groups === 1;
  if (!isPlain3x3 || Math.min(channels, filters) < 8) return false;
  if (36 * 4 * channels * filters > MOST_FILTER_BYTES) return false;
  const tiles = winogradTiles(size);
  // In multiply-adds: the products of the tiles, their transforms, and those of the filters; against the direct sums.
  const work = tiles * (36 * channels * filters + 300 * (channels + filters)) + 200 * channels * filters;
  return work < 9 * size.images * outHeight * outWidth * channels * filters;
}

export function planConvolution(face: ConvolutionFace, size: ConvolutionSize): ConvolutionPlan {
  if (face === "convFilterGrad") {
    if (!fitsWinograd(size)) return planDirectSums(size);
    const whole = winogradSize(size);
    const bytes = winogradFilterGradMemory(whole).packed;
    const slices = slicesOf({ bytes, most: winogradTiles(size) / SLICE_TILES });
    const winograd = { ...whole, slices, chunkTiles: evenChunk(winogradTiles(size) / slices, whole) };
    return {
      kernels: ["winogradFilterGrad", "winogradFilterGradEnd"],
      needs: winogradFilterGradMemory(winograd),
      encode: (operands) => encode("winograd", { ...winograd, ...operands }),
    };
  }
  const swaps = face === "convInputGrad";
  const convolution = swaps ? transposed(size) : size;
  if (!fitsWinograd(convolution)) return planDirect(face, size);
  const winograd = winogradSize(convolution);
  return {
    kernels: [swaps ? "winogradTurnedPack" : "winogradPack", "winograd"],
    needs: winogradMemory(winograd),
    encode: (operands) => {
      const { x, y } = operands;
      return encode("winograd", { ...winograd, ...operands, ...(swaps ? { x: y, y: x } : {}) });
    },
  };
}
