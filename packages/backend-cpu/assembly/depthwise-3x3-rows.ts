// The planes that 3×3 windows are read from, as they lie. Rows outside a plane are a row of zeros; the one column outside
// that a window may see on either side is masked. Vectors of four neighbours; the last ones of a row overlap those before.
import { scratch } from "./convolution-operands";

// At the start of the scratch: vectors of masks, nine weights, where the rows at hand begin, a row of zeros, and the sums.
// Where rows begin is kept in memory because Binaryen moves what computes it into the innermost loop.
export const EVERY_LANE: usize = 0;
const BUT_FIRST: usize = 16;
export const BUT_LAST: usize = 32;
export const NEW_LANES: usize = 48;
export const WEIGHTS: usize = 64;
export const ROWS: usize = 112;
export const ZEROS: usize = 144;

// The planes that windows are read from, and what of them lies outside.
let seenHeight: i32 = 0;
export let rowBytes: usize = 0;
export let top: i32 = 0;
let leftBytes: usize = 0;
export let firstMask: usize = 0;
export let lastMask: usize = 0;

/** Prepares the reading of planes whose windows move by `step` and begin `before` rows above and `left` columns beside. */
export function beginPlanes(
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
export function setRows(plane: usize, first: i32, count: i32): void {
  for (let i = 0; i < count; i++) {
    const row = first + i;
    const start = row < 0 || row >= seenHeight ? scratch + ZEROS + 16 : plane + (row as usize) * rowBytes;
    store<u32>(scratch + ((i as usize) << 2), start - leftBytes, ROWS);
  }
}

/** Every second of eight neighbours, from two vectors of them. */
export function even(low: v128, high: v128): v128 {
  return v128.shuffle<f32>(low, high, 0, 2, 4, 6);
}

export function odd(low: v128, high: v128): v128 {
  return v128.shuffle<f32>(low, high, 1, 3, 5, 7);
}
