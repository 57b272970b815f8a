// Pooling: maxima with their positions and means, window by window, and what gives their gradients back.
import { shareStart } from "./worker-share";

let x: usize = 0;
let y: usize = 0;
let indices: usize = 0;
let planes: i32 = 0;
let height: i32 = 0;
let width: i32 = 0;
let outHeight: i32 = 0;
let outWidth: i32 = 0;
let kernelHeight: i32 = 0;
let kernelWidth: i32 = 0;
let strideY: i32 = 0;
let strideX: i32 = 0;
let dilationY: i32 = 0;
let dilationX: i32 = 0;
let padTop: i32 = 0;
let padLeft: i32 = 0;
let padBottom: i32 = 0;
let padRight: i32 = 0;
let countsPadding: bool = false;

/** Windows from here up to here along a row have all their columns in the plane. */
let innerStart: i32 = 0;
let innerEnd: i32 = 0;

function word(operands: usize, index: usize): i32 {
  return load<i32>(operands + (index << 2));
}

function readPooling(operands: usize): void {
  x = word(operands, 0);
  y = word(operands, 1);
  indices = word(operands, 2);
  planes = word(operands, 3);
  height = word(operands, 4);
  width = word(operands, 5);
  outHeight = word(operands, 6);
  outWidth = word(operands, 7);
  kernelHeight = word(operands, 8);
  kernelWidth = word(operands, 9);
  strideY = word(operands, 10);
  strideX = word(operands, 11);
  dilationY = word(operands, 12);
  dilationX = word(operands, 13);
  padTop = word(operands, 14);
  padLeft = word(operands, 15);
  padBottom = word(operands, 16);
  padRight = word(operands, 17);
  countsPadding = word(operands, 18) !== 0;
  innerStart = (padLeft + strideX - 1) / strideX;
  const lastStart = width - 1 - (kernelWidth - 1) * dilationX + padLeft;
  innerEnd = lastStart < 0 ? 0 : min(outWidth, lastStart / strideX + 1);
}

/** The first tap at or behind the start of an axis, for a window that starts at `start`. */
function firstTap(start: i32, dilation: i32): i32 {
  if (dilation === 1) return max(0, -start);
  return start >= 0 ? 0 : (dilation - 1 - start) / dilation;
}

/** The end of the taps before `extent`. */
function endTap(start: i32, dilation: i32, kernel: i32, extent: i32): i32 {
  if (dilation === 1) return max(0, min(kernel, extent - start));
  return start >= extent ? 0 : min(kernel, (extent - 1 - start) / dilation + 1);
}

/** Elements `strideX` apart: one for each of four windows. */
function loadWindows(at: usize): v128 {
  if (strideX === 1) return v128.load(at);
  if (strideX === 2) return v128.shuffle<f32>(v128.load(at), v128.load(at, 12), 0, 2, 5, 7);
  const step = (strideX as usize) << 2;
  let lanes = v128.load32_zero(at);
  lanes = v128.load32_lane(at + step, lanes, 1);
  lanes = v128.load32_lane(at + 2 * step, lanes, 2);
  return v128.load32_lane(at + 3 * step, lanes, 3);
}

export function maxPool(operands: usize, worker: i32, workers: i32): void {
  readPooling(operands);
  const isHalving = kernelHeight === 2 && kernelWidth === 2 && strideX === 2 && (dilationY & dilationX) === 1;
  const end = shareStart(planes * outHeight, worker + 1, workers);
  for (let i = shareStart(planes * outHeight, worker, workers); i < end; i++) {
    const plane = x + ((((i / outHeight) * height * width) as usize) << 2);
    const startY = (i % outHeight) * strideY - padTop;
    const ky0 = firstTap(startY, dilationY);
    const ky1 = endTap(startY, dilationY, kernelHeight, height);
    const values = y + (((i * outWidth) as usize) << 2);
    const positions = indices + (((i * outWidth) as usize) << 2);
    let column = 0;
    while (column < outWidth) {
      // The last four inner windows overlap those before; the outer ones come one by one.
      const isInner = column >= innerStart && column < innerEnd && innerEnd - innerStart >= 4;
      if (isInner) column = min(column, innerEnd - 4);
      const startX = column * strideX - padLeft;
      const shift = (column as usize) << 2;
      if (!isInner) {
        maxOfOne(plane, startY, ky0, ky1, startX, values + shift, positions + shift);
        column++;
        continue;
      }
      if (isHalving && ky1 - ky0 === 2) {
        halve(plane, startY * width - padLeft, column, values, positions);
        column = innerEnd;
        continue;
      }
      maxOfFour(plane, startY, ky0, ky1, startX, values + shift, positions + shift);
      column += 4;
    }
  }
}

