// The two register tiles that all matrix products and convolutions end in: nine and eight accumulators, because V8 of
// Node 20 spills the tenth. Both read packed panels; what happens on the way to C is set once
// for many tiles. Unrolling the loops by hand makes them slower: 35 instead of 48 GFLOP/s for 3×12 on Node 20.
import { multiplyAdd } from "./multiply-add";

/** Whether a tile adds to what C holds. */
let accumulates: bool = false;
/** Whether negative results become 0; NaN stays. */
let rectifies: bool = false;
/** Address of one number for each row or each column of the tile, or 0. */
let rowBias: usize = 0;
let columnBias: usize = 0;

export function setTileEnd(adds: bool, rectify: bool): void {
  accumulates = adds;
  rectifies = rectify;
}

export function setTileBias(perRow: usize, perColumn: usize): void {
  rowBias = perRow;
  columnBias = perColumn;
}

/** A tile of 3×12 of C: A in panels of 3 rows, B as rows of 12 that lie `bStep` bytes apart. */
export function multiplyTile3x12(depth: i32, a: usize, b: usize, bStep: usize, c: usize, cStep: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c02 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c12 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c22 = f32x4.splat(0);
  const end = a + (depth as usize) * 12;
  for (; a < end; a += 12) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const b2 = v128.load(b, 32);
    const a0 = v128.load32_splat(a);
    c00 = multiplyAdd(a0, b0, c00);
    c01 = multiplyAdd(a0, b1, c01);
    c02 = multiplyAdd(a0, b2, c02);
    const a1 = v128.load32_splat(a, 4);
    c10 = multiplyAdd(a1, b0, c10);
    c11 = multiplyAdd(a1, b1, c11);
    c12 = multiplyAdd(a1, b2, c12);
    const a2 = v128.load32_splat(a, 8);
    c20 = multiplyAdd(a2, b0, c20);
    c21 = multiplyAdd(a2, b1, c21);
    c22 = multiplyAdd(a2, b2, c22);
    b += bStep;
  }
  const row1 = c + cStep;
  const row2 = row1 + cStep;
  if (accumulates) {
    c00 = f32x4.add(v128.load(c), c00);
    c01 = f32x4.add(v128.load(c, 16), c01);
    c02 = f32x4.add(v128.load(c, 32), c02);
    c10 = f32x4.add(v128.load(row1), c10);
    c11 = f32x4.add(v128.load(row1, 16), c11);
    c12 = f32x4.add(v128.load(row1, 32), c12);
    c20 = f32x4.add(v128.load(row2), c20);
    c21 = f32x4.add(v128.load(row2, 16), c21);
    c22 = f32x4.add(v128.load(row2, 32), c22);
  }
  if (rowBias) {
    const bias0 = v128.load32_splat(rowBias);
    c00 = f32x4.add(c00, bias0);
    c01 = f32x4.add(c01, bias0);
    c02 = f32x4.add(c02, bias0);
    const bias1 = v128.load32_splat(rowBias, 4);
    c10 = f32x4.add(c10, bias1);
    c11 = f32x4.add(c11, bias1);
    c12 = f32x4.add(c12, bias1);
    const bias2 = v128.load32_splat(rowBias, 8);
    c20 = f32x4.add(c20, bias2);
    c21 = f32x4.add(c21, bias2);
    c22 = f32x4.add(c22, bias2);
  }
  if (columnBias) {
    const bias0 = v128.load(columnBias);
    c00 = f32x4.add(c00, bias0);
    c10 = f32x4.add(c10, bias0);
    c20 = f32x4.add(c20, bias0);
    const bias1 = v128.load(columnBias, 16);
    c01 = f32x4.add(c01, bias1);
    c11 = f32x4.add(c11, bias1);
    c21 = f32x4.add(c21, bias1);
    const bias2 = v128.load(columnBias, 32);
    c02 = f32x4.add(c02, bias2);
    c12 = f32x4.add(c12, bias2);
    c22 = f32x4.add(c22, bias2);
  }
  if (rectifies) {
    const zero = f32x4.splat(0);
    c00 = f32x4.max(c00, zero);
    c01 = f32x4.max(c01, zero);
    c02 = f32x4.max(c02, zero);
    c10 = f32x4.max(c10, zero);
    c11 = f32x4.max(c11, zero);
    c12 = f32x4.max(c12, zero);
    c20 = f32x4.max(c20, zero);
    c21 = f32x4.max(c21, zero);
    c22 = f32x4.max(c22, zero);
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c, c02, 32);
  v128.store(row1, c10);
  v128.store(row1, c11, 16);
  v128.store(row1, c12, 32);
  v128.store(row2, c20);
  v128.store(row2, c21, 16);
  v128.store(row2, c22, 32);
}

