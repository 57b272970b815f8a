// The loop at the bottom of the reference kernels of matmul and convolution: products of row-major matrices in float64.
import type { TypedArray } from "../dtype.js";

/** A row-major matrix inside a larger array. */
export interface MatrixView {
  readonly data: Float64Array;
  readonly offset: number;
  readonly rows: number;
  readonly columns: number;
}

/** The numbers of `data` in float64; the array itself where it is float64 already. */
export function inFloat64(data: Exclude<TypedArray, BigInt64Array>): Float64Array {
  return data instanceof Float64Array ? data : new Float64Array(data);
}

/**
 * `c += a · b`. Two rows of c and four of b at a time, so that each number loaded is used more than once. A row's sums
 * are taken in the same order wherever it stands, so that a sample's result does not depend on its batch.
 */
export function addProduct(c: MatrixView, a: MatrixView, b: MatrixView): void {
  const { rows, columns } = c;
  const depth = a.columns;
  const even = rows - (rows % 2);
  const [cd, ad, bd] = [c.data, a.data, b.data];
  for (let i = 0; i < even; i += 2) {
    const c0 = c.offset + i * columns;
    const c1 = c0 + columns;
    const a0 = a.offset + i * depth;
    const a1 = a0 + depth;
    let b0 = b.offset;
    let p = 0;
    for (; p + 3 < depth; p += 4) {
      const b1 = b0 + columns;
      const b2 = b1 + columns;
      const b3 = b2 + columns;
      const [u0, u1, u2, u3] = [ad[a0 + p]!, ad[a0 + p + 1]!, ad[a0 + p + 2]!, ad[a0 + p + 3]!];
      const [v0, v1, v2, v3] = [ad[a1 + p]!, ad[a1 + p + 1]!, ad[a1 + p + 2]!, ad[a1 + p + 3]!];
      for (let j = 0; j < columns; j++) {
        const x0 = bd[b0 + j]!;
        const x1 = bd[b1 + j]!;
        const x2 = bd[b2 + j]!;
        const x3 = bd[b3 + j]!;
        cd[c0 + j]! += u0 * x0 + u1 * x1 + u2 * x2 + u3 * x3;
        cd[c1 + j]! += v0 * x0 + v1 * x1 + v2 * x2 + v3 * x3;
      }
      b0 = b3 + columns;
    }
    for (; p < depth; p++, b0 += columns) {
      const u = ad[a0 + p]!;
      const v = ad[a1 + p]!;
      for (let j = 0; j < columns; j++) {
        cd[c0 + j]! += u * bd[b0 + j]!;
        cd[c1 + j]! += v * bd[b0 + j]!;
      }
    }
  }
  if (even < rows) addLastRow(c, a, b);
}

/** The row that has no partner: the same sums as in `addProduct`. */
function addLastRow(c: MatrixView, a: MatrixView, b: MatrixView): void {
  const { columns } = c;
  const depth = a.columns;
  const [cd, ad, bd] = [c.data, a.data, b.data];
  const c0 = c.offset + (c.rows - 1) * columns;
  const a0 = a.offset + (c.rows - 1) * depth;
  let b0 = b.offset;
  let p = 0;
  for (; p + 3 < depth; p += 4, b0 += 4 * columns) {
    const [b1, b2, b3] = [b0 + columns, b0 + 2 * columns, b0 + 3 * columns];
    const [u0, u1, u2, u3] = [ad[a0 + p]!, ad[a0 + p + 1]!, ad[a0 + p + 2]!, ad[a0 + p + 3]!];
    for (let j = 0; j < columns; j++) {
      cd[c0 + j]! += u0 * bd[b0 + j]! + u1 * bd[b1 + j]! + u2 * bd[b2 + j]! + u3 * bd[b3 + j]!;
    }
  }
  for (; p < depth; p++, b0 += columns) {
    const u = ad[a0 + p]!;
    for (let j = 0; j < columns; j++) cd[c0 + j]! += u * bd[b0 + j]!;
  }
}

/** `c += a · bᵀ`: dot products of rows, two rows of a against two of b at a time. */
export function addProductTransposed(c: MatrixView, a: MatrixView, b: MatrixView): void {
  const { rows, columns } = c;
  const depth = a.columns;
  const [cd, ad, bd] = [c.data, a.data, b.data];
  for (let i = 0; i < rows; i += 2) {
    const a0 = a.offset + i * depth;
    const a1 = i + 1 < rows ? a0 + depth : a0;
    for (let j = 0; j < columns; j += 2) {
      const b0 = b.offset + j * depth;
      const b1 = j + 1 < columns ? b0 + depth : b0;
      let s00 = 0;
      let s01 = 0;
      let s10 = 0;
      let s11 = 0;
      for (let p = 0; p < depth; p++) {
        const u = ad[a0 + p]!;
        const v = ad[a1 + p]!;
        const x = bd[b0 + p]!;
        const y = bd[b1 + p]!;
        s00 += u * x;
        s01 += u * y;
        s10 += v * x;
        s11 += v * y;
      }
      const at = c.offset + i * columns + j;
      cd[at]! += s00;
      if (b1 !== b0) cd[at + 1]! += s01;
      if (a1 !== a0) cd[at + columns]! += s10;
      if (b1 !== b0 && a1 !== a0) cd[at + columns + 1]! += s11;
    }
  }
}

/** The transposed matrix, in memory of its own. */
export function transposed({ data, offset, rows, columns }: MatrixView): MatrixView {
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = data[offset + i * columns + j]!;
  }
  return { data: result, offset: 0, rows: columns, columns: rows };
}
