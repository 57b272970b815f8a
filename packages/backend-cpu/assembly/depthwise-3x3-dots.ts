// The gradient by the kernels of 3×3 windows: nine dot products of two planes.
import { outHeight, outWidth, scratch } from "./convolution-operands";
import {
  even,
  EVERY_LANE,
  firstMask,
  lastMask,
  NEW_LANES,
  odd,
  ROWS,
  setRows,
  top,
  ZEROS,
} from "./depthwise-3x3-rows";
import { addNineSums, multiplyAdd } from "./multiply-add";

/**
 * Adds nine dot products, of the planes that the taps see with one of y, two rows of y at a time. Lanes that the last vector
 * sees again do not count.
 */
export function addDotsBySingleSteps(from: usize, dy: usize, sums: usize): void {
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
  addNineSums(sums, s0, s1, s2, s3, s4, s5, s6, s7, s8);
}

export function addDotsByDoubleSteps(from: usize, dy: usize, sums: usize): void {
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
  addNineSums(sums, s0, s1, s2, s3, s4, s5, s6, s7, s8);
}
