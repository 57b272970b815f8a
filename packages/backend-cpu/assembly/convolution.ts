// Forward convolution: the kernels in row panels, times windows that are gathered panel by panel.
import {
  bias,
  dilationX,
  dilationY,
  filters,
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
import { convolvePlanes } from "./depthwise";
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
import { packPanel } from "./panels";
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
import { shareStart } from "./worker-share";

const CHUNK_COLUMNS: i32 = 96;

/** Where the row panels begin: behind the table of offsets. */
function packedPanels(): usize {
  return packed + (((groupChannels * taps + 3) & ~3) << 2);
}

function prepare(): void {
  setSource(x, images, groups, groupChannels, height, width);
  setPadding(
    (outHeight - 1) * strideY + (kernelHeight - 1) * dilationY + 1,
    (outWidth - 1) * strideX + (kernelWidth - 1) * dilationX + 1,
    padTop,
    padLeft,
    strideX,
  );
  const columns = setGrid(outHeight, outWidth, strideY);
  const depth = groupChannels * taps;
  if (groupChannels === 1) setTapRows(kernelHeight, kernelWidth, 0, dilationY);
  else setTapRows(1, depth, 0, 0);
  if (gathersColumns(groupFilters, depth)) {
    setGatheredShape(groupFilters, blockVectors(), depth, imageBlockCount());
  } else {
    setProductShape(groupFilters, columns, depth, imageBlockCount());
  }
}

/** Phase 1: kernels in row panels, and the offset of each of their elements in the padded image. */
export function convPack(operands: usize, worker: i32, workers: i32): void {
  readConvolution(operands);
  if (isDepthwise()) return;
  prepare();
  if (worker === 0) writeOffsets(packed);
  const depth = groupChannels * taps;
  const panels = rowPanelCount();
  const end = shareStart(groups * panels, worker + 1, workers);
  for (let i = shareStart(groups * panels, worker, workers); i < end; i++) {
    const group = i / panels;
    const first = (i % panels) * tileRows;
    const to = packedPanels() + (((group * packedRowElements()) as usize) << 2);
    const from = w + ((((group * groupFilters + first) * depth) as usize) << 2);
    for (let k0 = 0; k0 < depth; k0 += depthBlockSize()) {
      packPanel(
        packedRowPanel(to, i % panels, k0),
        from + ((k0 as usize) << 2),
        min(tileRows, groupFilters - first),
        tileRows,
        depth,
        1,
        min(depthBlockSize(), depth - k0),
      );
    }
  }
}

/** With a horizontal stride, the column that a tap sees lies among those of its remainder. */
function writeOffsets(to: usize): void {
  const plane = sourcePlane();
  for (let channel = 0; channel < groupChannels; channel++) {
    for (let ky = 0; ky < kernelHeight; ky++) {
      for (let kx = 0; kx < kernelWidth; kx++) {
        const along = kx * dilationX;
        const phase = channel * strideX + (along % strideX);
        store<u32>(to, (phase * plane + ky * dilationY * sourceRow() + along / strideX) << 2);
        to += 4;
      }
    }
  }
}

/** Phase 2: y = x ∗ w, with bias and ReLU. */
export function conv(operands: usize, worker: i32, workers: i32): void {
  readConvolution(operands);
  if (isDepthwise()) {
    convolvePlanes(worker, workers);
    return;
  }
  prepare();
  setProductEnd(true, false, rectifies);
  setProductScratch(scratch, CHUNK_COLUMNS);
  setOffsets(packed);
  setImageTarget(y, filters, outHeight * outWidth, outWidth, 1);
  setImageRows(packedPanels(), packedRowElements(), bias);
  multiplyShare(worker, workers);
}
