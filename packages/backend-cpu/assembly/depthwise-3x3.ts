// Depthwise convolutions with 3×3 kernels that move by one or two pixels, and their gradients: read from the planes as they
// lie, without a padded copy. Rows outside a plane are a row of zeros; the one column outside that a window may see on
// either side is masked. Vectors of four neighbours; the last ones of a row overlap those before.
import {
  bias,
  channels,
  dilationX,
  dilationY,
  groupChannels,
  groupFilters,
  groups,
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
  w,
  width,
  x,
  y,
} from "./convolution-operands";
import { multiplyAdd, sumLanes } from "./multiply-add";
import { shareStart } from "./worker-share";

// At the start of the scratch: vectors of masks, nine weights, where the rows at hand begin, a row of zeros, and the sums.
// Where rows begin is kept in memory because Binaryen moves what computes it into the innermost loop.
const EVERY_LANE: usize = 0;
const BUT_FIRST: usize = 16;
const BUT_LAST: usize = 32;
const NEW_LANES: usize = 48;
const WEIGHTS: usize = 64;
const ROWS: usize = 112;
const ZEROS: usize = 144;
const SUM_BYTES: usize = 144;
/** Groups whose sums are kept at a time: the planes of an image are then read as they lie. */
const GROUPS: i32 = 16;

// The planes that windows are read from, and what of them lies outside.
let seenHeight: i32 = 0;
let rowBytes: usize = 0;
let top: i32 = 0;
let leftBytes: usize = 0;
let firstMask: usize = 0;
let lastMask: usize = 0;

/** Whether windows that move by `step` see at most one column outside on either side, and whole vectors fit. */
function fits(rows: i32, columns: i32, step: i32, left: i32, columnsSeen: i32): bool {
  return (
    rows >= 4 && columns >= 4 && (left === 0 || left === 1) && (columns - 1) * step + 2 - left <= columnsSeen
  );
}

function isPlain(): bool {
  const nine = kernelHeight === 3 && kernelWidth === 3 && dilationY === 1 && dilationX === 1;
  return nine && groups > 1 && groupChannels === 1 && strideX === strideY && strideX <= 2;
}

/** Whether the forward pass is done here. */
export function readsWindows(): bool {
  return isPlain() && fits(outHeight, outWidth, strideX, padLeft, width);
}

/** Whether the gradient by the input is done here. */
export function spreadsWindows(): bool {
  if (!isPlain() || groupFilters !== 1) return false;
  if (strideX === 1) return fits(height, width, 1, 2 - padLeft, outWidth);
  return (
    outWidth >= 4 &&
    width === 2 * outWidth &&
    padLeft === 1 &&
    padTop === 1 &&
    (height + 1) >> 1 === outHeight
  );
}

/** Whether the gradient by the kernels is done here. */
export function sumsWindows(): bool {
  return groupFilters === 1 && readsWindows();
}

function beginPlanes(
  planeHeight: i32,
  planeWidth: i32,
  before: i32,
  left: i32,
  step: i32,
  columns: i32,
): void {
  seenHeight = planeHeight;
  rowBytes = (planeWidth as usize) << 2;
  top = before;
  leftBytes = (left as usize) << 2;
  v128.store(scratch, i32x4.splat(-1), EVERY_LANE);
  v128.store(scratch, i32x4(0, -1, -1, -1), BUT_FIRST);
  v128.store(scratch, i32x4(-1, -1, -1, 0), BUT_LAST);
  v128.store(scratch, i32x4.ge_s(i32x4(0, 1, 2, 3), i32x4.splat(-columns & 3)), NEW_LANES);
  firstMask = scratch + (left > 0 ? BUT_FIRST : EVERY_LANE);
  lastMask = scratch + ((columns - 1) * step + 2 - left === planeWidth ? BUT_LAST : EVERY_LANE);
  memory.fill(scratch + ZEROS, 0, rowBytes + 64);
}

/** Writes down where `count` rows of a plane begin for the windows: at the first column that they see. */
function setRows(plane: usize, first: i32, count: i32): void {
  for (let i = 0; i < count; i++) {
    const row = first + i;
    const start = row < 0 || row >= seenHeight ? scratch + ZEROS + 16 : plane + (row as usize) * rowBytes;
    store<u32>(scratch + ((i as usize) << 2), start - leftBytes, ROWS);
  }
}

