// Winograd's convolution F(4×4, 3×3) [Lavin & Gray, Fast Algorithms for Convolutional Neural Networks, 2015]: outputs in
// tiles of 4×4, each seen through 6×6 inputs. With the polynomials of x taken at 0, ±a, ±b and infinity, a = √½ and b = √2:
// as a·b = 1 the transforms are short, and as both lie near 1 the error stays near that of the direct sum (with the
// customary 1 and 2 it is five times as large).
//
// Tiles are walked in strips, pieces of a row of tiles, and strips in chunks that the second-level cache holds. A
// transformed chunk is 36 matrices, one for each place in a tile: [quads of planes][tiles][4 planes].
import { outHeight, outWidth, readConvolution, scratch } from "./convolution-operands";

export const A: f32 = 0.70710678118654752;
export const B: f32 = 1.41421356237309505;

/** Tiles of a strip, and of a chunk of strips, at most. */
let stripTiles: i32 = 0;
export let chunkTiles: i32 = 0;
/** Parts of all strips that are summed by themselves (gradients by filters only). */
export let slices: i32 = 0;

let tileColumns: i32 = 0;
let tileRows: i32 = 0;
let stripsPerRow: i32 = 0;

// The strip at hand: its image, the first row and column of its outputs, how many tiles it has.
export let image: i32 = 0;
export let firstRow: i32 = 0;
export let firstColumn: i32 = 0;
export let tiles: i32 = 0;

/**
 * The factors of the transforms, each as a whole vector: a, b, ½, 2 and 2½. They come from memory because V8 of Node 24
 * makes constants anew at each use, in three instructions.
 */
export let factors: usize = 0;
export const FACTOR_A: usize = 0;
export const FACTOR_B: usize = 16;
export const HALF: usize = 32;
export const TWO: usize = 48;
export const TWO_AND_HALF: usize = 64;
const FACTOR_BYTES: usize = 80;

/** A row of zeros, longer than what a strip sees; a strip of transformed rows; and room for one tile. */
export let zeros: usize = 0;
export let strip: usize = 0;
export let tile: usize = 0;
/** Bytes from one row of `strip` to the next. */
export let stripRow: usize = 0;
/** The scratch behind them. */
export let matrices: usize = 0;

/** Operands: those of a convolution, then the tiles of a strip and of a chunk, and the slices. */
export function readWinograd(operands: usize): void {
  readConvolution(operands);
  stripTiles = load<i32>(operands, 96);
  chunkTiles = load<i32>(operands, 100);
  slices = load<i32>(operands, 104);
  tileColumns = (outWidth + 3) >> 2;
  tileRows = (outHeight + 3) >> 2;
  stripsPerRow = (tileColumns + stripTiles - 1) / stripTiles;
  stripRow = ((stripTiles as usize) << 4) + 48;
  factors = scratch;
  zeros = factors + FACTOR_BYTES;
  strip = zeros + stripRow;
  tile = strip + 24 * stripRow;
  matrices = tile + 384;
}

/** Before any transform. */
export function writeFactors(): void {
  v128.store(factors, f32x4.splat(A), FACTOR_A);
  v128.store(factors, f32x4.splat(B), FACTOR_B);
  v128.store(factors, f32x4.splat(0.5), HALF);
  v128.store(factors, f32x4.splat(2), TWO);
  v128.store(factors, f32x4.splat(2.5), TWO_AND_HALF);
  memory.fill(zeros, 0, stripRow);
}

export function stripCount(images: i32): i32 {
  return images * tileRows * stripsPerRow;
}

export function selectStrip(index: i32): void {
  const row = index / stripsPerRow;
  const first = (index % stripsPerRow) * stripTiles;
  image = row / tileRows;
  firstRow = (row % tileRows) << 2;
  firstColumn = first << 2;
  tiles = min(stripTiles, tileColumns - first);
}

/** Bytes from one quad of planes to the next in a matrix. */
export function quadBytes(): usize {
  return (chunkTiles as usize) << 4;
}

/** Bytes between the matrices of a chunk: not a multiple of a page, which would make all 36 fall on the same cache lines. */
export function matrixBytes(planes: i32): usize {
  return (((chunkTiles * planes) as usize) << 2) + 64;
}
