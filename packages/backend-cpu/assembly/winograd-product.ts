// The two matrix products of Winograd's convolutions, in register tiles of 4×8: what is splat lies in four rows that are
// `aStep` apart (tiles times filters, along the channels), or as four neighbours (filters times channels, along the tiles).
import { multiplyAdd } from "./multiply-add";

/** C = A·B: four tiles of A, quads of channels `aStep` bytes apart, times a panel of eight filters; `cStep` from quad to quad. */
export function multiplyRows4x8(quads: i32, a: usize, aStep: usize, b: usize, c: usize, cStep: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  for (; quads > 0; quads--) {
    for (const end = a + 16; a < end; a += 4) {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      const a0 = v128.load32_splat(a);
      c00 = multiplyAdd(a0, b0, c00);
      c01 = multiplyAdd(a0, b1, c01);
      const a1 = v128.load32_splat(a, 16);
      c10 = multiplyAdd(a1, b0, c10);
      c11 = multiplyAdd(a1, b1, c11);
      const a2 = v128.load32_splat(a, 32);
      c20 = multiplyAdd(a2, b0, c20);
      c21 = multiplyAdd(a2, b1, c21);
      const a3 = v128.load32_splat(a, 48);
      c30 = multiplyAdd(a3, b0, c30);
      c31 = multiplyAdd(a3, b1, c31);
      b += 32;
    }
    a += aStep - 16;
  }
  v128.store(c, c00);
  v128.store(c, c10, 16);
  v128.store(c, c20, 32);
  v128.store(c, c30, 48);
  c += cStep;
  v128.store(c, c01);
  v128.store(c, c11, 16);
  v128.store(c, c21, 32);
  v128.store(c, c31, 48);
}

/** C += A'·B over `tiles`: a quad of filters of A, two quads of channels of B, the second `bStep` bytes further. */
export function addColumns4x8(tiles: i32, a: usize, b: usize, bStep: usize, c: usize, cStep: usize): void {
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
  let second = b + bStep;
  for (const end = a + ((tiles as usize) << 4); a < end; a += 16) {
    const b0 = v128.load(b);
    const b1 = v128.load(second);
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
    b += 16;
    second += 16;
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
