// The gradient by the filters as Winograd's F(3×3, 4×4): tiles of x and of the gradient by y are transformed as in
// winograd-tiles.ts, multiplied and summed place by place over all tiles, and the sums transformed back once. The strips
// are cut into slices with sums of their own, each of which one worker computes; they are added in their order, whoever
// computed them. Where a single set of sums is large already, workers share the places of a tile instead, and where there
// are more workers than rows of places, the filters: each of them then transforms all tiles.
import {
  channels,
  filters,
  height,
  images,
  outHeight,
  outWidth,
  packed,
  padLeft,
  padTop,
  w,
  width,
  x,
  y,
} from "./convolution-operands";
import { multiplyAdd } from "./multiply-add";
import { addColumns4x8 } from "./winograd-product";
import {
  A,
  B,
  chunkTiles,
  firstColumn,
  firstRow,
  image,
  matrices,
  matrixBytes,
  quadBytes,
  readWinograd,
  selectStrip,
  slices,
  stripCount,
  tile,
  tiles,
  writeFactors,
} from "./winograd-strips";
import { setTileOrigin, setTilePlanes, transformGradient, transformSource } from "./winograd-tiles";
import { shareStart } from "./worker-share";

// The sums of a slice are 36 matrices [filters × channels], each side filled up.
let sourceColumns: i32 = 0;
let gradientColumns: i32 = 0;
let placeBytes: usize = 0;
let sums: usize = 0;

// The share at hand, in quads of filters, row of places by row of places.
let quads: i32 = 0;
let firstShare: i32 = 0;
let endShare: i32 = 0;

function prepare(operands: usize): void {
  readWinograd(operands);
  sourceColumns = (channels + 7) & ~7;
  gradientColumns = (filters + 3) & ~3;
  quads = gradientColumns >> 2;
  placeBytes = ((gradientColumns * sourceColumns) as usize) << 2;
  sums = packed;
}

/** The filters of the share in one row of places: from `firstOf` to `endOf`. */
function firstOf(row: i32): i32 {
  return max(0, min(quads, firstShare - row * quads)) << 2;
}

function endOf(row: i32): i32 {
  return max(0, min(quads, endShare - row * quads)) << 2;
}

/** Phase 1: the sums. */
export function winogradFilterGrad(operands: usize, worker: i32, workers: i32): void {
  prepare(operands);
  writeFactors();
  const strips = stripCount(images);
  if (slices === 1) {
    firstShare = shareStart(6 * quads, worker, workers);
    endShare = shareStart(6 * quads, worker + 1, workers);
    if (firstShare < endShare) sumStrips(0, strips);
    return;
  }
  firstShare = 0;
  endShare = 6 * quads;
  const end = shareStart(slices, worker + 1, workers);
  for (let slice = shareStart(slices, worker, workers); slice < end; slice++) {
    sums = packed + ((36 * slice) as usize) * placeBytes;
    sumStrips(shareStart(strips, slice, slices), shareStart(strips, slice + 1, slices));
  }
}

/** What strips `next` to `end` give to the sums of the share. */
function sumStrips(next: i32, end: i32): void {
  const firstPlace = firstShare / quads;
  const endPlace = (endShare - 1) / quads + 1;
  for (let row = firstPlace; row < endPlace; row++) {
    const first = firstOf(row);
    for (let place = 6 * row; place < 6 * row + 6; place++) {
      const bytes = (((endOf(row) - first) * sourceColumns) as usize) << 2;
      memory.fill(sumsOf(place) + (((first * sourceColumns) as usize) << 2), 0, bytes);
    }
  }
  while (next < end) {
    let rows = 0;
    for (; next < end; next++) {
      selectStrip(next);
      if (rows + tiles > chunkTiles) break;
      transformStrip(rows, firstPlace, endPlace);
      rows += tiles;
    }
    for (let row = firstPlace; row < endPlace; row++) {
      for (let place = 6 * row; place < 6 * row + 6; place++) addPlace(place, rows, firstOf(row), endOf(row));
    }
  }
}

function sumsOf(place: i32): usize {
  return sums + (place as usize) * placeBytes;
}

function gradientMatrices(): usize {
  return matrices + 36 * matrixBytes(sourceColumns);
}