/** The inner windows of a row from `column` on where they are 2×2, two columns apart; window 0 begins at `rowStart`. */
function halve(plane: usize, rowStart: i32, column: i32, values: usize, positions: usize): void {
  const below = (width as usize) << 2;
  const right = i32x4.splat(1);
  const down = i32x4.splat(width);
  const lanes = i32x4.add(i32x4(0, 2, 4, 6), i32x4.splat(rowStart));
  const records = indices !== 0;
  while (column < innerEnd) {
    column = min(column, innerEnd - 4);
    const shift = (column as usize) << 2;
    const row = plane + ((rowStart as usize) << 2) + 2 * shift;
    const r0 = v128.load(row);
    const r1 = v128.load(row, 16);
    const b0 = v128.load(row + below);
    const b1 = v128.load(row + below, 16);
    let where = i32x4.add(lanes, i32x4.splat(2 * column));
    let best = v128.shuffle<f32>(r0, r1, 0, 2, 4, 6);
    const c1 = v128.shuffle<f32>(r0, r1, 1, 3, 5, 7);
    const is1 = v128.or(f32x4.gt(c1, best), f32x4.ne(c1, c1));
    best = v128.bitselect(c1, best, is1);
    const lower = i32x4.add(where, down);
    where = v128.bitselect(i32x4.add(where, right), where, is1);
    const c2 = v128.shuffle<f32>(b0, b1, 0, 2, 4, 6);
    const is2 = v128.or(f32x4.gt(c2, best), f32x4.ne(c2, c2));
    best = v128.bitselect(c2, best, is2);
    where = v128.bitselect(lower, where, is2);
    const c3 = v128.shuffle<f32>(b0, b1, 1, 3, 5, 7);
    const is3 = v128.or(f32x4.gt(c3, best), f32x4.ne(c3, c3));
    v128.store(values + shift, v128.bitselect(c3, best, is3));
    if (records) v128.store(positions + shift, v128.bitselect(i32x4.add(lower, right), where, is3));
    column += 4;
  }
}

function maxOfFour(
  plane: usize,
  startY: i32,
  ky0: i32,
  ky1: i32,
  startX: i32,
  values: usize,
  positions: usize,
): void {
  const first = (startY + ky0 * dilationY) * width + startX;
  let best = loadWindows(plane + ((first as usize) << 2));
  let where = i32x4.splat(first);
  for (let ky = ky0; ky < ky1; ky++) {
    let position = (startY + ky * dilationY) * width + startX;
    let at = plane + ((position as usize) << 2);
    const end = position + kernelWidth * dilationX;
    const step = (dilationX as usize) << 2;
    // Where a vector comes from is asked outside of the loop.
    if (strideX === 2) {
      for (; position < end; position += dilationX) {
        const candidate = v128.shuffle<f32>(v128.load(at), v128.load(at, 12), 0, 2, 5, 7);
        const better = v128.or(f32x4.gt(candidate, best), f32x4.ne(candidate, candidate));
        best = v128.bitselect(candidate, best, better);
        where = v128.bitselect(i32x4.splat(position), where, better);
        at += step;
      }
    } else {
      for (; position < end; position += dilationX) {
        const candidate = loadWindows(at);
        const better = v128.or(f32x4.gt(candidate, best), f32x4.ne(candidate, candidate));
        best = v128.bitselect(candidate, best, better);
        where = v128.bitselect(i32x4.splat(position), where, better);
        at += step;
      }
    }
  }
  v128.store(values, best);
  const lanes = i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(strideX));
  if (indices) v128.store(positions, i32x4.add(where, lanes));
}

