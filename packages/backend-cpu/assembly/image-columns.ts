// The columns of a product whose B is never written down whole: column (image, row, column of a grid) at depth k is the
// element of the image's planes at source(column) + offset(k). Forward convolutions, and each remainder of the rows and
// columns of an input gradient, are such products.
import { padPlanes } from "./image-planes";
import {
  DIRECT,
  LANE_KINDS,
  LANE_MASKS,
  scratchRest,
  SECOND_SOURCES,
  setBlock,
  SOURCES,
  TARGETS,
  tileColumns,
  VALID,
} from "./product";

/** How the four lanes of a vector are read: one load, two loads blended, or lane by lane. */
const TOGETHER: i32 = 0;
const IN_TWO_RUNS: i32 = 1;
const APART: i32 = 2;

let from: usize = 0;
let images: i32 = 0;
let imagesPerBlock: i32 = 0;
let groups: i32 = 0;
let groupPlanes: i32 = 0;
let height: i32 = 0;
let width: i32 = 0;

let paddedHeight: i32 = 0;
let paddedWidth: i32 = 0;
let phases: i32 = 0;
let top: i32 = 0;
let left: i32 = 0;
let pads: bool = false;

let gridRows: i32 = 0;
let gridColumns: i32 = 0;
let rowStride: i32 = 0;
let verticalStride: i32 = 0;
let offsets: usize = 0;

// The depth in the order of the rows of the window: tap row q, in the padded plane `firstTapRow` + q·`tapRowStep` below
// the window's first, takes `tapDepth` of it.
let tapRows: i32 = 0;
let tapDepth: i32 = 0;
let firstTapRow: i32 = 0;
let tapRowStep: i32 = 0;

/** What of the depth the vectors described last see: the tap rows outside lie in the padding. */
export let seenDepth: i32 = 0;
export let endOfDepth: i32 = 0;

let to: usize = 0;
let targetPlanes: i32 = 0;
let targetPlane: i32 = 0;
let targetRow: i32 = 0;
let targetColumn: i32 = 0;
let packedRows: usize = 0;
let packedGroupElements: i32 = 0;
let bias: usize = 0;

// The block at hand.
let planes: usize = 0;
let imageBytes: usize = 0;
let blockColumns: i32 = 0;

export function setSource(
  address: usize,
  count: i32,
  groupCount: i32,
  planesPerGroup: i32,
  planeHeight: i32,
  planeWidth: i32,
): void {
  from = address;
  images = count;
  groups = groupCount;
  groupPlanes = planesPerGroup;
  height = planeHeight;
  width = planeWidth;
}

/** The region of the plane that the windows see, from (−before, −left) on, its columns in `columnPhases` remainders. */
export function setPadding(
  seenHeight: i32,
  seenWidth: i32,
  before: i32,
  leftOf: i32,
  columnPhases: i32,
): void {
  top = before;
  left = leftOf;
  phases = columnPhases;
  pads = columnPhases !== 1 || before !== 0 || leftOf !== 0 || seenHeight > height || seenWidth > width;
  paddedHeight = pads ? seenHeight : height;
  paddedWidth = pads ? (seenWidth + columnPhases - 1) / columnPhases : width;
}

/** The grid of columns, `verticalStride` rows of the plane apart. Returns the columns of a block. */
export function setGrid(rows: i32, columns: i32, rowsApart: i32): i32 {
  gridRows = rows;
  gridColumns = columns;
  verticalStride = rowsApart;
  rowStride = verticalStride * paddedWidth;
  // Small grids share panels: as many images as give some 192 columns, in blocks of equal size.
  const pixels = max(1, rows * columns);
  const atMost = max(1, min(images, 192 / pixels));
  const count = (images + atMost - 1) / atMost;
  imagesPerBlock = count > 0 ? (images + count - 1) / count : 1;
  return imagesPerBlock * rows * columns;
}

/** How the depth follows the rows of the window; one row of all the depth where it does not. */
export function setTapRows(count: i32, depthOfEach: i32, firstRow: i32, step: i32): void {
  tapRows = count;
  tapDepth = depthOfEach;
  firstTapRow = firstRow;
  tapRowStep = step;
}

/**
 * Whether a product reads its columns where they lie. Packing pays from some rows on, and where vectors would overlap; a
 * deep product is better cut into blocks, which vectors that overlap forbid.
 */
export function gathersColumns(rows: i32, depth: i32): bool {
  if (gridColumns < 4) return false;
  return rows <= 16 || ((gridColumns & 3) === 0 && depth <= 1024);
}

/** Vectors of four neighbours that cover the grid of a block; the last of a row overlaps the one before it. */
export function blockVectors(): i32 {
  return imagesPerBlock * gridRows * ((gridColumns + 3) >> 2);
}

export function imageOffsets(): usize {
  return offsets;
}

/** Bytes from one lane of a vector to the next where it is stored. */
export function imageLaneStep(): usize {
  return (targetColumn as usize) << 2;
}

