// The gradient of a convolution by its kernels: w[o, c, tap] is the dot product of plane o of y with plane c of x as the
// tap sees it, over all images. Computed as such, along rows of pixels, without packing; where rows are short, the pixels
// of several images are first laid end to end. Where there are images enough they are cut into slices with sums of their
// own, each of which one worker computes; the sums are added in the order of the slices, whoever computed them.
import {
  dilationX,
  dilationY,
  filters,
  groupChannels,
  groupFilters,
  groups,
  channels,
  height,
  images,
  kernelHeight,
  kernelWidth,
  outHeight,
  outWidth,
  padLeft,
  packed,
  padTop,
  readConvolution,
  scratch,
  strideX,
  strideY,
  taps,
  w,
  width,
  x,
  y,
} from "./convolution-operands";
import { sumsWindows, sumWindows } from "./depthwise-3x3";
import { addDots1x9, addDots3x3, setRunRows, setRunShape } from "./filter-tiles";
import { padPlanes } from "./image-planes";
import { sumLanes } from "./multiply-add";
import { shareStart } from "./worker-share";

const TILE_BYTES: usize = 144;
/** Tiles whose sums are kept at a time: 1 MiB of them. */
const MOST_TILES: i32 = 7281;
/** Pixels of a block of rows, and of images laid end to end. */
const BLOCK_PIXELS: i32 = 512;
const JOINED_PIXELS: i32 = 128;

/** Parts of the images that are summed by themselves, more than one in a single group only; the one at hand, and where its sums go. */
let slices: i32 = 0;
let firstImage: i32 = 0;
let endImage: i32 = 0;
let target: usize = 0;

// What follows from the shape alone.
let tileFilters: i32 = 0;
let tileTaps: i32 = 0;
let filterTiles: i32 = 0;
let tapTiles: i32 = 0;
let slabTiles: i32 = 0;
let joins: bool = false;
let imagesPerRun: i32 = 0;
let pads: bool = false;
let planeHeight: i32 = 0;
let planeWidth: i32 = 0;
let planePhases: i32 = 0;

// Regions of the scratch.
let table: usize = 0;
let sums: usize = 0;
let joinedX: usize = 0;
let joinedY: usize = 0;
let paddedX: usize = 0;
/** Bytes from one joined row to the next: room for whole vectors, and one more that the last copy may spill into. */
let joinedRow: usize = 0;

// The slab at hand: tiles of taps from `firstTile`, tiles of filters from `firstFilterTile`; its channels.
let firstTile: i32 = 0;
let endTile: i32 = 0;
let firstFilterTile: i32 = 0;
let endFilterTile: i32 = 0;
let firstChannel: i32 = 0;
let endChannel: i32 = 0;
let planes: usize = 0;

function prepare(): void {
  const single = groupFilters <= 2;
  tileFilters = single ? 1 : 3;
  tileTaps = single ? 9 : 3;
  filterTiles = (groupFilters + tileFilters - 1) / tileFilters;
  tapTiles = (groupChannels * taps + tileTaps - 1) / tileTaps;
  slabTiles = max(1, min(tapTiles, MOST_TILES / max(1, filterTiles)));
  const pixels = outHeight * outWidth;
  joins = outWidth < 8 || (outWidth <= 16 && groupFilters >= 16);
  imagesPerRun = joins ? max(1, min(images, JOINED_PIXELS / max(1, pixels))) : 1;
  const seenHeight = (outHeight - 1) * strideY + (kernelHeight - 1) * dilationY + 1;
  const seenWidth = (outWidth - 1) * strideX + (kernelWidth - 1) * dilationX + 1;
  pads = strideX !== 1 || (padTop | padLeft) !== 0 || seenHeight > height || seenWidth > width;
  planePhases = strideX;
  planeHeight = pads ? seenHeight : height;
  planeWidth = pads ? (seenWidth + strideX - 1) / strideX : width;
  joinedRow = (((imagesPerRun * pixels + 3) & ~3) + 4) << 2;

  const slabTaps = slabTiles * tileTaps;
  table = scratch;
  sums = table + (((slabTaps << 2) + 15) & ~15);
  joinedX = sums + slabTiles * filterTiles * TILE_BYTES;
  joinedY = joinedX + (joins ? slabTaps * joinedRow : 0);
  paddedX = joinedY + (joins ? groupFilters * joinedRow : 0);
}

function readOperands(operands: usize): void {
  readConvolution(operands);
  slices = load<i32>(operands, 96);
}

function sumBytes(): usize {
  return ((filters * groupChannels * taps) as usize) << 2;
}

