// Depthwise convolutions with 3×3 kernels that move by one or two pixels, and their gradients: read from the planes as they
// lie, without a padded copy.
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
  scratch,
  strideX,
  strideY,
  w,
  width,
  x,
  y,
} from "./convolution-operands";
import { addDotsByDoubleSteps, addDotsBySingleSteps } from "./depthwise-3x3-dots";
import { beginPlanes, rowBytes, WEIGHTS, ZEROS } from "./depthwise-3x3-rows";
import { spreadByDoubleSteps } from "./depthwise-3x3-spread";
import { sumByDoubleSteps, sumBySingleSteps } from "./depthwise-3x3-sums";
import { sumLanes } from "./multiply-add";
import { shareStart } from "./worker-share";

/** Bytes of the nine vectors of sums of a group. */
const SUM_BYTES: usize = 144;
/** Groups whose sums are kept at a time: the planes of an image are then read as they lie. */
const GROUPS: i32 = 16;

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
