// The product behind gemm and all dense convolutions: packed row panels of A times column panels of B, which are packed
// block by block. What A, B and C are is set by the kernel; how the tiles are walked is here, and it decides no bits:
// each element of C is one chain of multiply-adds over its depth, cut where `depthBlock` says.
import {
  beginImages,
  describeImageColumns,
  describeImageVectors,
  endOfDepth,
  imageLaneStep,
  imageOffsets,
  packImageColumns,
  seenDepth,
} from "./image-columns";
import { beginMatrix, describeMatrixColumns, packMatrixColumns } from "./matrix-columns";
import {
  multiplyGathered3x12,
  multiplyTile3x12,
  multiplyTile4x8,
  prefers3x12,
  setTileBias,
  setTileEnd,
} from "./tiles";
import { shareStart } from "./worker-share";

/** A column panel's description: where its lanes are stored, read from (image columns only), and how. */
export const PANEL_BYTES: usize = 192;
export const TARGETS: usize = 0;
export const SOURCES: usize = 48;
export const DIRECT: usize = 96;
export const VALID: usize = 100;
export const LANE_KINDS: usize = 104;
export const LANE_MASKS: usize = 128;
export const SECOND_SOURCES: usize = 116;

const TILE_BYTES: usize = 192;
/** What part of packed A stays in the second-level cache while column panels pass. */
const ROW_BLOCK_BYTES: i32 = 131072;

let fromImages: bool = false;
/** Whether columns are read where they lie, in vectors of four neighbours, instead of being packed. */
let gathers: bool = false;
let rows: i32 = 0;
let depth: i32 = 0;
let blocks: i32 = 0;
let rowPanels: i32 = 0;
let columnPanels: i32 = 0;
let chunkPanels: i32 = 0;
let depthBlock: i32 = 0;
let rectifies: bool = false;
let accumulates: bool = false;
let scratch: usize = 0;
let packedColumns: usize = 0;

export let tileRows: i32 = 0;
export let tileColumns: i32 = 0;
/** After the description of panels and the packed columns: free for who packs the columns. */
export let scratchRest: usize = 0;

// The block at hand.
let packedRows: usize = 0;
let target: usize = 0;
let targetRowStep: usize = 0;
let rowBias: usize = 0;
let columnBias: usize = 0;
/** Where B itself has the form of packed columns: its address, and the bytes from row to row. Else 0. */
let unpackedColumns: usize = 0;
let unpackedStep: usize = 0;

/** A product whose columns are `vectors` vectors of image columns: they may overlap, so there is one depth block. */
export function setGatheredShape(m: i32, vectors: i32, k: i32, count: i32): void {
  gathers = true;
  rows = m;
  depth = k;
  blocks = count;
  tileRows = 3;
  tileColumns = 12;
  rowPanels = (m + 2) / 3;
  columnPanels = (vectors + 2) / 3;
  depthBlock = k;
}

export function setProductShape(m: i32, n: i32, k: i32, count: i32): void {
  gathers = false;
  rows = m;
  depth = k;
  blocks = count;
  const wide = prefers3x12(m, n);
  tileRows = wide ? 3 : 4;
  tileColumns = wide ? 12 : 8;
  rowPanels = (m + tileRows - 1) / tileRows;
  columnPanels = (n + tileColumns - 1) / tileColumns;
  // Blocks of equal depth, at most 320: a column panel of 12 then takes a third of the first-level cache.
  const depthBlocks = (k + 319) / 320;
  depthBlock = depthBlocks > 1 ? (k + depthBlocks - 1) / depthBlocks : k;
}

export function setProductEnd(images: bool, adds: bool, rectify: bool): void {
  fromImages = images;
  accumulates = adds;
  rectifies = rectify;
}

/** `columns`: how many columns are packed at a time; the scratch holds them. */
export function setProductScratch(address: usize, columns: i32): void {
  scratch = address;
  chunkPanels = columns / tileColumns;
  packedColumns = scratch + TILE_BYTES + (chunkPanels as usize) * PANEL_BYTES;
  scratchRest = packedColumns + (gathers ? 0 : (chunkPanels * tileColumns * depthBlock) << 2);
}

