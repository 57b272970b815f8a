// The gradient of a convolution by its input: for each remainder of rows and columns modulo the strides, a convolution of
// stride 1 over y with the taps of that remainder, turned round, and with input channels as filters.
import {
  bias,
  channels,
  dilationX,
  dilationY,
  groupChannels,
  groupFilters,
  groups,
  height,
  images,
  isDepthwise,
  kernelHeight,
  kernelWidth,
  outHeight,
  outWidth,
  packed,
  padLeft,
  padTop,
  readConvolution,
  rectifies,
  scratch,
  strideX,
  strideY,
  taps,
  w,
  width,
  x,
  y,
} from "./convolution-operands";
import { spreadPlanes } from "./depthwise";
import {
  blockVectors,
  gathersColumns,
  imageBlockCount,
  setGrid,
  setImageRows,
  setImageTarget,
  setOffsets,
  setPadding,
  setSource,
  setTapRows,
  sourcePlane,
  sourceRow,
} from "./image-columns";
import {
  depthBlockSize,
  multiplyShare,
  packedRowElements,
  packedRowPanel,
  rowPanelCount,
  setGatheredShape,
  setProductEnd,
  setProductScratch,
  setProductShape,
  tileRows,
} from "./product";
import { firstRow, highestShift, lowestShift, rowCount, sees, shift, tapCount } from "./stride-phase";
import { shareStart } from "./worker-share";

const CHUNK_COLUMNS: i32 = 96;

// The part at hand.
let phaseY: i32 = 0;
let phaseX: i32 = 0;
let firstY: i32 = 0;
let firstX: i32 = 0;
let lowestY: i32 = 0;
let lowestX: i32 = 0;
let depth: i32 = 0;

/** Sets up the product of one part; false where no row or column of x belongs to it. */
function prepare(py: i32, px: i32): bool {
  phaseY = py;
  phaseX = px;
  firstY = firstRow(py, strideY, padTop);
  firstX = firstRow(px, strideX, padLeft);
  const rows = rowCount(firstY, height, strideY);
  const columns = rowCount(firstX, width, strideX);
  if (rows === 0 || columns === 0) return false;
  lowestY = lowestShift(py, kernelHeight, strideY, dilationY);
  lowestX = lowestShift(px, kernelWidth, strideX, dilationX);
  depth =
    groupFilters *
    tapCount(py, kernelHeight, strideY, dilationY) *
    tapCount(px, kernelWidth, strideX, dilationX);
  setSource(y, images, groups, groupFilters, outHeight, outWidth);
  setPadding(
    rows + highestShift(py, kernelHeight, strideY, dilationY) - lowestY,
    columns + highestShift(px, kernelWidth, strideX, dilationX) - lowestX,
    -((firstY + padTop - py) / strideY + lowestY),
    -((firstX + padLeft - px) / strideX + lowestX),
    1,
  );
  const blockColumns = setGrid(rows, columns, 1);
  const tapRows = tapCount(py, kernelHeight, strideY, dilationY);
  const highestY = highestShift(py, kernelHeight, strideY, dilationY);
  const tapStep = tapRows > 1 ? (lowestY - highestY) / (tapRows - 1) : 0;
  setTapRows(tapRows, tapRows > 0 ? depth / tapRows : 0, highestY - lowestY, tapStep);
  if (gathersColumns(groupChannels, depth)) {
    setGatheredShape(groupChannels, blockVectors(), depth, imageBlockCount());
  } else {
    setProductShape(groupChannels, blockColumns, depth, imageBlockCount());
  }
  return true;
}

/** Phase 1: for each part the kernels in row panels, one row for each input channel, and the offsets of their taps. */
export function convInputGradPack(operands: usize, worker: i32, workers: i32): void {
  readConvolution(operands);
  if (isDepthwise()) return;
  let table = packed;
  let panels = packed + (((groupFilters * taps + 3) & ~3) << 2);
  for (let py = 0; py < strideY; py++) {
    for (let px = 0; px < strideX; px++) {
      if (!prepare(py, px)) continue;
      if (worker === 0) writeOffsets(table);
      packPart(panels, worker, workers);
      table += (depth as usize) << 2;
      panels += ((groups * packedRowElements()) as usize) << 2;
    }
  }
}

function writeOffsets(to: usize): void {
  for (let ky = 0; ky < kernelHeight; ky++) {
    if (!sees(phaseY, ky, strideY, dilationY)) continue;
    const row = shift(phaseY, ky, strideY, dilationY) - lowestY;
    for (let filter = 0; filter < groupFilters; filter++) {
      for (let kx = 0; kx < kernelWidth; kx++) {
        if (!sees(phaseX, kx, strideX, dilationX)) continue;
        const column = shift(phaseX, kx, strideX, dilationX) - lowestX;
        store<u32>(to, (filter * sourcePlane() + row * sourceRow() + column) << 2);
        to += 4;
      }
    }
  }
}

function packPart(to: usize, worker: i32, workers: i32): void {
  const panels = rowPanelCount();
  const end = shareStart(groups * panels, worker + 1, workers);
  for (let i = shareStart(groups * panels, worker, workers); i < end; i++) {
    const group = i / panels;
    const packedGroup = to + (((group * packedRowElements()) as usize) << 2);
    for (let r = 0; r < tileRows; r++) {
      packChannel(packedGroup, i % panels, r, group);
    }
  }
}

/** One row of a panel: the taps of one input channel in all filters of the group. */
function packChannel(packedGroup: usize, panel: i32, row: i32, group: i32): void {
  const channel = panel * tileRows + row;
  const stepBytes = (tileRows as usize) << 2;
  let to: usize = 0;
  let left = 0;
  let k = 0;
  for (let ky = 0; ky < kernelHeight; ky++) {
    if (!sees(phaseY, ky, strideY, dilationY)) continue;
    for (let filter = group * groupFilters; filter < (group + 1) * groupFilters; filter++) {
      const kernel = w + ((((filter * groupChannels + channel) * taps) as usize) << 2);
      for (let kx = 0; kx < kernelWidth; kx++) {
        if (!sees(phaseX, kx, strideX, dilationX)) continue;
        if (left === 0) {
          to = packedRowPanel(packedGroup, panel, k) + ((row as usize) << 2);
          left = depthBlockSize();
        }
        const at = kernel + (((ky * kernelWidth + kx) as usize) << 2);
        store<f32>(to, channel < groupChannels ? load<f32>(at) : 0);
        to += stepBytes;
        left--;
        k++;
      }
    }
  }
}

/** Phase 2: x = what each element of y gives back through w (plus bias and ReLU, as a transposed convolution has them). */
export function convInputGrad(operands: usize, worker: i32, workers: i32): void {
  readConvolution(operands);
  if (isDepthwise()) {
    spreadPlanes(worker, workers);
    return;
  }
  let table = packed;
  let panels = packed + (((groupFilters * taps + 3) & ~3) << 2);
  for (let py = 0; py < strideY; py++) {
    for (let px = 0; px < strideX; px++) {
      if (!prepare(py, px)) continue;
      setProductEnd(true, false, rectifies);
      setProductScratch(scratch, CHUNK_COLUMNS);
      setOffsets(table);
      const first = ((firstY * width + firstX) as usize) << 2;
      setImageTarget(x + first, channels, height * width, strideY * width, strideX);
      setImageRows(panels, packedRowElements(), bias);
      multiplyShare(worker, workers);
      table += (depth as usize) << 2;
      panels += ((groups * packedRowElements()) as usize) << 2;
    }
  }
}
