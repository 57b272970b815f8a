// Tiles of dot products along runs of pixels: 3 planes of dy × 3 of x, or 1 × 9 where each plane of x has its own dy.
import { addNineSums, multiplyAdd } from "./multiply-add";

// A run: rows of `vectors` whole vectors and a last one of which `tail` lanes count. Steps in bytes from the end of one
// row's vectors to the start of the next.
let rows: i32 = 0;
let vectors: i32 = 0;
let hasTail: bool = false;
let tailMask: v128 = i32x4.splat(0);
let dyStep: usize = 0;
let xStep: usize = 0;

export function setRunShape(width: i32, dyRowBytes: usize, xRowBytes: usize): void {
  vectors = width >> 2;
  hasTail = (width & 3) !== 0;
  tailMask = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(width & 3));
  dyStep = dyRowBytes - ((vectors as usize) << 4);
  xStep = xRowBytes - ((vectors as usize) << 4);
}

export function setRunRows(count: i32): void {
  rows = count;
}

/** Adds to nine vectors at `sums`: dy rows × x rows. */
export function addDots3x3(
  dy0: usize,
  dy1: usize,
  dy2: usize,
  x0: usize,
  x1: usize,
  x2: usize,
  sums: usize,
): void {
  let s00 = f32x4.splat(0);
  let s01 = f32x4.splat(0);
  let s02 = f32x4.splat(0);
  let s10 = f32x4.splat(0);
  let s11 = f32x4.splat(0);
  let s12 = f32x4.splat(0);
  let s20 = f32x4.splat(0);
  let s21 = f32x4.splat(0);
  let s22 = f32x4.splat(0);
  const mask = tailMask;
  for (let row = 0; row < rows; row++) {
    for (let left = vectors; left > 0; left--) {
      const x0v = v128.load(x0);
      const x1v = v128.load(x1);
      const x2v = v128.load(x2);
      const d0 = v128.load(dy0);
      s00 = multiplyAdd(d0, x0v, s00);
      s01 = multiplyAdd(d0, x1v, s01);
      s02 = multiplyAdd(d0, x2v, s02);
      const d1 = v128.load(dy1);
      s10 = multiplyAdd(d1, x0v, s10);
      s11 = multiplyAdd(d1, x1v, s11);
      s12 = multiplyAdd(d1, x2v, s12);
      const d2 = v128.load(dy2);
      s20 = multiplyAdd(d2, x0v, s20);
      s21 = multiplyAdd(d2, x1v, s21);
      s22 = multiplyAdd(d2, x2v, s22);
      dy0 += 16;
      dy1 += 16;
      dy2 += 16;
      x0 += 16;
      x1 += 16;
      x2 += 16;
    }
    if (hasTail) {
      const x0v = v128.and(v128.load(x0), mask);
      const x1v = v128.and(v128.load(x1), mask);
      const x2v = v128.and(v128.load(x2), mask);
      const d0 = v128.and(v128.load(dy0), mask);
      s00 = multiplyAdd(d0, x0v, s00);
      s01 = multiplyAdd(d0, x1v, s01);
      s02 = multiplyAdd(d0, x2v, s02);
      const d1 = v128.and(v128.load(dy1), mask);
      s10 = multiplyAdd(d1, x0v, s10);
      s11 = multiplyAdd(d1, x1v, s11);
      s12 = multiplyAdd(d1, x2v, s12);
      const d2 = v128.and(v128.load(dy2), mask);
      s20 = multiplyAdd(d2, x0v, s20);
      s21 = multiplyAdd(d2, x1v, s21);
      s22 = multiplyAdd(d2, x2v, s22);
    }
    dy0 += dyStep;
    dy1 += dyStep;
    dy2 += dyStep;
    x0 += xStep;
    x1 += xStep;
    x2 += xStep;
  }
  addNineSums(sums, s00, s01, s02, s10, s11, s12, s20, s21, s22);
}

/** Adds to nine vectors at `sums`: one dy row × nine x rows, which begin at `x` plus the nine offsets at `table`. */
export function addDots1x9(dy: usize, x: usize, table: usize, sums: usize): void {
  const x0 = x + load<u32>(table) - dy;
  const x1 = x + load<u32>(table, 4) - dy;
  const x2 = x + load<u32>(table, 8) - dy;
  const x3 = x + load<u32>(table, 12) - dy;
  const x4 = x + load<u32>(table, 16) - dy;
  const x5 = x + load<u32>(table, 20) - dy;
  const x6 = x + load<u32>(table, 24) - dy;
  const x7 = x + load<u32>(table, 28) - dy;
  const x8 = x + load<u32>(table, 32) - dy;
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let s4 = f32x4.splat(0);
  let s5 = f32x4.splat(0);
  let s6 = f32x4.splat(0);
  let s7 = f32x4.splat(0);
  let s8 = f32x4.splat(0);
  // `skew` is how far x has moved more than dy.
  let skew: usize = 0;
  for (let row = 0; row < rows; row++) {
    const end = dy + ((vectors as usize) << 4);
    for (; dy < end; dy += 16) {
      const at = dy + skew;
      const d = v128.load(dy);
      s0 = multiplyAdd(d, v128.load(at + x0), s0);
      s1 = multiplyAdd(d, v128.load(at + x1), s1);
      s2 = multiplyAdd(d, v128.load(at + x2), s2);
      s3 = multiplyAdd(d, v128.load(at + x3), s3);
      s4 = multiplyAdd(d, v128.load(at + x4), s4);
      s5 = multiplyAdd(d, v128.load(at + x5), s5);
      s6 = multiplyAdd(d, v128.load(at + x6), s6);
      s7 = multiplyAdd(d, v128.load(at + x7), s7);
      s8 = multiplyAdd(d, v128.load(at + x8), s8);
    }
    if (hasTail) {
      const at = dy + skew;
      const d = v128.and(v128.load(dy), tailMask);
      s0 = multiplyAdd(d, v128.and(v128.load(at + x0), tailMask), s0);
      s1 = multiplyAdd(d, v128.and(v128.load(at + x1), tailMask), s1);
      s2 = multiplyAdd(d, v128.and(v128.load(at + x2), tailMask), s2);
      s3 = multiplyAdd(d, v128.and(v128.load(at + x3), tailMask), s3);
      s4 = multiplyAdd(d, v128.and(v128.load(at + x4), tailMask), s4);
      s5 = multiplyAdd(d, v128.and(v128.load(at + x5), tailMask), s5);
      s6 = multiplyAdd(d, v128.and(v128.load(at + x6), tailMask), s6);
      s7 = multiplyAdd(d, v128.and(v128.load(at + x7), tailMask), s7);
      s8 = multiplyAdd(d, v128.and(v128.load(at + x8), tailMask), s8);
    }
    dy += dyStep;
    skew += xStep - dyStep;
  }
  addNineSums(sums, s0, s1, s2, s3, s4, s5, s6, s7, s8);
}