function transformStrip(rows: i32, firstPlace: i32, endPlace: i32): void {
  setTilePlanes(x + (((image * channels * height * width) as usize) << 2), height, width);
  setTileOrigin(firstRow - padTop, firstColumn - padLeft);
  transformSource(
    channels,
    sourceColumns,
    firstPlace,
    endPlace,
    matrices + ((rows as usize) << 4),
    matrixBytes(sourceColumns),
  );
  setTilePlanes(y + (((image * filters * outHeight * outWidth) as usize) << 2), outHeight, outWidth);
  setTileOrigin(firstRow, firstColumn);
  const single = endPlace - firstPlace === 1;
  transformGradient(
    single ? firstOf(firstPlace) : 0,
    single ? endOf(firstPlace) : filters,
    filters,
    firstPlace,
    endPlace,
    gradientMatrices() + ((rows as usize) << 4),
    matrixBytes(gradientColumns),
  );
}

function addPlace(place: i32, rows: i32, first: i32, end: i32): void {
  const from = matrices + (place as usize) * matrixBytes(sourceColumns);
  const gradient = gradientMatrices() + (place as usize) * matrixBytes(gradientColumns);
  const rowBytes = (sourceColumns as usize) << 2;
  const step = quadBytes();
  for (let filter = first; filter < end; filter += 4) {
    const a = gradient + ((filter >> 2) as usize) * step;
    let b = from;
    let sums = sumsOf(place) + (filter as usize) * rowBytes;
    for (let channel = 0; channel < sourceColumns; channel += 8) {
      addColumns4x8(rows, a, b, step, sums, rowBytes);
      b += 2 * step;
      sums += 32;
    }
  }
}

/** Phase 2: w from the sums. */
export function winogradFilterGradEnd(operands: usize, worker: i32, workers: i32): void {
  prepare(operands);
  const first = shareStart(filters, worker, workers);
  const end = shareStart(filters, worker + 1, workers);
  addSlices(first, end);
  for (let filter = first; filter < end; filter++) {
    for (let channel = 0; channel < channels; channel += 4) {
      const from = packed + (((filter * sourceColumns + channel) as usize) << 2);
      for (let column: usize = 0; column < 6; column++) {
        unfoldTaps(from + column * placeBytes, 6 * placeBytes, tile + (column << 4), 96);
      }
      const sums = tile + 288;
      for (let row: usize = 0; row < 3; row++) {
        unfoldTaps(tile + 96 * row, 16, sums, 16);
        const to = w + ((((filter * channels + channel) * 9) as usize) << 2) + 12 * row;
        storeTaps(sums, to, min(4, channels - channel));
      }
    }
  }
}

/** The sums of some filters in all slices, one after the other onto those of the first. */
function addSlices(first: i32, end: i32): void {
  const row = (sourceColumns as usize) << 2;
  const bytes = ((end - first) as usize) * row;
  for (let slice = 1; slice < slices; slice++) {
    for (let place = 0; place < 36; place++) {
      const to = sumsOf(place) + (first as usize) * row;
      const from = to + ((36 * slice) as usize) * placeBytes;
      for (let i: usize = 0; i < bytes; i += 16) {
        v128.store(to + i, f32x4.add(v128.load(to + i), v128.load(from + i)));
      }
    }
  }
}

/** Six sums become three taps. */
function unfoldTaps(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const m0 = v128.load(from);
  const m1 = v128.load((from += fromStep));
  const m2 = v128.load((from += fromStep));
  const m3 = v128.load((from += fromStep));
  const m4 = v128.load((from += fromStep));
  const m5 = v128.load(from + fromStep);
  const sum = f32x4.mul(f32x4.splat(-2.0 / 3.0), f32x4.add(m1, m2));
  const difference = f32x4.mul(f32x4.splat((-2.0 / 3.0) * A), f32x4.sub(m1, m2));
  const wideSum = f32x4.mul(f32x4.splat(1.0 / 6.0), f32x4.add(m3, m4));
  const wideDifference = f32x4.mul(f32x4.splat(B / 6.0), f32x4.sub(m3, m4));
  v128.store(to, f32x4.add(m0, f32x4.add(sum, wideSum)));
  v128.store(to + toStep, f32x4.add(difference, wideDifference));
  const squares = multiplyAdd(f32x4.splat(0.5), sum, m5);
  v128.store(to + 2 * toStep, multiplyAdd(f32x4.splat(2), wideSum, squares));
}

/** A row of taps, a channel in each lane. */
function storeTaps(from: usize, to: usize, count: i32): void {
  for (let channel = 0; channel < count; channel++) {
    store<f32>(to, load<f32>(from));
    store<f32>(to, load<f32>(from, 16), 4);
    store<f32>(to, load<f32>(from, 32), 8);
    from += 4;
    to += 36;
  }
}