export function setBlock(a: usize, c: usize, cRowStep: usize, perRow: usize, perColumn: usize): void {
  packedRows = a;
  target = c;
  targetRowStep = cRowStep;
  rowBias = perRow;
  columnBias = perColumn;
  unpackedColumns = 0;
}

export function setUnpackedColumns(b: usize, step: usize): void {
  unpackedColumns = b;
  unpackedStep = step;
}

export function rowPanelCount(): i32 {
  return rowPanels;
}

export function depthBlockSize(): i32 {
  return depthBlock;
}

/** Elements that packed A takes. */
export function packedRowElements(): i32 {
  return rowPanels * tileRows * depth;
}

/** Where the part of a row panel that begins at depth `k0` lies in packed A. */
export function packedRowPanel(packed: usize, panel: i32, k0: i32): usize {
  const count = min(depthBlock, depth - k0);
  return packed + (((k0 * rowPanels + panel * count) * tileRows) << 2);
}

/** This worker's tiles: a contiguous run, column panel by column panel, so that few columns are packed twice. */
export function multiplyShare(worker: i32, workers: i32): void {
  const tiles = blocks * columnPanels * rowPanels;
  const end = shareStart(tiles, worker + 1, workers);
  let current = -1;
  for (let tile = shareStart(tiles, worker, workers); tile < end;) {
    const column = tile / rowPanels;
    const block = column / columnPanels;
    const panel = column % columnPanels;
    const firstRow = tile % rowPanels;
    let endRow = rowPanels;
    let panels = 1;
    if (firstRow === 0 && end - tile >= rowPanels) {
      panels = min(chunkPanels, min(columnPanels - panel, (end - tile) / rowPanels));
    } else {
      endRow = min(rowPanels, firstRow + end - tile);
    }
    if (block !== current) {
      if (fromImages) beginImages(block);
      else beginMatrix(block);
      current = block;
    }
    if (gathers) gatherChunk(panel, panels, firstRow, endRow);
    else multiplyChunk(panel, panels, firstRow, endRow);
    tile += panels * (endRow - firstRow);
  }
}

function multiplyChunk(firstPanel: i32, panels: i32, firstRow: i32, endRow: i32): void {
  const descriptions = scratch + TILE_BYTES;
  for (let p = 0; p < panels; p++) {
    const description = descriptions + (p as usize) * PANEL_BYTES;
    if (fromImages) describeImageColumns(firstPanel + p, description);
    else describeMatrixColumns(firstPanel + p, description);
  }
  let k0 = 0;
  do {
    const count = min(depthBlock, depth - k0);
    const last = k0 + count >= depth;
    const adds = accumulates || k0 > 0;
    setTileEnd(adds, rectifies && last);
    const panelBytes = ((tileColumns * count) as usize) << 2;
    if (!unpackedColumns) {
      for (let p = 0; p < panels; p++) {
        const to = packedColumns + (p as usize) * panelBytes;
        if (fromImages) packImageColumns(descriptions + (p as usize) * PANEL_BYTES, k0, count, to);
        else packMatrixColumns(firstPanel + p, k0, count, to);
      }
    }
    const rowBlock = max(1, ROW_BLOCK_BYTES / (max(1, tileRows * count) << 2));
    for (let row = firstRow; row < endRow; row += rowBlock) {
      const rowEnd = min(endRow, row + rowBlock);
      for (let p = 0; p < panels; p++) {
        const column = (firstPanel + p) * tileColumns;
        let b = packedColumns + (p as usize) * panelBytes;
        let step = (tileColumns as usize) << 2;
        if (unpackedColumns) {
          b = unpackedColumns + (k0 as usize) * unpackedStep + ((column as usize) << 2);
          step = unpackedStep;
        }
        const biased = last && columnBias ? columnBias + ((column as usize) << 2) : 0;
        multiplyPanel(
          descriptions + (p as usize) * PANEL_BYTES,
          b,
          step,
          biased,
          k0,
          row,
          rowEnd,
          adds,
          last,
        );
      }
    }
    k0 += count;
  } while (k0 < depth);
}