/** y = x ∗ w. */
export function readWindows(worker: i32, workers: i32): void {
  beginPlanes(height, width, padTop, padLeft, strideX, outWidth);
  const outPlane = ((outHeight * outWidth) as usize) << 2;
  const end = shareStart(images * channels, worker + 1, workers);
  for (let i = shareStart(images * channels, worker, workers); i < end; i++) {
    const from = x + (i as usize) * (height as usize) * rowBytes;
    for (let f = 0; f < groupFilters; f++) {
      const filter = (i % channels) * groupFilters + f;
      const start: f32 = bias ? load<f32>(bias + ((filter as usize) << 2)) : 0;
      const to = y + ((i * groupFilters + f) as usize) * outPlane;
      const weights = w + (filter as usize) * 36;
      if (strideX === 1) sumBySingleSteps(from, weights, start, to, outHeight, outWidth);
      else sumByDoubleSteps(from, weights, start, to);
    }
  }
}

/** x = what y gives back. With single steps that is a convolution with the kernels turned round. */
export function spreadWindows(worker: i32, workers: i32): void {
  const single = strideX === 1;
  if (single) beginPlanes(outHeight, outWidth, 2 - padTop, 2 - padLeft, 1, width);
  else beginPlanes(outHeight, outWidth, 0, 0, 1, outWidth);
  const plane = ((height * width) as usize) << 2;
  const end = shareStart(images * channels, worker + 1, workers);
  for (let i = shareStart(images * channels, worker, workers); i < end; i++) {
    const channel = i % channels;
    const from = y + (i as usize) * (outHeight as usize) * rowBytes;
    const weights = w + (channel as usize) * 36;
    const start: f32 = bias ? load<f32>(bias + ((channel as usize) << 2)) : 0;
    const to = x + (i as usize) * plane;
    if (single) {
      for (let tap: usize = 0; tap < 36; tap += 4)
        store<f32>(scratch + tap, load<f32>(weights + 32 - tap), WEIGHTS);
      sumBySingleSteps(from, scratch + WEIGHTS, start, to, height, width);
    } else {
      spreadByDoubleSteps(from, weights, start, to);
    }
  }
}

/** w = the sums over all images and windows of x times y. */
export function sumWindows(worker: i32, workers: i32): void {
  beginPlanes(height, width, padTop, padLeft, strideX, outWidth);
  const plane = (height as usize) * rowBytes;
  const outPlane = ((outHeight * outWidth) as usize) << 2;
  const end = shareStart(groups, worker + 1, workers);
  for (let first = shareStart(groups, worker, workers); first < end; first += GROUPS) {
    const count = min(GROUPS, end - first);
    memory.fill(sums(0), 0, (count as usize) * SUM_BYTES);
    for (let image = 0; image < images; image++) {
      for (let i = 0; i < count; i++) {
        const at = (image * groups + first + i) as usize;
        if (strideX === 1) addDotsBySingleSteps(x + at * plane, y + at * outPlane, sums(i));
        else addDotsByDoubleSteps(x + at * plane, y + at * outPlane, sums(i));
      }
    }
    for (let i = 0; i < count; i++) {
      const to = w + ((first + i) as usize) * 36;
      for (let tap: usize = 0; tap < 9; tap++) {
        store<f32>(to + (tap << 2), sumLanes(v128.load(sums(i) + (tap << 4))));
      }
    }
  }
}

/** Where the sums of the i-th group at hand are. */
function sums(i: i32): usize {
  return scratch + ZEROS + 64 + ((rowBytes + 15) & ~15) + (i as usize) * SUM_BYTES;
}

