// Depthwise convolution and its input gradient: one plane at a time, each result a sum over the taps, no product.
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
import { padPlanes } from "./image-planes";
import { multiplyAdd } from "./multiply-add";
import { firstRow, highestShift, lowestShift, rowCount, sees, shift } from "./stride-phase";
import { shareStart } from "./worker-share";

// The taps at hand: pairs of (byte offset in the padded planes, address of the weight), at the start of the scratch.
let tapsEnd: usize = 0;
/** Behind the table: 64 bytes for the end of a row, then the padded planes. */
let rowEnd: usize = 0;
let planes: usize = 0;

let rectify: bool = false;

function beginTable(mostTaps: i32): void {
  tapsEnd = scratch;
  rowEnd = scratch + (((mostTaps << 3) + 15) & ~15);
  planes = rowEnd + 64;
}

function addTap(offset: i32, weight: usize): void {
  store<u32>(tapsEnd, offset << 2);
  store<u32>(tapsEnd, weight as u32, 4);
  tapsEnd += 8;
}

/** y = x ∗ w where each filter sees one channel. */
export function convolvePlanes(worker: i32, workers: i32): void {
  rectify = rectifies;
  const seenHeight = (outHeight - 1) * strideY + (kernelHeight - 1) * dilationY + 1;
  const seenWidth = (outWidth - 1) * strideX + (kernelWidth - 1) * dilationX + 1;
  const paddedWidth = (seenWidth + strideX - 1) / strideX;
  const plane = seenHeight * paddedWidth;
  const outPlane = ((outHeight * outWidth) as usize) << 2;
  const end = shareStart(images * channels, worker + 1, workers);
  for (let i = shareStart(images * channels, worker, workers); i < end; i++) {
    beginTable(taps);
    const from = x + (((i * height * width) as usize) << 2);
    padPlanes(from, 1, height, width, planes, seenHeight, paddedWidth, strideX, padTop, padLeft);
    for (let f = 0; f < groupFilters; f++) {
      const filter = (i % channels) * groupFilters + f;
      tapsEnd = scratch;
      let weight = w + (((filter * taps) as usize) << 2);
      for (let ky = 0; ky < kernelHeight; ky++) {
        for (let kx = 0; kx < kernelWidth; kx++) {
          const along = kx * dilationX;
          addTap((along % strideX) * plane + ky * dilationY * paddedWidth + along / strideX, weight);
          weight += 4;
        }
      }
      const to = y + ((i * groupFilters + f) as usize) * outPlane;
      const start: f32 = bias ? load<f32>(bias + ((filter as usize) << 2)) : 0;
      sumTaps(start, outHeight, outWidth, strideY * paddedWidth, to, outWidth, 1);
    }
  }
}

/** x = the sum of what the filters of each channel give back. */
export function spreadPlanes(worker: i32, workers: i32): void {
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
  beginTable(groupFilters * taps);
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

/** A grid of rows × columns whose elements are the sums over the taps; strides in elements. */
function sumTaps(
  start: f32,
  rows: i32,
  columns: i32,
  sourceRow: i32,
  to: usize,
  targetRow: i32,
  targetColumn: i32,
): void {
  const wide = targetColumn === 1 ? columns & ~15 : 0;
  for (let row = 0; row < rows; row++) {
    const from = planes + (((row * sourceRow) as usize) << 2);
    const target = to + (((row * targetRow) as usize) << 2);
    for (let column = 0; column < wide; column += 16) {
      const shift = (column as usize) << 2;
      sumSixteen(start, from + shift, target + shift);
    }
    for (let column = wide; column < columns; column += 4) {
      const sum = sumFour(start, from + ((column as usize) << 2));
      const at = target + (((column * targetColumn) as usize) << 2);
      if (targetColumn === 1 && columns - column >= 4) {
        v128.store(at, sum);
      } else {
        v128.store(rowEnd, sum);
        const count = min(4, columns - column);
        for (let lane = 0; lane < count; lane++) {
          const value = load<f32>(rowEnd + ((lane as usize) << 2));
          store<f32>(at + (((lane * targetColumn) as usize) << 2), value);
        }
      }
    }
  }
}

function sumSixteen(start: f32, from: usize, to: usize): void {
  let s0 = f32x4.splat(start);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let tap = scratch; tap < tapsEnd; tap += 8) {
    const at = from + load<u32>(tap);
    const weight = v128.load32_splat(load<u32>(tap, 4));
    s0 = multiplyAdd(weight, v128.load(at), s0);
    s1 = multiplyAdd(weight, v128.load(at, 16), s1);
    s2 = multiplyAdd(weight, v128.load(at, 32), s2);
    s3 = multiplyAdd(weight, v128.load(at, 48), s3);
  }
  if (rectify) {
    const zero = f32x4.splat(0);
    s0 = f32x4.max(s0, zero);
    s1 = f32x4.max(s1, zero);
    s2 = f32x4.max(s2, zero);
    s3 = f32x4.max(s3, zero);
  }
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
}

function sumFour(start: f32, from: usize): v128 {
  let sum = f32x4.splat(start);
  for (let tap = scratch; tap < tapsEnd; tap += 8) {
    const weight = v128.load32_splat(load<u32>(tap, 4));
    sum = multiplyAdd(weight, v128.load(from + load<u32>(tap)), sum);
  }
  return rectify ? f32x4.max(sum, f32x4.splat(0)) : sum;
}