/** Writes the addresses and targets of a panel's three vectors; false where none is left. Missing ones repeat the last. */
export function describeImageVectors(panel: i32, description: usize): bool {
  const perRow = (gridColumns + 3) >> 2;
  const perImage = gridRows * perRow;
  const vectors = (blockColumns / max(1, gridColumns)) * perRow;
  if (panel * 3 >= vectors) return false;
  let firstRow = gridRows;
  let lastRow = 0;
  for (let v = 0; v < 3; v++) {
    const vector = min(panel * 3 + v, vectors - 1);
    const image = vector / perImage;
    const row = (vector % perImage) / perRow;
    const column = min((vector % perRow) << 2, gridColumns - 4);
    firstRow = min(firstRow, row);
    lastRow = max(lastRow, row);
    const source = planes + (image as usize) * imageBytes + (((row * rowStride + column) as usize) << 2);
    const to = image * targetPlanes * targetPlane + row * targetRow + column * targetColumn;
    store<u32>(description + ((v as usize) << 2), source as u32, SOURCES);
    store<u32>(description + ((v as usize) << 2), to << 2, TARGETS);
  }
  selectDepth(firstRow, lastRow);
  return true;
}

/** Leaves out the tap rows that lie in the padding for all rows of the grid from first to last. */
function selectDepth(firstRow: i32, lastRow: i32): void {
  let first = 0;
  let end = tapRows;
  if (tapRows > 1) {
    const lowest = firstRow * verticalStride + firstTapRow - top;
    const highest = lastRow * verticalStride + firstTapRow - top;
    while (first < end && missesPlane(lowest, highest, first)) first++;
    while (end > first && missesPlane(lowest, highest, end - 1)) end--;
  }
  seenDepth = first * tapDepth;
  endOfDepth = end * tapDepth;
}

function missesPlane(lowest: i32, highest: i32, tapRow: i32): bool {
  const down = tapRow * tapRowStep;
  return highest + down < 0 || lowest + down >= height;
}

export function imageBlockCount(): i32 {
  return ((images + imagesPerBlock - 1) / imagesPerBlock) * groups;
}

/** Elements between two planes of the padded source, and between two rows of it. */
export function sourcePlane(): i32 {
  return paddedHeight * paddedWidth;
}

export function sourceRow(): i32 {
  return paddedWidth;
}

export function setOffsets(table: usize): void {
  offsets = table;
}

export function setImageTarget(
  address: usize,
  planesOfImage: i32,
  planeElements: i32,
  rowElements: i32,
  columnElements: i32,
): void {
  to = address;
  targetPlanes = planesOfImage;
  targetPlane = planeElements;
  targetRow = rowElements;
  targetColumn = columnElements;
}

export function setImageRows(packed: usize, groupElements: i32, perRow: usize): void {
  packedRows = packed;
  packedGroupElements = groupElements;
  bias = perRow;
}

export function beginImages(block: i32): void {
  const group = block % groups;
  const firstImage = (block / groups) * imagesPerBlock;
  const count = min(imagesPerBlock, images - firstImage);
  blockColumns = count * gridRows * gridColumns;
  const plane = height * width;
  const first = from + ((((firstImage * groups + group) as usize) * groupPlanes * plane) << 2);
  imageBytes = ((groups * groupPlanes * plane) as usize) << 2;
  planes = first;
  if (pads) {
    const paddedBytes = ((groupPlanes * phases * paddedHeight * paddedWidth) as usize) << 2;
    planes = scratchRest;
    for (let i: usize = 0; i < (count as usize); i++) {
      padPlanes(
        first + i * imageBytes,
        groupPlanes,
        height,
        width,
        planes + i * paddedBytes,
        paddedHeight,
        paddedWidth,
        phases,
        top,
        left,
      );
    }
    imageBytes = paddedBytes;
  }
  const rows = targetPlanes / groups;
  setBlock(
    packedRows + (((group * packedGroupElements) as usize) << 2),
    to + ((((firstImage * targetPlanes + group * rows) as usize) * targetPlane) << 2),
    (targetPlane as usize) << 2,
    bias ? bias + (((group * rows) as usize) << 2) : 0,
    0,
  );
}

export function describeImageColumns(panel: i32, description: usize): void {
  const first = panel * tileColumns;
  const valid = min(tileColumns, blockColumns - first);
  store<i32>(description, valid, VALID);
  if (valid <= 0) return;
  const pixels = gridRows * gridColumns;
  let image = first / pixels;
  let row = (first % pixels) / gridColumns;
  let column = first % gridColumns;
  let together = valid === tileColumns;
  let lastSource: u32 = 0;
  let lastTarget: u32 = 0;
  for (let lane = 0; lane < tileColumns; lane++) {
    let source: u32 = lastSource + 4;
    let target: u32 = lastTarget + 4;
    // Lanes behind the end read what lies behind, and are not stored.
    if (lane < valid) {
      source = (image as u32) * (imageBytes as u32) + ((row * rowStride + column) << 2);
      target = (image * targetPlanes * targetPlane + row * targetRow + column * targetColumn) << 2;
      if (lane > 0 && target !== lastTarget + 4) together = false;
      if (++column === gridColumns) {
        column = 0;
        if (++row === gridRows) {
          row = 0;
          image++;
        }
      }
    }
    store<u32>(description + ((lane as usize) << 2), source, SOURCES);
    store<u32>(description + ((lane as usize) << 2), target, TARGETS);
    lastSource = source;
    lastTarget = target;
  }
  store<i32>(description, together as i32, DIRECT);
  for (let v = 0; v < tileColumns >> 2; v++) describeVector(description, v as usize);
}