/** Operands: see operand-layouts.ts. */
export function convFilterGrad(operands: usize, worker: i32, workers: i32): void {
  readOperands(operands);
  if (sumsWindows()) {
    sumWindows(worker, workers);
    return;
  }
  prepare();
  if (slices > 1) {
    const end = shareStart(slices, worker + 1, workers);
    for (let slice = shareStart(slices, worker, workers); slice < end; slice++) {
      firstImage = shareStart(images, slice, slices);
      endImage = shareStart(images, slice + 1, slices);
      target = packed + (slice as usize) * sumBytes();
      sumGroup(0, 0, tapTiles, 0, filterTiles);
    }
    return;
  }
  firstImage = 0;
  endImage = images;
  target = w;
  if (groups >= workers) {
    const end = shareStart(groups, worker + 1, workers);
    for (let group = shareStart(groups, worker, workers); group < end; group++) {
      sumGroup(group, 0, tapTiles, 0, filterTiles);
    }
    return;
  }
  // Along the dimension that can be shared out more evenly.
  const byTaps = ((tapTiles + workers - 1) / workers) * filterTiles;
  const byFilters = ((filterTiles + workers - 1) / workers) * tapTiles;
  for (let group = 0; group < groups; group++) {
    if (byTaps <= byFilters) {
      const end = shareStart(tapTiles, worker + 1, workers);
      sumGroup(group, shareStart(tapTiles, worker, workers), end, 0, filterTiles);
    } else {
      const end = shareStart(filterTiles, worker + 1, workers);
      sumGroup(group, 0, tapTiles, shareStart(filterTiles, worker, workers), end);
    }
  }
}

/** Phase 2, where there are slices: w is their sum. */
export function convFilterGradEnd(operands: usize, worker: i32, workers: i32): void {
  readOperands(operands);
  const count = filters * groupChannels * taps;
  const end = (shareStart(count, worker + 1, workers) as usize) << 2;
  const bytes = sumBytes();
  for (let at = (shareStart(count, worker, workers) as usize) << 2; at < end; at += 4) {
    let sum: f32 = 0;
    let from = packed + at;
    for (let slice = 0; slice < slices; slice++) {
      sum += load<f32>(from);
      from += bytes;
    }
    store<f32>(w + at, sum);
  }
}

function sumGroup(group: i32, tile: i32, tileEnd: i32, filterTile: i32, filterTileEnd: i32): void {
  firstFilterTile = filterTile;
  endFilterTile = filterTileEnd;
  if (filterTile >= filterTileEnd) return;
  for (; tile < tileEnd; tile += slabTiles) {
    firstTile = tile;
    endTile = min(tileEnd, tile + slabTiles);
    sumSlab(group);
  }
}

function sumSlab(group: i32): void {
  const firstTap = firstTile * tileTaps;
  const endTap = min(groupChannels * taps, endTile * tileTaps);
  firstChannel = firstTap / taps;
  endChannel = (endTap - 1) / taps + 1;
  writeTable(firstTap, endTap);
  const tileCount = (endTile - firstTile) * (endFilterTile - firstFilterTile);
  memory.fill(sums, 0, tileCount * TILE_BYTES);
  const pixels = outHeight * outWidth;
  for (let image = firstImage; image < endImage; image += imagesPerRun) {
    const count = min(imagesPerRun, endImage - image);
    const dy = y + ((((image * groups + group) * groupFilters * pixels) as usize) << 2);
    if (joins) {
      joinPixels(image, count, group, firstTap, endTap, dy);
      setRunShape((count * pixels + 3) & ~3, 0, 0);
      setRunRows(1);
      addRuns(joinedY, joinedRow, joinedX);
    } else {
      readPlanes(image, group, paddedX);
      setRunShape(outWidth, (outWidth as usize) << 2, ((strideY * planeWidth) as usize) << 2);
      const rowsPerBlock = max(1, BLOCK_PIXELS / outWidth);
      for (let row = 0; row < outHeight; row += rowsPerBlock) {
        setRunRows(min(rowsPerBlock, outHeight - row));
        addRuns(
          dy + (((row * outWidth) as usize) << 2),
          (pixels as usize) << 2,
          planes + (((row * strideY * planeWidth) as usize) << 2),
        );
      }
    }
  }
  storeSums(group, endTap);
}

/** The offset of each tap of the slab: in the planes from `firstChannel` on, or among the joined rows. */
function writeTable(firstTap: i32, endTap: i32): void {
  const capacity = (endTile - firstTile) * tileTaps;
  for (let i = 0; i < capacity; i++) {
    // A tile that hangs over the end repeats the last tap; its sums are not stored.
    const tap = min(firstTap + i, endTap - 1);
    const offset = joins ? ((tap - firstTap) as usize) * joinedRow : (planeOffset(tap) as usize) << 2;
    store<u32>(table + ((i as usize) << 2), offset as u32);
  }
}

