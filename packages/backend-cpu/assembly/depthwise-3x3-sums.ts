// Sums over 3×3 windows of one plane, which move by one or two pixels.
import { outHeight, outWidth, rectifies, scratch } from "./convolution-operands";
import { even, EVERY_LANE, firstMask, lastMask, odd, ROWS, setRows, top } from "./depthwise-3x3-rows";
import { multiplyAdd } from "./multiply-add";

/** Four rows of four sums at a time: each row of the plane is read once for three of them. */
export function sumBySingleSteps(from: usize, weights: usize, start: f32, to: usize, rows: i32, columns: i32): void {
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

/** Two rows of four sums at a time. */
export function sumByDoubleSteps(from: usize, weights: usize, start: f32, to: usize): void {
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