/** A tile of 4×8 of C: A in panels of 4 rows, B as rows of 8 that lie `bStep` bytes apart. */
export function multiplyTile4x8(depth: i32, a: usize, b: usize, bStep: usize, c: usize, cStep: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  const end = a + (depth as usize) * 16;
  for (; a < end; a += 16) {
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
    b += bStep;
  }
  const row1 = c + cStep;
  const row2 = row1 + cStep;
  const row3 = row2 + cStep;
  if (accumulates) {
    c00 = f32x4.add(v128.load(c), c00);
    c01 = f32x4.add(v128.load(c, 16), c01);
    c10 = f32x4.add(v128.load(row1), c10);
    c11 = f32x4.add(v128.load(row1, 16), c11);
    c20 = f32x4.add(v128.load(row2), c20);
    c21 = f32x4.add(v128.load(row2, 16), c21);
    c30 = f32x4.add(v128.load(row3), c30);
    c31 = f32x4.add(v128.load(row3, 16), c31);
  }
  if (rowBias) {
    const bias0 = v128.load32_splat(rowBias);
    c00 = f32x4.add(c00, bias0);
    c01 = f32x4.add(c01, bias0);
    const bias1 = v128.load32_splat(rowBias, 4);
    c10 = f32x4.add(c10, bias1);
    c11 = f32x4.add(c11, bias1);
    const bias2 = v128.load32_splat(rowBias, 8);
    c20 = f32x4.add(c20, bias2);
    c21 = f32x4.add(c21, bias2);
    const bias3 = v128.load32_splat(rowBias, 12);
    c30 = f32x4.add(c30, bias3);
    c31 = f32x4.add(c31, bias3);
  }
  if (columnBias) {
    const bias0 = v128.load(columnBias);
    c00 = f32x4.add(c00, bias0);
    c10 = f32x4.add(c10, bias0);
    c20 = f32x4.add(c20, bias0);
    c30 = f32x4.add(c30, bias0);
    const bias1 = v128.load(columnBias, 16);
    c01 = f32x4.add(c01, bias1);
    c11 = f32x4.add(c11, bias1);
    c21 = f32x4.add(c21, bias1);
    c31 = f32x4.add(c31, bias1);
  }
  if (rectifies) {
    const zero = f32x4.splat(0);
    c00 = f32x4.max(c00, zero);
    c01 = f32x4.max(c01, zero);
    c10 = f32x4.max(c10, zero);
    c11 = f32x4.max(c11, zero);
    c20 = f32x4.max(c20, zero);
    c21 = f32x4.max(c21, zero);
    c30 = f32x4.max(c30, zero);
    c31 = f32x4.max(c31, zero);
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

/**
 * The same tile where B is not packed: at depth k its three vectors lie at `b0`, `b1` and `b2`, plus the offset that
 * `table` holds for k; those of C's first row lie at `row00`, `row01` and `row02`.
 */
export function multiplyGathered3x12(
  depth: i32,
  a: usize,
  table: usize,
  at0: usize,
  at1: usize,
  at2: usize,
  row00: usize,
  row01: usize,
  row02: usize,
  cStep: usize,
): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c02 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c12 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c22 = f32x4.splat(0);
  const end = a + (depth as usize) * 12;
  for (; a < end; a += 12) {
    const offset: usize = load<u32>(table);
    const b0 = v128.load(at0 + offset);
    const b1 = v128.load(at1 + offset);
    const b2 = v128.load(at2 + offset);
    const a0 = v128.load32_splat(a);
    c00 = multiplyAdd(a0, b0, c00);
    c01 = multiplyAdd(a0, b1, c01);
    c02 = multiplyAdd(a0, b2, c02);
    const a1 = v128.load32_splat(a, 4);
    c10 = multiplyAdd(a1, b0, c10);
    c11 = multiplyAdd(a1, b1, c11);
    c12 = multiplyAdd(a1, b2, c12);
    const a2 = v128.load32_splat(a, 8);
    c20 = multiplyAdd(a2, b0, c20);
    c21 = multiplyAdd(a2, b1, c21);
    c22 = multiplyAdd(a2, b2, c22);
    table += 4;
  }
  const row10 = row00 + cStep;
  const row11 = row01 + cStep;
  const row12 = row02 + cStep;
  const row20 = row10 + cStep;
  const row21 = row11 + cStep;
  const row22 = row12 + cStep;
  if (rowBias) {
    const bias0 = v128.load32_splat(rowBias);
    c00 = f32x4.add(c00, bias0);
    c01 = f32x4.add(c01, bias0);
    c02 = f32x4.add(c02, bias0);
    const bias1 = v128.load32_splat(rowBias, 4);
    c10 = f32x4.add(c10, bias1);
    c11 = f32x4.add(c11, bias1);
    c12 = f32x4.add(c12, bias1);
    const bias2 = v128.load32_splat(rowBias, 8);
    c20 = f32x4.add(c20, bias2);
    c21 = f32x4.add(c21, bias2);
    c22 = f32x4.add(c22, bias2);
  }
  if (rectifies) {
    const zero = f32x4.splat(0);
    c00 = f32x4.max(c00, zero);
    c01 = f32x4.max(c01, zero);
    c02 = f32x4.max(c02, zero);
    c10 = f32x4.max(c10, zero);
    c11 = f32x4.max(c11, zero);
    c12 = f32x4.max(c12, zero);
    c20 = f32x4.max(c20, zero);
    c21 = f32x4.max(c21, zero);
    c22 = f32x4.max(c22, zero);
  }
  v128.store(row00, c00);
  v128.store(row01, c01);
  v128.store(row02, c02);
  v128.store(row10, c10);
  v128.store(row11, c11);
  v128.store(row12, c12);
  v128.store(row20, c20);
  v128.store(row21, c21);
  v128.store(row22, c22);
}

/** Whether 3×12 wastes less than 4×8 on a matrix of this size: the one table of tiles. */
export function prefers3x12(rows: i32, columns: i32): bool {
  const wide = <i64>((rows + 2) / 3) * <i64>((columns + 11) / 12) * 36;
  const narrow = <i64>((rows + 3) / 4) * <i64>((columns + 7) / 8) * 32;
  return wide <= narrow;
}