/** Four rows of four sums at a time: each row of the plane is read once for three of them. */
function sumBySingleSteps(from: usize, weights: usize, start: f32, to: usize, rows: i32, columns: i32): void {
  const w0 = v128.load32_splat(weights);
  const w1 = v128.load32_splat(weights, 4);
  const w2 = v128.load32_splat(weights, 8);
  const w3 = v128.load32_splat(weights, 12);
  const w4 = v128.load32_splat(weights, 16);
  const w5 = v128.load32_splat(weights, 20);
  const w6 = v128.load32_splat(weights, 24);
  const w7 = v128.load32_splat(weights, 28);
  const w8 = v128.load32_splat(weights, 32);
  const targetRow = (columns as usize) << 2;
  const lastColumn = ((columns - 4) as usize) << 2;
  const every = scratch + EVERY_LANE;
  const table = scratch + ROWS;
  const rectify = rectifies;
  for (let i = 0; i < rows; i += 4) {
    const row = min(i, rows - 4);
    setRows(from, row - top, 6);
    const target = to + (row as usize) * targetRow;
    for (let next: usize = 0; next < targetRow; next += 16) {
      const column = min(next, lastColumn);
      const inFirst = v128.load(column === 0 ? firstMask : every);
      const inLast = v128.load(column === lastColumn ? lastMask : every);
      let s0 = f32x4.splat(start);
      let s1 = s0;
      let s2 = s0;
      let s3 = s0;
      let at = load<u32>(table) + column;
      let v = v128.and(v128.load(at), inFirst);
      s0 = multiplyAdd(w0, v, s0);
      v = v128.load(at, 4);
      s0 = multiplyAdd(w1, v, s0);
      v = v128.and(v128.load(at, 8), inLast);
      s0 = multiplyAdd(w2, v, s0);
      at = load<u32>(table, 4) + column;
      v = v128.and(v128.load(at), inFirst);
      s0 = multiplyAdd(w3, v, s0);
      s1 = multiplyAdd(w0, v, s1);
      v = v128.load(at, 4);
      s0 = multiplyAdd(w4, v, s0);
      s1 = multiplyAdd(w1, v, s1);
      v = v128.and(v128.load(at, 8), inLast);
      s0 = multiplyAdd(w5, v, s0);
      s1 = multiplyAdd(w2, v, s1);
      at = load<u32>(table, 8) + column;
      v = v128.and(v128.load(at), inFirst);
      s0 = multiplyAdd(w6, v, s0);
      s1 = multiplyAdd(w3, v, s1);
      s2 = multiplyAdd(w0, v, s2);
      v = v128.load(at, 4);
      s0 = multiplyAdd(w7, v, s0);
      s1 = multiplyAdd(w4, v, s1);
      s2 = multiplyAdd(w1, v, s2);
      v = v128.and(v128.load(at, 8), inLast);
      s0 = multiplyAdd(w8, v, s0);
      s1 = multiplyAdd(w5, v, s1);
      s2 = multiplyAdd(w2, v, s2);
      at = load<u32>(table, 12) + column;
      v = v128.and(v128.load(at), inFirst);
      s1 = multiplyAdd(w6, v, s1);
      s2 = multiplyAdd(w3, v, s2);
      s3 = multiplyAdd(w0, v, s3);
      v = v128.load(at, 4);
      s1 = multiplyAdd(w7, v, s1);
      s2 = multiplyAdd(w4, v, s2);
      s3 = multiplyAdd(w1, v, s3);
      v = v128.and(v128.load(at, 8), inLast);
      s1 = multiplyAdd(w8, v, s1);
      s2 = multiplyAdd(w5, v, s2);
      s3 = multiplyAdd(w2, v, s3);
      at = load<u32>(table, 16) + column;
      v = v128.and(v128.load(at), inFirst);
      s2 = multiplyAdd(w6, v, s2);
      s3 = multiplyAdd(w3, v, s3);
      v = v128.load(at, 4);
      s2 = multiplyAdd(w7, v, s2);
      s3 = multiplyAdd(w4, v, s3);
      v = v128.and(v128.load(at, 8), inLast);
      s2 = multiplyAdd(w8, v, s2);
      s3 = multiplyAdd(w5, v, s3);
      at = load<u32>(table, 20) + column;
      s3 = multiplyAdd(w6, v128.and(v128.load(at), inFirst), s3);
      s3 = multiplyAdd(w7, v128.load(at, 4), s3);
      s3 = multiplyAdd(w8, v128.and(v128.load(at, 8), inLast), s3);
      if (rectify) {
        const zero = f32x4.splat(0);
        s0 = f32x4.max(s0, zero);
        s1 = f32x4.max(s1, zero);
        s2 = f32x4.max(s2, zero);
        s3 = f32x4.max(s3, zero);
      }
      let store = target + column;
      v128.store(store, s0);
      v128.store((store += targetRow), s1);
      v128.store((store += targetRow), s2);
      v128.store(store + targetRow, s3);
    }
  }
}

/** Every second of eight neighbours, from two vectors of them. */
function even(low: v128, high: v128): v128 {
  return v128.shuffle<f32>(low, high, 0, 2, 4, 6);
}

