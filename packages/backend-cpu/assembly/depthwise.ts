// Depthwise convolution and its input gradient with any window: one plane at a time, each result a sum over the taps, no
// product. Plain windows of 3×3 are in depthwise-3x3.ts.
import {
  bias,
  channels,
  dilationX,
  dilationY,
  groupFilters,
  height,
  images,
  kernelHeight,
  kernelWidth,
  outHeight,
  outWidth,
  padLeft,
  padTop,
  rectifies,
  scratch,
  strideX,
  strideY,
  taps,
  w,
  width,
  x,
  y,
} from "./convolution-operands";
import { readsWindows, readWindows, spreadsWindows, spreadWindows } from "./depthwise-3x3";
import { padPlanes } from "./image-planes";
import { multiplyAdd } from "./multiply-add";
import { firstRow, highestShift, lowestShift, rowCount, sees, shift } from "./stride-phase";
import { shareStart } from "./worker-share";

// The taps at hand, at the start of the scratch: first the byte offset of each in the padded planes, then its weight.
let tapCount: i32 = 0;
let weights: usize = 0;
/** Behind them: eight vectors that are not stored as such, then the padded planes. */
let tile: usize = 0;
let planes: usize = 0;

let rectify: bool = false;

function beginTaps(mostTaps: i32): void {
  tapCount = 0;
  weights = scratch + ((mostTaps as usize) << 2);
  tile = (weights + ((mostTaps as usize) << 2) + 15) & ~15;
  planes = tile + 128;
}

function addTap(offset: i32, weight: usize): void {
  const at = (tapCount as usize) << 2;
  store<u32>(scratch + at, offset << 2);
  store<f32>(weights + at, load<f32>(weight));
  tapCount++;
}

/** y = x ∗ w where each filter sees one channel. */
export function convolvePlanes(worker: i32, workers: i32): void {
  if (readsWindows()) {
    readWindows(worker, workers);
    return;
  }
  rectify = rectifies;
  const seenHeight = (outHeight - 1) * strideY + (kernelHeight - 1) * dilationY + 1;
  const seenWidth = (outWidth - 1) * strideX + (kernelWidth - 1) * dilationX + 1;
  const paddedWidth = (seenWidth + strideX - 1) / strideX;
  const plane = seenHeight * paddedWidth;
  const outPlane = ((outHeight * outWidth) as usize) << 2;
  beginTaps(taps);
  for (let ky = 0; ky < kernelHeight; ky++) {
    for (let kx = 0; kx < kernelWidth; kx++) {
      const along = kx * dilationX;
      addTap((along % strideX) * plane + ky * dilationY * paddedWidth + along / strideX, w);
    }
  }
  const end = shareStart(images * channels, worker + 1, workers);
  for (let i = shareStart(images * channels, worker, workers); i < end; i++) {
    const from = x + (((i * height * width) as usize) << 2);
    padPlanes(from, 1, height, width, planes, seenHeight, paddedWidth, strideX, padTop, padLeft);
    for (let f = 0; f < groupFilters; f++) {
      const filter = (i % channels) * groupFilters + f;
      weights = w + (((filter * taps) as usize) << 2);
      const to = y + ((i * groupFilters + f) as usize) * outPlane;
      const start: f32 = bias ? load<f32>(bias + ((filter as usize) << 2)) : 0;
      sumTaps(start, outHeight, outWidth, strideY * paddedWidth, to, outWidth, 1);
    }
  }
}

/** x = the sum of what the filters of each channel give back. */
export function spreadPlanes(worker: i32, workers: i32): void {
  if (spreadsWindows()) {
    spreadWindows(worker, workers);
    return;
  }
  rectify = rectifies;
  const plane = outHeight * outWidth;
  const end = shareStart(images * channels, worker + 1, workers);
  for (let i = shareStart(images * channels, worker, workers); i < end; i++) {
    const channel = i % channels;
    const start: f32 = bias ? load<f32>(bias + ((channel as usize) << 2)) : 0;
    const from = y + (((i * groupFilters * plane) as usize) << 2);
    for (let py = 0; py < strideY; py++) {
      for (let px = 0; px < strideX; px++) spreadPart(i, from, channel * groupFilters, py, px, start);
    }
  }
}

function spreadPart(i: i32, from: usize, filter: i32, py: i32, px: i32, start: f32): void {
  const firstY = firstRow(py, strideY, padTop);
  const firstX = firstRow(px, strideX, padLeft);
  const rows = rowCount(firstY, height, strideY);
  const columns = rowCount(firstX, width, strideX);
  if (rows === 0 || columns === 0) return;
  const lowestY = lowestShift(py, kernelHeight, strideY, dilationY);
  const lowestX = lowestShift(px, kernelWidth, strideX, dilationX);
  const paddedHeight = rows + highestShift(py, kernelHeight, strideY, dilationY) - lowestY;
  const paddedWidth = columns + highestShift(px, kernelWidth, strideX, dilationX) - lowestX;
  beginTaps(groupFilters * taps);
  padPlanes(
    from,
    groupFilters,
    outHeight,
    outWidth,
    planes,
    paddedHeight,
    paddedWidth,
    1,
    -((firstY + padTop - py) / strideY + lowestY),
    -((firstX + padLeft - px) / strideX + lowestX),
  );
  for (let f = 0; f < groupFilters; f++) {
    for (let ky = 0; ky < kernelHeight; ky++) {
      if (!sees(py, ky, strideY, dilationY)) continue;
      const row = f * paddedHeight + shift(py, ky, strideY, dilationY) - lowestY;
      for (let kx = 0; kx < kernelWidth; kx++) {
        if (!sees(px, kx, strideX, dilationX)) continue;
        const column = shift(px, kx, strideX, dilationX) - lowestX;
        addTap(
          row * paddedWidth + column,
          w + ((((filter + f) * taps + ky * kernelWidth + kx) as usize) << 2),
        );
      }
    }
  }
  const to = x + (((i * height * width + firstY * width + firstX) as usize) << 2);
  sumTaps(start, rows, columns, paddedWidth, to, strideY * width, strideX);
}

