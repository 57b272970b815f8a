// Which kernels compute a convolution or one of its gradients: a pure function of the shape. Winograd's are tested against
// the direct ones in test/kernels/convolution.test.ts.
import {
  convFilterGradMemory,
  convInputGradMemory,
  convMemory,
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

/** Transformed filters take four times as much as filters do. */
const MOST_FILTER_BYTES = 2 ** 24;

function planDirect(face: ConvolutionFace, size: ConvolutionSize): ConvolutionPlan {
  const needs = {
    conv: convMemory,
    convInputGrad: convInputGradMemory,
    convFilterGrad: convFilterGradMemory,
  };
  return {
    kernels: face === "convFilterGrad" ? [face] : [`${face}Pack`, face],
    needs: needs[face](size),
    encode: (operands) => encode("conv", { ...size, ...operands }),
  };
}

/** The words of a kernel in their order, where not all are numbers. */
function encode<T>(
  kernel: "conv" | "winograd",
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
  return { ...size, stripTiles, chunkTiles };
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
  const tiles = size.images * Math.ceil(outHeight / 4) * Math.ceil(outWidth / 4);
  // In multiply-adds: the products of the tiles, their transforms, and those of the filters; against the direct sums.
  const work = tiles * (36 * channels * filters + 300 * (channels + filters)) + 200 * channels * filters;
  return work < 9 * size.images * outHeight * outWidth * channels * filters;
}

export function planConvolution(face: ConvolutionFace, size: ConvolutionSize): ConvolutionPlan {
  if (face === "convFilterGrad") {
    if (!fitsWinograd(size)) return planDirect(face, size);
    const winograd = winogradSize(size);
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