function maxOfOne(
  plane: usize,
  startY: i32,
  ky0: i32,
  ky1: i32,
  startX: i32,
  values: usize,
  positions: usize,
): void {
  const kx0 = firstTap(startX, dilationX);
  const kx1 = endTap(startX, dilationX, kernelWidth, width);
  let where = (startY + ky0 * dilationY) * width + startX + kx0 * dilationX;
  let best = load<f32>(plane + ((where as usize) << 2));
  for (let ky = ky0; ky < ky1; ky++) {
    const row = (startY + ky * dilationY) * width + startX;
    for (let kx = kx0; kx < kx1; kx++) {
      const position = row + kx * dilationX;
      const candidate = load<f32>(plane + ((position as usize) << 2));
      if (candidate > best || candidate !== candidate) {
        best = candidate;
        where = position;
      }
    }
  }
  store<f32>(values, best);
  if (indices) store<i32>(positions, where);
}

/** What a mean divides by along one axis; what lies behind the padding (ceil mode) never counts. */
function divisorAlong(start: i32, dilation: i32, kernel: i32, extent: i32, padAfter: i32): i32 {
  if (countsPadding) return endTap(start, dilation, kernel, extent + padAfter);
  return endTap(start, dilation, kernel, extent) - firstTap(start, dilation);
}

export function avgPool(operands: usize, worker: i32, workers: i32): void {
  readPooling(operands);
  const end = shareStart(planes * outHeight, worker + 1, workers);
  for (let i = shareStart(planes * outHeight, worker, workers); i < end; i++) {
    const plane = x + ((((i / outHeight) * height * width) as usize) << 2);
    const startY = (i % outHeight) * strideY - padTop;
    const ky0 = firstTap(startY, dilationY);
    const ky1 = endTap(startY, dilationY, kernelHeight, height);
    const divisorY = divisorAlong(startY, dilationY, kernelHeight, height, padBottom);
    const to = y + (((i * outWidth) as usize) << 2);
    let column = 0;
    while (column < outWidth) {
      const isInner = column >= innerStart && column < innerEnd && innerEnd - innerStart >= 4;
      if (isInner) column = min(column, innerEnd - 4);
      const startX = column * strideX - padLeft;
      const at = to + ((column as usize) << 2);
      if (isInner) {
        const sum = sumOfFour(plane, startY, ky0, ky1, startX);
        v128.store(at, f32x4.div(sum, f32x4.splat((divisorY * kernelWidth) as f32)));
        column += 4;
      } else {
        const divisor = divisorY * divisorAlong(startX, dilationX, kernelWidth, width, padRight);
        store<f32>(at, sumOfOne(plane, startY, ky0, ky1, startX) / (divisor as f32));
        column++;
      }
    }
  }
}

function sumOfFour(plane: usize, startY: i32, ky0: i32, ky1: i32, startX: i32): v128 {
  let sum = f32x4.splat(0);
  for (let ky = ky0; ky < ky1; ky++) {
    let at = plane + ((((startY + ky * dilationY) * width + startX) as usize) << 2);
    for (let kx = 0; kx < kernelWidth; kx++) {
      sum = f32x4.add(sum, loadWindows(at));
      at += (dilationX as usize) << 2;
    }
  }
  return sum;
}

function sumOfOne(plane: usize, startY: i32, ky0: i32, ky1: i32, startX: i32): f32 {
  const kx0 = firstTap(startX, dilationX);
  const kx1 = endTap(startX, dilationX, kernelWidth, width);
  let sum: f32 = 0;
  for (let ky = ky0; ky < ky1; ky++) {
    const row = plane + ((((startY + ky * dilationY) * width + startX) as usize) << 2);
    for (let kx = kx0; kx < kx1; kx++) sum += load<f32>(row + (((kx * dilationX) as usize) << 2));
  }
  return sum;
}