function odd(low: v128, high: v128): v128 {
  return v128.shuffle<f32>(low, high, 1, 3, 5, 7);
}

/** Two rows of four sums at a time. */
function sumByDoubleSteps(from: usize, weights: usize, start: f32, to: usize): void {
  const w0 = v128.load32_splat(weights);
  const w1 = v128.load32_splat(weights, 4);
  const w2 = v128.load32_splat(weights, 8);
  const w3 = v128.load32_splat(weights, 12);
  const w4 = v128.load32_splat(weights, 16);
  const w5 = v128.load32_splat(weights, 20);
  const w6 = v128.load32_splat(weights, 24);
  const w7 = v128.load32_splat(weights, 28);
  const w8 = v128.load32_splat(weights, 32);
  const targetRow = (outWidth as usize) << 2;
  const lastColumn = targetRow - 16;
  const every = scratch + EVERY_LANE;
  const table = scratch + ROWS;
  const rectify = rectifies;
  for (let i = 0; i < outHeight; i += 2) {
    const row = min(i, outHeight - 2);
    setRows(from, 2 * row - top, 5);
    const target = to + (row as usize) * targetRow;
    for (let next: usize = 0; next < targetRow; next += 16) {
      const column = min(next, lastColumn);
      const inFirst = v128.load(column === 0 ? firstMask : every);
      const inLast = v128.load(column === lastColumn ? lastMask : every);
      let s0 = f32x4.splat(start);
      let s1 = s0;
      let at = load<u32>(table) + 2 * column;
      let low = v128.load(at);
      let high = v128.load(at, 16);
      s0 = multiplyAdd(w0, v128.and(even(low, high), inFirst), s0);
      s0 = multiplyAdd(w1, odd(low, high), s0);
      s0 = multiplyAdd(w2, v128.and(even(v128.load(at, 8), v128.load(at, 24)), inLast), s0);
      at = load<u32>(table, 4) + 2 * column;
      low = v128.load(at);
      high = v128.load(at, 16);
      s0 = multiplyAdd(w3, v128.and(even(low, high), inFirst), s0);
      s0 = multiplyAdd(w4, odd(low, high), s0);
      s0 = multiplyAdd(w5, v128.and(even(v128.load(at, 8), v128.load(at, 24)), inLast), s0);
      at = load<u32>(table, 8) + 2 * column;
      low = v128.load(at);
      high = v128.load(at, 16);
      let v = v128.and(even(low, high), inFirst);
      s0 = multiplyAdd(w6, v, s0);
      s1 = multiplyAdd(w0, v, s1);
      v = odd(low, high);
      s0 = multiplyAdd(w7, v, s0);
      s1 = multiplyAdd(w1, v, s1);
      v = v128.and(even(v128.load(at, 8), v128.load(at, 24)), inLast);
      s0 = multiplyAdd(w8, v, s0);
      s1 = multiplyAdd(w2, v, s1);
      at = load<u32>(table, 12) + 2 * column;
      low = v128.load(at);
      high = v128.load(at, 16);
      s1 = multiplyAdd(w3, v128.and(even(low, high), inFirst), s1);
      s1 = multiplyAdd(w4, odd(low, high), s1);
      s1 = multiplyAdd(w5, v128.and(even(v128.load(at, 8), v128.load(at, 24)), inLast), s1);
      at = load<u32>(table, 16) + 2 * column;
      low = v128.load(at);
      high = v128.load(at, 16);
      s1 = multiplyAdd(w6, v128.and(even(low, high), inFirst), s1);
      s1 = multiplyAdd(w7, odd(low, high), s1);
      s1 = multiplyAdd(w8, v128.and(even(v128.load(at, 8), v128.load(at, 24)), inLast), s1);
      if (rectify) {
        const zero = f32x4.splat(0);
        s0 = f32x4.max(s0, zero);
        s1 = f32x4.max(s1, zero);
      }
      v128.store(target + column, s0);
      v128.store(target + column + targetRow, s1);
    }
  }
}

/**
 * Each pixel of y, with those right of it and below, gives four of x: (2r, 2c) was seen by tap 4 only, its right neighbour
 * by 3 and 5, the one below by 1 and 7, the one across by the corners.
 */