function multiplyPanel(
  description: usize,
  b: usize,
  step: usize,
  biased: usize,
  k0: i32,
  row: i32,
  rowEnd: i32,
  adds: bool,
  last: bool,
): void {
  const valid = load<i32>(description, VALID);
  if (valid <= 0) return;
  const count = min(depthBlock, depth - k0);
  const wide = tileRows === 3;
  const direct = load<i32>(description, DIRECT) !== 0;
  for (; row < rowEnd; row++) {
    const first = row * tileRows;
    const height = min(tileRows, rows - first);
    const a = packedRowPanel(packedRows, row, k0);
    const c = target + (first as usize) * targetRowStep;
    setTileBias(last && rowBias ? rowBias + ((first as usize) << 2) : 0, biased);
    if (direct && height === tileRows) {
      const to = c + load<u32>(description, TARGETS);
      if (wide) multiplyTile3x12(count, a, b, step, to, targetRowStep);
      else multiplyTile4x8(count, a, b, step, to, targetRowStep);
    } else {
      if (adds) exchange(description, c, height, valid, false);
      if (wide) multiplyTile3x12(count, a, b, step, scratch, 48);
      else multiplyTile4x8(count, a, b, step, scratch, 32);
      exchange(description, c, height, valid, true);
    }
  }
}

function gatherChunk(firstPanel: i32, panels: i32, firstRow: i32, endRow: i32): void {
  const description = scratch + TILE_BYTES;
  const laneStep = imageLaneStep();
  setTileEnd(false, rectifies);
  for (let panel = firstPanel; panel < firstPanel + panels; panel++) {
    if (!describeImageVectors(panel, description)) return;
    const table = imageOffsets() + ((seenDepth as usize) << 2);
    const count = endOfDepth - seenDepth;
    const b0 = load<u32>(description, SOURCES);
    const b1 = load<u32>(description, SOURCES + 4);
    const b2 = load<u32>(description, SOURCES + 8);
    for (let row = firstRow; row < endRow; row++) {
      const first = row * 3;
      const height = min(3, rows - first);
      const a = packedRowPanel(packedRows, row, 0) + (seenDepth as usize) * 12;
      const c = target + (first as usize) * targetRowStep;
      setTileBias(rowBias ? rowBias + ((first as usize) << 2) : 0, 0);
      if (laneStep === 4 && height === 3) {
        const c0 = c + load<u32>(description);
        const c1 = c + load<u32>(description, 4);
        const c2 = c + load<u32>(description, 8);
        multiplyGathered3x12(count, a, table, b0, b1, b2, c0, c1, c2, targetRowStep);
      } else {
        multiplyGathered3x12(count, a, table, b0, b1, b2, scratch, scratch + 16, scratch + 32, 48);
        spread(description, c, height, laneStep);
      }
    }
  }
}

/** From the scratch tile to C, for the last rows and for lanes that do not lie together. */
function spread(description: usize, c: usize, height: i32, laneStep: usize): void {
  let tile = scratch;
  for (let r = 0; r < height; r++) {
    for (let v: usize = 0; v < 12; v += 4) {
      const to = c + load<u32>(description + v);
      store<f32>(to, load<f32>(tile));
      store<f32>(to + laneStep, load<f32>(tile, 4));
      store<f32>(to + 2 * laneStep, load<f32>(tile, 8));
      store<f32>(to + 3 * laneStep, load<f32>(tile, 12));
      tile += 16;
    }
    c += targetRowStep;
  }
}

/** Between C and the scratch tile, for tiles that hang over an edge or whose columns do not lie together. */
function exchange(description: usize, c: usize, height: i32, valid: i32, toTarget: bool): void {
  for (let r = 0; r < height; r++) {
    const tile = scratch + (((r * tileColumns) as usize) << 2);
    const row = c + (r as usize) * targetRowStep;
    for (let lane: usize = 0; lane < (valid as usize); lane++) {
      const at = row + load<u32>(description + (lane << 2), TARGETS);
      if (toTarget) store<f32>(at, load<f32>(tile + (lane << 2)));
      else store<f32>(tile + (lane << 2), load<f32>(at));
    }
  }
}