function describeVector(description: usize, v: usize): void {
  const sources = description + SOURCES + (v << 4);
  let breaks = 0;
  let split: u32 = 0;
  for (let lane: u32 = 1; lane < 4; lane++) {
    if (load<u32>(sources + (lane << 2)) === load<u32>(sources + ((lane - 1) << 2)) + 4) continue;
    breaks++;
    split = lane;
  }
  const kind = breaks === 0 ? TOGETHER : breaks === 1 ? IN_TWO_RUNS : APART;
  store<i32>(description + (v << 2), kind, LANE_KINDS);
  if (kind !== IN_TWO_RUNS) return;
  store<u32>(description + (v << 2), load<u32>(sources + (split << 2)) - (split << 2), SECOND_SOURCES);
  for (let lane: u32 = 0; lane < 4; lane++) {
    store<i32>(description + (v << 4) + (lane << 2), lane < split ? -1 : 0, LANE_MASKS);
  }
}

export function packImageColumns(description: usize, k0: i32, count: i32, packed: usize): void {
  if (load<i32>(description, VALID) <= 0) return;
  const table = offsets + ((k0 as usize) << 2);
  const tableEnd = table + ((count as usize) << 2);
  const first = load<u32>(description, SOURCES);
  const vectors = (tileColumns >> 2) as usize;
  const lastSource = load<u32>(description + ((vectors << 4) - 4), SOURCES);
  const step = vectors << 4;
  if (load<u32>(description, LANE_KINDS) === TOGETHER && lastSource - first === ((step - 4) as u32)) {
    if (vectors === 3) pack12(planes + first, table, tableEnd, packed);
    else pack8(planes + first, table, tableEnd, packed);
    return;
  }
  for (let v: usize = 0; v < vectors; v++) {
    const kind = load<i32>(description + (v << 2), LANE_KINDS);
    const sources = description + SOURCES + (v << 4);
    const to = packed + (v << 4);
    if (kind === TOGETHER) {
      packTogether(planes + load<u32>(sources), table, tableEnd, to, step);
    } else if (kind === IN_TWO_RUNS) {
      const second = load<u32>(description + (v << 2), SECOND_SOURCES);
      const mask = v128.load(description + (v << 4), LANE_MASKS);
      packTwoRuns(planes + load<u32>(sources), planes + second, mask, table, tableEnd, to, step);
    } else {
      packApart(sources, table, tableEnd, to, step);
    }
  }
}

function pack12(from: usize, table: usize, tableEnd: usize, to: usize): void {
  for (; table < tableEnd; table += 4) {
    const at = from + load<u32>(table);
    v128.store(to, v128.load(at));
    v128.store(to, v128.load(at, 16), 16);
    v128.store(to, v128.load(at, 32), 32);
    to += 48;
  }
}

function pack8(from: usize, table: usize, tableEnd: usize, to: usize): void {
  for (; table < tableEnd; table += 4) {
    const at = from + load<u32>(table);
    v128.store(to, v128.load(at));
    v128.store(to, v128.load(at, 16), 16);
    to += 32;
  }
}

function packTogether(from: usize, table: usize, tableEnd: usize, to: usize, step: usize): void {
  for (; table < tableEnd; table += 4) {
    v128.store(to, v128.load(from + load<u32>(table)));
    to += step;
  }
}

function packTwoRuns(
  from: usize,
  second: usize,
  mask: v128,
  table: usize,
  tableEnd: usize,
  to: usize,
  step: usize,
): void {
  for (; table < tableEnd; table += 4) {
    const offset = load<u32>(table);
    v128.store(to, v128.bitselect(v128.load(from + offset), v128.load(second + offset), mask));
    to += step;
  }
}

function packApart(sources: usize, table: usize, tableEnd: usize, to: usize, step: usize): void {
  const first = planes + load<u32>(sources);
  const second = planes + load<u32>(sources, 4);
  const third = planes + load<u32>(sources, 8);
  const fourth = planes + load<u32>(sources, 12);
  for (; table < tableEnd; table += 4) {
    const offset = load<u32>(table);
    let lanes = v128.load32_zero(first + offset);
    lanes = v128.load32_lane(second + offset, lanes, 1);
    lanes = v128.load32_lane(third + offset, lanes, 2);
    v128.store(to, v128.load32_lane(fourth + offset, lanes, 3));
    to += step;
  }
}