function spreadByDoubleSteps(from: usize, weights: usize, start: f32, to: usize): void {
  const w0 = v128.load32_splat(weights);
  const w1 = v128.load32_splat(weights, 4);
  const w2 = v128.load32_splat(weights, 8);
  const w3 = v128.load32_splat(weights, 12);
  const w4 = v128.load32_splat(weights, 16);
  const w5 = v128.load32_splat(weights, 20);
  const w6 = v128.load32_splat(weights, 24);
  const w7 = v128.load32_splat(weights, 28);
  const w8 = v128.load32_splat(weights, 32);
  const first = f32x4.splat(start);
  const targetRow = (width as usize) << 2;
  const lastColumn = rowBytes - 16;
  const every = scratch + EVERY_LANE;
  const table = scratch + ROWS;
  const butLast = scratch + BUT_LAST;
  const rectify = rectifies;
  for (let row = 0; row < outHeight; row++) {
    setRows(from, row, 2);
    const target = to + 2 * (row as usize) * targetRow;
    const two = 2 * row + 1 < height;
    for (let next: usize = 0; next < rowBytes; next += 16) {
      const column = min(next, lastColumn);
      const inLast = v128.load(column === lastColumn ? butLast : every);
      let from = load<u32>(table) + column;
      const d = v128.load(from);
      const right = v128.and(v128.load(from, 4), inLast);
      from = load<u32>(table, 4) + column;
      const e = v128.load(from);
      const across = v128.and(v128.load(from, 4), inLast);
      let s0 = multiplyAdd(w4, d, first);
      let s1 = multiplyAdd(w5, d, multiplyAdd(w3, right, first));
      let s2 = multiplyAdd(w7, d, multiplyAdd(w1, e, first));
      let s3 = multiplyAdd(w2, e, multiplyAdd(w0, across, first));
      s3 = multiplyAdd(w8, d, multiplyAdd(w6, right, s3));
      if (rectify) {
        const least = f32x4.splat(0);
        s0 = f32x4.max(s0, least);
        s1 = f32x4.max(s1, least);
        s2 = f32x4.max(s2, least);
        s3 = f32x4.max(s3, least);
      }
      const at = target + 2 * column;
      v128.store(at, v128.shuffle<f32>(s0, s1, 0, 4, 1, 5));
      v128.store(at, v128.shuffle<f32>(s0, s1, 2, 6, 3, 7), 16);
      if (!two) continue;
      v128.store(at + targetRow, v128.shuffle<f32>(s2, s3, 0, 4, 1, 5));
      v128.store(at + targetRow, v128.shuffle<f32>(s2, s3, 2, 6, 3, 7), 16);
    }
  }
}

/**
 * Adds nine dot products, of the planes that the taps see with one of y, two rows of y at a time. Lanes that the last vector
 * sees again do not count.
 */
function addDotsBySingleSteps(from: usize, dy: usize, sums: usize): void {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let s4 = f32x4.splat(0);
  let s5 = f32x4.splat(0);
  let s6 = f32x4.splat(0);
  let s7 = f32x4.splat(0);
  let s8 = f32x4.splat(0);
  const dyRow = (outWidth as usize) << 2;
  const lastColumn = dyRow - 16;
  const every = scratch + EVERY_LANE;
  const table = scratch + ROWS;
  for (let row = 0; row < outHeight; row += 2) {
    setRows(from, row - top, 4);
    // Behind the last row of y: zeros.
    const below = row + 1 < outHeight ? dyRow : scratch + ZEROS - dy;
    for (let next: usize = 0; next < dyRow; next += 16) {
      const column = min(next, lastColumn);
      const inFirst = v128.load(column === 0 ? firstMask : every);
      const inLast = v128.load(column === lastColumn ? lastMask : every);
      const isNew = v128.load(column === next ? every : scratch + NEW_LANES);
      const d = v128.and(v128.load(dy + column), isNew);
      const e = v128.and(v128.load(dy + below + column), isNew);
      let at = load<u32>(table) + column;
      s0 = multiplyAdd(d, v128.and(v128.load(at), inFirst), s0);
      s1 = multiplyAdd(d, v128.load(at, 4), s1);
      s2 = multiplyAdd(d, v128.and(v128.load(at, 8), inLast), s2);
      at = load<u32>(table, 4) + column;
      let v = v128.and(v128.load(at), inFirst);
      s3 = multiplyAdd(d, v, s3);
      s0 = multiplyAdd(e, v, s0);
      v = v128.load(at, 4);
      s4 = multiplyAdd(d, v, s4);
      s1 = multiplyAdd(e, v, s1);
      v = v128.and(v128.load(at, 8), inLast);
      s5 = multiplyAdd(d, v, s5);
      s2 = multiplyAdd(e, v, s2);
      at = load<u32>(table, 8) + column;
      v = v128.and(v128.load(at), inFirst);
      s6 = multiplyAdd(d, v, s6);
      s3 = multiplyAdd(e, v, s3);
      v = v128.load(at, 4);
      s7 = multiplyAdd(d, v, s7);
      s4 = multiplyAdd(e, v, s4);
      v = v128.and(v128.load(at, 8), inLast);
      s8 = multiplyAdd(d, v, s8);
      s5 = multiplyAdd(e, v, s5);
      at = load<u32>(table, 12) + column;
      s6 = multiplyAdd(e, v128.and(v128.load(at), inFirst), s6);
      s7 = multiplyAdd(e, v128.load(at, 4), s7);
      s8 = multiplyAdd(e, v128.and(v128.load(at, 8), inLast), s8);
    }
    dy += 2 * dyRow;
  }
  addSums(sums, s0, s1, s2, s3, s4, s5, s6, s7, s8);
}

