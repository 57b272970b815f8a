// Matrix products: C = A·B, with any strides, batched.
import { multiplyAdd, sumLanes } from "./multiply-add";
import { setMatrix, setMatrixRows, setMatrixTarget } from "./matrix-columns";
import { packPanel } from "./panels";
import {
  depthBlockSize,
  multiplyShare,
  packedRowElements,
  packedRowPanel,
  rowPanelCount,
  setProductEnd,
  setProductScratch,
  setProductShape,
  tileRows,
} from "./product";
import { shareStart, thread } from "./worker-share";

const ACCUMULATE: i32 = 1;
const BIAS_PER_ROW: i32 = 2;
const BIAS_PER_COLUMN: i32 = 4;
const RELU: i32 = 8;

const CHUNK_COLUMNS: i32 = 384;

let a: usize = 0;
let b: usize = 0;
let c: usize = 0;
let bias: usize = 0;
let packed: usize = 0;
let batch: i32 = 0;
let rows: i32 = 0;
let columns: i32 = 0;
let depth: i32 = 0;
let aRow: i32 = 0;
let aDepth: i32 = 0;
let aBatch: i32 = 0;
let bDepth: i32 = 0;
let bColumn: i32 = 0;
let bBatch: i32 = 0;
let cRow: i32 = 0;
let cColumn: i32 = 0;
let cBatch: i32 = 0;
let flags: i32 = 0;

function word(operands: usize, index: i32): i32 {
  return load<i32>(operands + ((index as usize) << 2));
}

/** Reads the operands; a product of fewer than 8 columns becomes its transpose, C' = B'·A'. */
function readOperands(operands: usize): void {
  a = word(operands, 0);
  b = word(operands, 1);
  c = word(operands, 2);
  bias = word(operands, 3);
  packed = word(operands, 4);
  batch = word(operands, 7);
  rows = word(operands, 8);
  columns = word(operands, 9);
  depth = word(operands, 10);
  aRow = word(operands, 11);
  aDepth = word(operands, 12);
  aBatch = word(operands, 13);
  bDepth = word(operands, 14);
  bColumn = word(operands, 15);
  bBatch = word(operands, 16);
  cRow = word(operands, 17);
  cColumn = word(operands, 18);
  cBatch = word(operands, 19);
  flags = word(operands, 20);
  if (columns >= 8 || rows <= columns) return;
  const perRow = flags & BIAS_PER_COLUMN ? BIAS_PER_ROW : 0;
  const perColumn = flags & BIAS_PER_ROW ? BIAS_PER_COLUMN : 0;
  flags = (flags & (ACCUMULATE | RELU)) | perRow | perColumn;
  let swapped = a as i32;
  a = b;
  b = swapped;
  swapped = rows;
  rows = columns;
  columns = swapped;
  swapped = aRow;
  aRow = bColumn;
  bColumn = swapped;
  swapped = aDepth;
  aDepth = bDepth;
  bDepth = swapped;
  swapped = aBatch;
  aBatch = bBatch;
  bBatch = swapped;
  swapped = cRow;
  cRow = cColumn;
  cColumn = swapped;
}

/** Whether B is read as it lies: few rows would not earn back what packing costs. */
function readsColumnsInPlace(): bool {
  return bColumn === 1 && rows <= 8;
}

/** One row times a matrix whose rows or columns are contiguous needs no packing at all. */
function isVectorProduct(): bool {
  return rows === 1 && (bColumn === 1 || (bDepth === 1 && aDepth === 1));
}

/** Phase 1 of a product: A in row panels. Operands: as for `gemm`. */
export function gemmPack(operands: usize, worker: i32, workers: i32): void {
  readOperands(operands);
  if (isVectorProduct()) return;
  setProductShape(rows, columns, depth, batch);
  const count = aBatch === 0 ? min(batch, 1) : batch;
  const panels = rowPanelCount();
  const end = shareStart(count * panels, worker + 1, workers);
  for (let i = shareStart(count * panels, worker, workers); i < end; i++) {
    const matrix = i / panels;
    const panel = i % panels;
    const to = packed + (((matrix * packedRowElements()) as usize) << 2);
    const first = panel * tileRows;
    const from = a + (((matrix * aBatch + first * aRow) as usize) << 2);
    for (let k0 = 0; k0 < depth; k0 += depthBlockSize()) {
      packPanel(
        packedRowPanel(to, panel, k0),
        from + (((k0 * aDepth) as usize) << 2),
        min(tileRows, rows - first),
        tileRows,
        aRow,
        aDepth,
        min(depthBlockSize(), depth - k0),
      );
    }
  }
}

/** Phase 2: C = A·B, C += A·B, with bias and ReLU. Operands: see operand-layouts.ts. */
export function gemm(operands: usize, worker: i32, workers: i32): void {
  readOperands(operands);
  const scratch: usize = word(operands, 5) + thread * word(operands, 6);
  const perRow = flags & BIAS_PER_ROW ? bias : 0;
  const perColumn = flags & BIAS_PER_COLUMN ? bias : 0;
  if (isVectorProduct()) {
    multiplyVector(scratch, worker, workers);
    return;
  }
  setProductShape(rows, columns, depth, batch);
  setProductEnd(false, (flags & ACCUMULATE) !== 0, (flags & RELU) !== 0);
  setProductScratch(scratch, CHUNK_COLUMNS);
  setMatrix(b, columns, bDepth, bColumn, bBatch, readsColumnsInPlace());
  setMatrixTarget(c, cRow, cColumn, cBatch);
  setMatrixRows(packed, aBatch === 0 ? 0 : packedRowElements(), perRow, perColumn);
  multiplyShare(worker, workers);
}