/** Elements from `planes` to where the tap sees the first pixel. */
function planeOffset(tap: i32): i32 {
  const channel = tap / taps - firstChannel;
  const ky = (tap % taps) / kernelWidth;
  const along = (tap % kernelWidth) * dilationX;
  const plane = channel * planePhases + (along % planePhases);
  return (plane * planeHeight + ky * dilationY) * planeWidth + along / planePhases;
}

/** Sets `planes` to the slab's channels of one image: the image itself, or a padded copy. */
function readPlanes(image: i32, group: i32, copy: usize): void {
  const channel = image * channels + group * groupChannels + firstChannel;
  planes = x + (((channel * height * width) as usize) << 2);
  if (!pads) return;
  const count = endChannel - firstChannel;
  padPlanes(planes, count, height, width, copy, planeHeight, planeWidth, planePhases, padTop, padLeft);
  planes = copy;
}

/** Lays the pixels of `count` images end to end: what each tap sees of x, and y. Zeros follow up to a whole vector. */
function joinPixels(image: i32, count: i32, group: i32, firstTap: i32, endTap: i32, dy: usize): void {
  const pixels = outHeight * outWidth;
  const rowBytes = (outWidth as usize) << 2;
  for (let i = 0; i < count; i++) {
    readPlanes(image + i, group, paddedX);
    const before = ((i * pixels) as usize) << 2;
    for (let tap = firstTap; tap < endTap; tap++) {
      let to = joinedX + ((tap - firstTap) as usize) * joinedRow + before;
      let from = planes + ((planeOffset(tap) as usize) << 2);
      for (let row = 0; row < outHeight; row++) {
        copyPixels(to, from, rowBytes);
        to += rowBytes;
        from += ((strideY * planeWidth) as usize) << 2;
      }
    }
    for (let filter = 0; filter < groupFilters; filter++) {
      const from = dy + ((((i * filters + filter) * pixels) as usize) << 2);
      copyPixels(joinedY + (filter as usize) * joinedRow + before, from, (pixels as usize) << 2);
    }
  }
  const end = ((count * pixels) as usize) << 2;
  for (let tap = 0; tap < endTap - firstTap; tap++) {
    v128.store(joinedX + (tap as usize) * joinedRow + end, f32x4.splat(0));
  }
  for (let filter = 0; filter < groupFilters; filter++) {
    v128.store(joinedY + (filter as usize) * joinedRow + end, f32x4.splat(0));
  }
}

/** Copies whole vectors: up to 12 bytes more, which are written again or cleared later. */
function copyPixels(to: usize, from: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, v128.load(from + i));
}

/** Adds what one run of pixels gives to the sums of the slab. */
function addRuns(dy: usize, dyPlane: usize, from: usize): void {
  let tileSums = sums;
  for (let filterTile = firstFilterTile; filterTile < endFilterTile; filterTile++) {
    const first = filterTile * tileFilters;
    const dy0 = dy + (first as usize) * dyPlane;
    const last = groupFilters - 1;
    const dy1 = dy + (min(first + 1, last) as usize) * dyPlane;
    const dy2 = dy + (min(first + 2, last) as usize) * dyPlane;
    const tableEnd = table + ((((endTile - firstTile) * tileTaps) as usize) << 2);
    if (tileFilters === 1) {
      for (let at = table; at < tableEnd; at += 36) {
        addDots1x9(dy0, from, at, tileSums);
        tileSums += TILE_BYTES;
      }
    } else {
      for (let at = table; at < tableEnd; at += 12) {
        const x0 = from + load<u32>(at);
        addDots3x3(dy0, dy1, dy2, x0, from + load<u32>(at, 4), from + load<u32>(at, 8), tileSums);
        tileSums += TILE_BYTES;
      }
    }
  }
}

function storeSums(group: i32, endTap: i32): void {
  const row = groupChannels * taps;
  let at = sums;
  for (let filterTile = firstFilterTile; filterTile < endFilterTile; filterTile++) {
    for (let tile = firstTile; tile < endTile; tile++) {
      for (let i = 0; i < 9; i++) {
        const filter = filterTile * tileFilters + i / tileTaps;
        const tap = tile * tileTaps + (i % tileTaps);
        if (filter < groupFilters && tap < endTap) {
          const to = target + ((((group * groupFilters + filter) * row + tap) as usize) << 2);
          store<f32>(to, sumLanes(v128.load(at)));
        }
        at += 16;
      }
    }
  }
}