function addDotsByDoubleSteps(from: usize, dy: usize, sums: usize): void {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let s4 = f32x4.splat(0);
  let s5 = f32x4.splat(0);
  let s6 = f32x4.splat(0);
  let s7 = f32x4.splat(0);
  let s8 = f32x4.splat(0);
  const dyRow = (outWidth as usize) << 2;
  const lastColumn = dyRow - 16;
  const every = scratch + EVERY_LANE;
  const table = scratch + ROWS;
  for (let row = 0; row < outHeight; row++) {
    setRows(from, 2 * row - top, 3);
    for (let next: usize = 0; next < dyRow; next += 16) {
      const column = min(next, lastColumn);
      const inFirst = v128.load(column === 0 ? firstMask : every);
      const inLast = v128.load(column === lastColumn ? lastMask : every);
      const d = v128.and(v128.load(dy + column), v128.load(column === next ? every : scratch + NEW_LANES));
      let at = load<u32>(table) + 2 * column;
      let low = v128.load(at);
      let high = v128.load(at, 16);
      s0 = multiplyAdd(d, v128.and(even(low, high), inFirst), s0);
      s1 = multiplyAdd(d, odd(low, high), s1);
      s2 = multiplyAdd(d, v128.and(even(v128.load(at, 8), v128.load(at, 24)), inLast), s2);
      at = load<u32>(table, 4) + 2 * column;
      low = v128.load(at);
      high = v128.load(at, 16);
      s3 = multiplyAdd(d, v128.and(even(low, high), inFirst), s3);
      s4 = multiplyAdd(d, odd(low, high), s4);
      s5 = multiplyAdd(d, v128.and(even(v128.load(at, 8), v128.load(at, 24)), inLast), s5);
      at = load<u32>(table, 8) + 2 * column;
      low = v128.load(at);
      high = v128.load(at, 16);
      s6 = multiplyAdd(d, v128.and(even(low, high), inFirst), s6);
      s7 = multiplyAdd(d, odd(low, high), s7);
      s8 = multiplyAdd(d, v128.and(even(v128.load(at, 8), v128.load(at, 24)), inLast), s8);
    }
    dy += dyRow;
  }
  addSums(sums, s0, s1, s2, s3, s4, s5, s6, s7, s8);
}

function addSums(
  at: usize,
  s0: v128,
  s1: v128,
  s2: v128,
  s3: v128,
  s4: v128,
  s5: v128,
  s6: v128,
  s7: v128,
  s8: v128,
): void {
  v128.store(at, f32x4.add(v128.load(at), s0));
  v128.store(at, f32x4.add(v128.load(at, 16), s1), 16);
  v128.store(at, f32x4.add(v128.load(at, 32), s2), 32);
  v128.store(at, f32x4.add(v128.load(at, 48), s3), 48);
  v128.store(at, f32x4.add(v128.load(at, 64), s4), 64);
  v128.store(at, f32x4.add(v128.load(at, 80), s5), 80);
  v128.store(at, f32x4.add(v128.load(at, 96), s6), 96);
  v128.store(at, f32x4.add(v128.load(at, 112), s7), 112);
  v128.store(at, f32x4.add(v128.load(at, 128), s8), 128);
}