/** Columns of a vector product that are computed together. */
const STRIP: i32 = 32;

function multiplyVector(scratch: usize, worker: i32, workers: i32): void {
  const strips = (columns + STRIP - 1) / STRIP;
  const end = shareStart(batch * strips, worker + 1, workers);
  for (let i = shareStart(batch * strips, worker, workers); i < end; i++) {
    const matrix = i / strips;
    const first = (i % strips) * STRIP;
    const count = min(STRIP, columns - first);
    const vector = a + (((matrix * aBatch) as usize) << 2);
    const from = b + (((matrix * bBatch + first * bColumn) as usize) << 2);
    if (bColumn === 1) addScaledRows(vector, from, scratch, count);
    else multiplyColumns(vector, from, scratch, count);
    storeStrip(scratch, matrix, first, count);
  }
}

/** The sums of the strip's columns, row after row of B. */
function addScaledRows(vector: usize, from: usize, to: usize, count: i32): void {
  const rowBytes = (bDepth as usize) << 2;
  const step = (aDepth as usize) << 2;
  if (count > 16) {
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let s3 = f32x4.splat(0);
    let s4 = f32x4.splat(0);
    let s5 = f32x4.splat(0);
    let s6 = f32x4.splat(0);
    let s7 = f32x4.splat(0);
    for (let k = 0; k < depth; k++) {
      const x = v128.load32_splat(vector);
      s0 = multiplyAdd(x, v128.load(from), s0);
      s1 = multiplyAdd(x, v128.load(from, 16), s1);
      s2 = multiplyAdd(x, v128.load(from, 32), s2);
      s3 = multiplyAdd(x, v128.load(from, 48), s3);
      s4 = multiplyAdd(x, v128.load(from, 64), s4);
      s5 = multiplyAdd(x, v128.load(from, 80), s5);
      s6 = multiplyAdd(x, v128.load(from, 96), s6);
      s7 = multiplyAdd(x, v128.load(from, 112), s7);
      vector += step;
      from += rowBytes;
    }
    v128.store(to, s0);
    v128.store(to, s1, 16);
    v128.store(to, s2, 32);
    v128.store(to, s3, 48);
    v128.store(to, s4, 64);
    v128.store(to, s5, 80);
    v128.store(to, s6, 96);
    v128.store(to, s7, 112);
    return;
  }
  for (let j = 0; j < count; j += 4) {
    let sum = f32x4.splat(0);
    let x = vector;
    let row = from + ((j as usize) << 2);
    for (let k = 0; k < depth; k++) {
      sum = multiplyAdd(v128.load32_splat(x), v128.load(row), sum);
      x += step;
      row += rowBytes;
    }
    v128.store(to + ((j as usize) << 2), sum);
  }
}

/** The strip's columns, each contiguous, times the vector: four at a time, the last ones up to three times over. */
function multiplyColumns(vector: usize, from: usize, to: usize, count: i32): void {
  const step = (bColumn as usize) << 2;
  const vectorEnd = vector + ((depth as usize) << 2);
  const wholeEnd = vector + (((depth & ~3) as usize) << 2);
  for (let j = 0; j < count; j += 4) {
    let c0 = from + (j as usize) * step;
    let c1 = from + (min(j + 1, count - 1) as usize) * step;
    let c2 = from + (min(j + 2, count - 1) as usize) * step;
    let c3 = from + (min(j + 3, count - 1) as usize) * step;
    let s0 = f32x4.splat(0);
    let s1 = f32x4.splat(0);
    let s2 = f32x4.splat(0);
    let s3 = f32x4.splat(0);
    let at = vector;
    for (; at < wholeEnd; at += 16) {
      const x = v128.load(at);
      s0 = multiplyAdd(x, v128.load(c0), s0);
      s1 = multiplyAdd(x, v128.load(c1), s1);
      s2 = multiplyAdd(x, v128.load(c2), s2);
      s3 = multiplyAdd(x, v128.load(c3), s3);
      c0 += 16;
      c1 += 16;
      c2 += 16;
      c3 += 16;
    }
    for (; at < vectorEnd; at += 4) {
      const x = v128.load32_zero(at);
      s0 = multiplyAdd(x, v128.load32_zero(c0), s0);
      s1 = multiplyAdd(x, v128.load32_zero(c1), s1);
      s2 = multiplyAdd(x, v128.load32_zero(c2), s2);
      s3 = multiplyAdd(x, v128.load32_zero(c3), s3);
      c0 += 4;
      c1 += 4;
      c2 += 4;
      c3 += 4;
    }
    const sums = to + ((j as usize) << 2);
    store<f32>(sums, sumLanes(s0));
    store<f32>(sums, sumLanes(s1), 4);
    store<f32>(sums, sumLanes(s2), 8);
    store<f32>(sums, sumLanes(s3), 12);
  }
}

function storeStrip(sums: usize, matrix: i32, first: i32, count: i32): void {
  const to = c + (((matrix * cBatch + first * cColumn) as usize) << 2);
  for (let j = 0; j < count; j++) {
    let sum = load<f32>(sums + ((j as usize) << 2));
    const at = to + (((j * cColumn) as usize) << 2);
    if (flags & ACCUMULATE) sum = load<f32>(at) + sum;
    if (flags & BIAS_PER_ROW) sum += load<f32>(bias);
    if (flags & BIAS_PER_COLUMN) sum += load<f32>(bias + (((first + j) as usize) << 2));
    if (flags & RELU) sum = max<f32>(sum, 0);
    store<f32>(at, sum);
  }
}