export function avgPoolGrad(operands: usize, worker: i32, workers: i32): void {
  readPooling(operands);
  const planeBytes = ((height * width) as usize) << 2;
  const end = shareStart(planes, worker + 1, workers);
  for (let i = shareStart(planes, worker, workers); i < end; i++) {
    const plane = x + (i as usize) * planeBytes;
    memory.fill(plane, 0, planeBytes);
    let from = y + (((i * outHeight * outWidth) as usize) << 2);
    for (let row = 0; row < outHeight; row++) {
      const startY = row * strideY - padTop;
      const ky0 = firstTap(startY, dilationY);
      const ky1 = endTap(startY, dilationY, kernelHeight, height);
      const divisorY = divisorAlong(startY, dilationY, kernelHeight, height, padBottom);
      for (let column = 0; column < outWidth; column++) {
        const startX = column * strideX - padLeft;
        const divisor = divisorY * divisorAlong(startX, dilationX, kernelWidth, width, padRight);
        addShare(plane, startY, ky0, ky1, startX, load<f32>(from) / (divisor as f32));
        from += 4;
      }
    }
  }
}

/** Adds the share of one window to each element that it sees. */
function addShare(plane: usize, startY: i32, ky0: i32, ky1: i32, startX: i32, share: f32): void {
  const kx0 = firstTap(startX, dilationX);
  const kx1 = endTap(startX, dilationX, kernelWidth, width);
  const step = (dilationX as usize) << 2;
  const rowStep = ((dilationY * width) as usize) << 2;
  let row = plane + ((((startY + ky0 * dilationY) * width + startX + kx0 * dilationX) as usize) << 2);
  for (let ky = ky0; ky < ky1; ky++) {
    let at = row;
    for (let kx = kx0; kx < kx1; kx++) {
      store<f32>(at, load<f32>(at) + share);
      at += step;
    }
    row += rowStep;
  }
}

/** Operands: see operand-layouts.ts. Elements that meet are added in the order in which they lie. */
export function scatterToPlane(operands: usize, worker: i32, workers: i32): void {
  const from: usize = word(operands, 0);
  const where: usize = word(operands, 1);
  const to: usize = word(operands, 2);
  const count = word(operands, 3);
  const fromBytes = (word(operands, 4) as usize) << 2;
  const toBytes = (word(operands, 5) as usize) << 2;
  const end = shareStart(count, worker + 1, workers);
  for (let plane = shareStart(count, worker, workers); plane < end; plane++) {
    const target = to + (plane as usize) * toBytes;
    memory.fill(target, 0, toBytes);
    let at = (plane as usize) * fromBytes;
    const planeEnd = at + fromBytes;
    for (; at < planeEnd; at += 4) {
      const element = target + ((load<i32>(where + at) as usize) << 2);
      store<f32>(element, load<f32>(element) + load<f32>(from + at));
    }
  }
}

/** Operands: see operand-layouts.ts. */
export function gatherFromPlane(operands: usize, worker: i32, workers: i32): void {
  const from: usize = word(operands, 0);
  const where: usize = word(operands, 1);
  const to: usize = word(operands, 2);
  const count = word(operands, 3);
  const fromBytes = (word(operands, 4) as usize) << 2;
  const toBytes = (word(operands, 5) as usize) << 2;
  const end = shareStart(count, worker + 1, workers);
  for (let plane = shareStart(count, worker, workers); plane < end; plane++) {
    const source = from + (plane as usize) * fromBytes;
    let at = (plane as usize) * toBytes;
    const planeEnd = at + toBytes;
    for (; at < planeEnd; at += 4) {
      store<f32>(to + at, load<f32>(source + ((load<i32>(where + at) as usize) << 2)));
    }
  }
}
