// The two matrix products of Winograd's convolutions, in register tiles of 4×8: what is splat lies in four rows that are
// `aStep` apart (tiles times filters, along the channels), or as four neighbours (filters times channels, along the tiles).
import { multiplyAdd } from "./multiply-add";

/** C = A·B: four rows of A, `aStep` bytes apart, times a panel of eight columns. */
export function multiplyRows4x8(depth: i32, a: usize, aStep: usize, b: usize, c: usize, cStep: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  let row1 = a + aStep;
  let row2 = row1 + aStep;
  let row3 = row2 + aStep;
  for (const end = a + ((depth as usize) << 2); a < end; a += 4) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load32_splat(a);
    c00 = multiplyAdd(a0, b0, c00);
    c01 = multiplyAdd(a0, b1, c01);
    const a1 = v128.load32_splat(row1);
    c10 = multiplyAdd(a1, b0, c10);
    c11 = multiplyAdd(a1, b1, c11);
    const a2 = v128.load32_splat(row2);
    c20 = multiplyAdd(a2, b0, c20);
    c21 = multiplyAdd(a2, b1, c21);
    const a3 = v128.load32_splat(row3);
    c30 = multiplyAdd(a3, b0, c30);
    c31 = multiplyAdd(a3, b1, c31);
    row1 += 4;
    row2 += 4;
    row3 += 4;
    b += 32;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += cStep;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += cStep;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += cStep;
  v128.store(c, c30);
  v128.store(c, c31, 16);
}

/** C += A'·B: four columns of A, eight of B; one row of A and B for each step of the depth. */
export function addColumns4x8(
  depth: i32,
  a: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  c: usize,
  cStep: usize,
): void {
  const row1 = c + cStep;
  const row2 = row1 + cStep;
  const row3 = row2 + cStep;
  let c00 = v128.load(c);
  let c01 = v128.load(c, 16);
  let c10 = v128.load(row1);
  let c11 = v128.load(row1, 16);
  let c20 = v128.load(row2);
  let c21 = v128.load(row2, 16);
  let c30 = v128.load(row3);
  let c31 = v128.load(row3, 16);
  for (; depth > 0; depth--) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load32_splat(a);
    c00 = multiplyAdd(a0, b0, c00);
    c01 = multiplyAdd(a0, b1, c01);
    const a1 = v128.load32_splat(a, 4);
    c10 = multiplyAdd(a1, b0, c10);
    c11 = multiplyAdd(a1, b1, c11);
    const a2 = v128.load32_splat(a, 8);
    c20 = multiplyAdd(a2, b0, c20);
    c21 = multiplyAdd(a2, b1, c21);
    const a3 = v128.load32_splat(a, 12);
    c30 = multiplyAdd(a3, b0, c30);
    c31 = multiplyAdd(a3, b1, c31);
    a += aStep;
    b += bStep;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(row1, c10);
  v128.store(row1, c11, 16);
  v128.store(row2, c20);
  v128.store(row2, c21, 16);
  v128.store(row3, c30);
  v128.store(row3, c31, 16);
}
