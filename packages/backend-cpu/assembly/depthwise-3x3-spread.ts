// The gradient by the input of 3×3 windows that move by two pixels, of one plane.
import { height, outHeight, rectifies, scratch, width } from "./convolution-operands";
import { BUT_LAST, EVERY_LANE, ROWS, rowBytes, setRows } from "./depthwise-3x3-rows";
import { multiplyAdd } from "./multiply-add";

/**
 * Each pixel of y, with those right of it and below, gives four of x: (2r, 2c) was seen by tap 4 only, its right neighbour
 * by 3 and 5, the one below by 1 and 7, the one across by the corners.
 */
export function spreadByDoubleSteps(from: usize, weights: usize, start: f32, to: usize): void {
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
