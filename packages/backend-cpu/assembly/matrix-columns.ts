// The columns of a product whose B is a strided matrix, one for each of a batch.
import { packPanel } from "./panels";
import { DIRECT, setBlock, setUnpackedColumns, TARGETS, tileColumns, VALID } from "./product";

let b: usize = 0;
let c: usize = 0;
let columns: i32 = 0;
let depthStride: i32 = 0;
let columnStride: i32 = 0;
let batchStride: i32 = 0;
let targetRowStride: i32 = 0;
let targetColumnStride: i32 = 0;
let targetBatchStride: i32 = 0;
let packedRows: usize = 0;
let packedBatchElements: i32 = 0;
let rowBias: usize = 0;
let columnBias: usize = 0;
let readsInPlace: bool = false;

/** Strides in elements. `inPlace`: B's rows are contiguous and are read as they lie. */
export function setMatrix(
  from: usize,
  n: i32,
  alongDepth: i32,
  alongColumns: i32,
  alongBatch: i32,
  inPlace: bool,
): void {
  b = from;
  columns = n;
  depthStride = alongDepth;
  columnStride = alongColumns;
  batchStride = alongBatch;
  readsInPlace = inPlace;
}

export function setMatrixTarget(to: usize, alongRows: i32, alongColumns: i32, alongBatch: i32): void {
  c = to;
  targetRowStride = alongRows;
  targetColumnStride = alongColumns;
  targetBatchStride = alongBatch;
}

export function setMatrixRows(packed: usize, batchElements: i32, perRow: usize, perColumn: usize): void {
  packedRows = packed;
  packedBatchElements = batchElements;
  rowBias = perRow;
  columnBias = perColumn;
}

let current: usize = 0;

export function beginMatrix(block: i32): void {
  current = b + (((block * batchStride) as usize) << 2);
  setBlock(
    packedRows + (((block * packedBatchElements) as usize) << 2),
    c + (((block * targetBatchStride) as usize) << 2),
    (targetRowStride as usize) << 2,
    rowBias,
    columnBias,
  );
  if (readsInPlace) setUnpackedColumns(current, (depthStride as usize) << 2);
}

export function describeMatrixColumns(panel: i32, description: usize): void {
  const first = panel * tileColumns;
  const valid = min(tileColumns, columns - first);
  for (let lane = 0; lane < tileColumns; lane++) {
    store<u32>(description + ((lane as usize) << 2), ((first + lane) * targetColumnStride) << 2, TARGETS);
  }
  store<i32>(description, valid, VALID);
  store<i32>(description, (valid === tileColumns && targetColumnStride === 1) as i32, DIRECT);
}

export function packMatrixColumns(panel: i32, k0: i32, count: i32, to: usize): void {
  const first = panel * tileColumns;
  const from = current + (((first * columnStride + k0 * depthStride) as usize) << 2);
  packPanel(to, from, min(tileColumns, columns - first), tileColumns, columnStride, depthStride, count);
}