/**
 * A grid of rows × columns whose elements are the sums over the taps; strides in elements. Eight vectors at a time: of two
 * rows, or of four or eight where the rows are short. The last ones overlap those before, and sum the same again.
 */
function sumTaps(
  start: f32,
  rows: i32,
  columns: i32,
  sourceRow: i32,
  to: usize,
  targetRow: i32,
  targetColumn: i32,
): void {
  const tileColumns = columns >= 16 ? 16 : columns >= 8 ? 8 : 4;
  const tileRows = 32 / tileColumns;
  // Vector (a, b) of a tile lies a steps of the first kind and b of the second from its start.
  const sourceBytes = (sourceRow as usize) << 2;
  const targetBytes = (targetRow as usize) << 2;
  const long = tileColumns === 16;
  const first = long ? 16 : sourceBytes;
  const second = long ? sourceBytes : tileColumns === 8 ? 16 : 4 * sourceBytes;
  const firstTarget = long ? 16 : targetBytes;
  const secondTarget = long ? targetBytes : tileColumns === 8 ? 16 : 4 * targetBytes;
  const fits = rows >= tileRows && columns >= tileColumns && targetColumn === 1;
  for (let i = 0; i < rows; i += tileRows) {
    const row = fits ? min(i, rows - tileRows) : i;
    for (let j = 0; j < columns; j += tileColumns) {
      const column = fits ? min(j, columns - tileColumns) : j;
      const from = planes + (((row * sourceRow + column) as usize) << 2);
      const at = to + (((row * targetRow + column * targetColumn) as usize) << 2);
      if (fits) {
        sumEightVectors(start, from, first, second, at, firstTarget, secondTarget);
      } else {
        sumEightVectors(start, from, first, second, tile, 16, 64);
        const height = min(tileRows, rows - row);
        spread(at, height, min(tileColumns, columns - column), tileColumns, targetRow, targetColumn);
      }
    }
  }
}

/** From the tile to where its elements belong, for those that hang over an edge or do not lie together. */
function spread(
  to: usize,
  height: i32,
  width: i32,
  tileColumns: i32,
  targetRow: i32,
  targetColumn: i32,
): void {
  const step = (targetColumn as usize) << 2;
  for (let r = 0; r < height; r++) {
    let row = to + (((r * targetRow) as usize) << 2);
    for (let c = 0; c < width; c += 4) {
      const v = c >> 2;
      const a = tileColumns === 16 ? v : r & 3;
      const b = tileColumns === 16 ? r : tileColumns === 8 ? v : r >> 2;
      const from = tile + (((a << 4) + (b << 6)) as usize);
      store<f32>(row, load<f32>(from));
      if (c + 1 < width) store<f32>(row + step, load<f32>(from, 4));
      if (c + 2 < width) store<f32>(row + 2 * step, load<f32>(from, 8));
      if (c + 3 < width) store<f32>(row + 3 * step, load<f32>(from, 12));
      row += 4 * step;
    }
  }
}

function sumEightVectors(
  start: f32,
  from: usize,
  first: usize,
  second: usize,
  to: usize,
  toFirst: usize,
  toSecond: usize,
): void {
  let s0 = f32x4.splat(start);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let s4 = s0;
  let s5 = s0;
  let s6 = s0;
  let s7 = s0;
  const tapsEnd = scratch + ((tapCount as usize) << 2);
  let weight = weights;
  for (let tap = scratch; tap < tapsEnd; tap += 4) {
    let at = from + load<u32>(tap);
    let below = at + second;
    const factor = v128.load32_splat(weight);
    weight += 4;
    s0 = multiplyAdd(factor, v128.load(at), s0);
    s4 = multiplyAdd(factor, v128.load(below), s4);
    at += first;
    below += first;
    s1 = multiplyAdd(factor, v128.load(at), s1);
    s5 = multiplyAdd(factor, v128.load(below), s5);
    at += first;
    below += first;
    s2 = multiplyAdd(factor, v128.load(at), s2);
    s6 = multiplyAdd(factor, v128.load(below), s6);
    at += first;
    below += first;
    s3 = multiplyAdd(factor, v128.load(at), s3);
    s7 = multiplyAdd(factor, v128.load(below), s7);
  }
  if (rectify) {
    const zero = f32x4.splat(0);
    s0 = f32x4.max(s0, zero);
    s1 = f32x4.max(s1, zero);
    s2 = f32x4.max(s2, zero);
    s3 = f32x4.max(s3, zero);
    s4 = f32x4.max(s4, zero);
    s5 = f32x4.max(s5, zero);
    s6 = f32x4.max(s6, zero);
    s7 = f32x4.max(s7, zero);
  }
  let below = to + toSecond;
  v128.store(to, s0);
  v128.store(below, s4);
  to += toFirst;
  below += toFirst;
  v128.store(to, s1);
  v128.store(below, s5);
  to += toFirst;
  below += toFirst;
  v128.store(to, s2);
  v128.store(below, s6);
  to += toFirst;
  below += toFirst;
  v128.store(to, s3);
  v128.store(below, s7);
}
