// Winograd's convolution (see winograd-strips.ts): filters and tiles of x are transformed, multiplied place by place, and
// the products transformed back. The input gradient is the same with y in place of x and the filters turned round.
import {
  bias,
  channels,
  filters,
  height,
  images,
  outHeight,
  outWidth,
  packed,
  padLeft,
  padTop,
  rectifies,
  w,
  width,
  x,
  y,
} from "./convolution-operands";
import { multiplyAdd } from "./multiply-add";
import { multiplyRows4x8 } from "./winograd-product";
import {
  A,
  B,
  chunkTiles,
  FACTOR_A,
  FACTOR_B,
  factors,
  firstColumn,
  firstRow,
  HALF,
  image,
  matrices,
  matrixBytes,
  quadBytes,
  readWinograd,
  selectStrip,
  strip,
  stripCount,
  stripRow,
  tile,
  tiles,
  TWO,
  writeFactors,
} from "./winograd-strips";
import { setTileOrigin, setTilePlanes, transformSource } from "./winograd-tiles";
import { shareStart } from "./worker-share";

/** Phase 1: the filters, [36 places][panels of 8 filters][channels, filled up to quads][8]. */
export function winogradPack(operands: usize, worker: i32, workers: i32): void {
  readWinograd(operands);
  packFilters(9 * channels, 9, 0, 1, worker, workers);
}

/** Phase 1 of an input gradient: `channels` counts those of y, and the filters' taps are turned round. */
export function winogradTurnedPack(operands: usize, worker: i32, workers: i32): void {
  readWinograd(operands);
  packFilters(9, 9 * filters, 8, -1, worker, workers);
}

function packFilters(
  filterStride: i32,
  channelStride: i32,
  firstTap: i32,
  tapStride: i32,
  worker: i32,
  workers: i32,
): void {
  const depth = (channels + 3) & ~3;
  const count = ((filters + 7) >> 3) * depth * 2;
  const place = (count as usize) << 4;
  const end = shareStart(count, worker + 1, workers);
  for (let i = shareStart(count, worker, workers); i < end; i++) {
    const channel = (i >> 1) % depth;
    if (channel >= channels) {
      const zero = f32x4.splat(0);
      for (let p: usize = 0; p < 36; p++) v128.store(packed + ((i as usize) << 4) + p * place, zero);
      continue;
    }
    // The last panel repeats the last filter; what comes of that is not stored.
    const filter = ((i >> 1) / depth) * 8 + ((i & 1) << 2);
    const last = filters - 1;
    const from = w + (((channel * channelStride + firstTap) as usize) << 2);
    const f0 = from + (((min(filter, last) * filterStride) as usize) << 2);
    const f1 = from + (((min(filter + 1, last) * filterStride) as usize) << 2);
    const f2 = from + (((min(filter + 2, last) * filterStride) as usize) << 2);
    const f3 = from + (((min(filter + 3, last) * filterStride) as usize) << 2);
    for (let column: usize = 0; column < 3; column++) {
      const at = ((column as i32) * tapStride) << 2;
      const down = (3 * tapStride) << 2;
      foldTaps(
        fourTaps(f0 + at, f1 + at, f2 + at, f3 + at),
        fourTaps(f0 + at + down, f1 + at + down, f2 + at + down, f3 + at + down),
        fourTaps(f0 + at + 2 * down, f1 + at + 2 * down, f2 + at + 2 * down, f3 + at + 2 * down),
        tile + (column << 4),
        48,
      );
    }
    for (let row: usize = 0; row < 6; row++) {
      const at = tile + row * 48;
      const to = packed + ((i as usize) << 4) + 6 * row * place;
      foldTaps(v128.load(at), v128.load(at, 16), v128.load(at, 32), to, place);
    }
  }
}

function fourTaps(at0: usize, at1: usize, at2: usize, at3: usize): v128 {
  let taps = v128.load32_zero(at0);
  taps = v128.load32_lane(at1, taps, 1);
  taps = v128.load32_lane(at2, taps, 2);
  return v128.load32_lane(at3, taps, 3);
}

/** Three taps as a polynomial, at the six points, over what interpolation divides by. */
function foldTaps(g0: v128, g1: v128, g2: v128, to: usize, step: usize): void {
  v128.store(to, g0);
  const even = f32x4.mul(f32x4.splat(-2.0 / 3.0), multiplyAdd(f32x4.splat(0.5), g2, g0));
  const odd = f32x4.mul(f32x4.splat((-2.0 / 3.0) * A), g1);
  v128.store((to += step), f32x4.add(even, odd));
  v128.store((to += step), f32x4.sub(even, odd));
  const wideEven = f32x4.mul(f32x4.splat(1.0 / 6.0), multiplyAdd(f32x4.splat(2), g2, g0));
  const wideOdd = f32x4.mul(f32x4.splat(B / 6.0), g1);
  v128.store((to += step), f32x4.add(wideEven, wideOdd));
  v128.store((to += step), f32x4.sub(wideEven, wideOdd));
  v128.store(to + step, g2);
}

/** Phase 2: y = x ∗ w, with bias and ReLU. */
export function winograd(operands: usize, worker: i32, workers: i32): void {
  readWinograd(operands);
  writeFactors();
  const sourceColumns = (channels + 3) & ~3;
  const targetColumns = (filters + 7) & ~7;
  const sourceMatrix = matrixBytes(sourceColumns);
  const targetMatrix = matrixBytes(targetColumns);
  const products = matrices + 36 * sourceMatrix;
  const strips = stripCount(images);
  const end = shareStart(strips, worker + 1, workers);
  for (let first = shareStart(strips, worker, workers); first < end;) {
    let next = first;
    let rows = 0;
    for (; next < end; next++) {
      selectStrip(next);
      if (rows + tiles > chunkTiles) break;
      const plane = height * width;
      setTilePlanes(x + (((image * channels * plane) as usize) << 2), height, width);
      setTileOrigin(firstRow - padTop, firstColumn - padLeft);
      transformSource(channels, sourceColumns, 0, 6, matrices + ((rows as usize) << 4), sourceMatrix);
      rows += tiles;
    }
    for (let place: usize = 0; place < 36; place++) {
      multiplyPlace(
        place,
        rows,
        sourceColumns,
        matrices + place * sourceMatrix,
        products + place * targetMatrix,
      );
    }
    let at = products;
    for (; first < next; first++) {
      selectStrip(first);
      storeStrip(at, targetMatrix);
      at += (tiles as usize) << 4;
    }
  }
}

/** Where the tiles are no multiple of four, the last of the products are of what happens to lie there. */
function multiplyPlace(place: usize, rows: i32, columns: i32, from: usize, to: usize): void {
  const panels = (filters + 7) >> 3;
  const panelBytes = (columns as usize) << 5;
  const step = quadBytes();
  let b = packed + place * (panels as usize) * panelBytes;
  for (let panel = 0; panel < panels; panel++) {
    for (let row: usize = 0; row < (rows as usize) << 4; row += 64) {
      multiplyRows4x8(columns >> 2, from + row, step, b, to + row, step);
    }
    b += panelBytes;
    to += 2 * step;
  }
}

/** The strip's tiles of y; the first lies at `from` in the first matrix of products. */
function storeStrip(from: usize, matrix: usize): void {
  const plane = outHeight * outWidth;
  const rows = min(4, outHeight - firstRow);
  for (let filter = 0; filter < filters; filter += 4) {
    const planes = min(4, filters - filter);
    const biases = bias + ((filter as usize) << 2);
    const start = bias ? fourTaps(biases, biases + 4, biases + 8, biases + 12) : f32x4.splat(0);
    const first = (image * filters + filter) * plane + firstRow * outWidth + firstColumn;
    let to = y + ((first as usize) << 2);
    let products = from + ((filter >> 2) as usize) * quadBytes();
    for (let i = 0; i < tiles; i++) {
      unfoldColumns(products, matrix);
      const columns = min(4, outWidth - firstColumn - 4 * i);
      if (columns === 4 && planes === 4) {
        const planeBytes = (plane as usize) << 2;
        for (let row = 0; row < rows; row++) {
          unfoldRow(tile + ((row * 96) as usize), start, to + (((row * outWidth) as usize) << 2), planeBytes);
        }
      } else {
        for (let row = 0; row < rows; row++) {
          unfoldRow(tile + ((row * 96) as usize), start, strip, 16);
          copyCorner(to + (((row * outWidth) as usize) << 2), planes, columns, plane);
        }
      }
      to += 16;
      products += 16;
    }
  }
}

function copyCorner(to: usize, planes: i32, columns: i32, plane: i32): void {
  for (let p = 0; p < planes; p++) {
    for (let column = 0; column < columns; column++) {
      const value = load<f32>(strip + ((p * 16 + column * 4) as usize));
      store<f32>(to + (((p * plane + column) as usize) << 2), value);
    }
  }
}

/** Six rows of products become the four of the tile, column by column. */
function unfoldColumns(from: usize, matrix: usize): void {
  const a = v128.load(factors, FACTOR_A);
  const b = v128.load(factors, FACTOR_B);
  const half = v128.load(factors, HALF);
  const two = v128.load(factors, TWO);
  const down = 6 * matrix;
  for (let to = tile; to < tile + 96; to += 16) {
    let at = from;
    const m0 = v128.load(at);
    const m1 = v128.load((at += down));
    const m2 = v128.load((at += down));
    const m3 = v128.load((at += down));
    const m4 = v128.load((at += down));
    const m5 = v128.load(at + down);
    const sum = f32x4.add(m1, m2);
    const difference = f32x4.mul(a, f32x4.sub(m1, m2));
    const wideSum = f32x4.add(m3, m4);
    const wideDifference = f32x4.mul(b, f32x4.sub(m3, m4));
    v128.store(to, f32x4.add(f32x4.add(m0, sum), wideSum));
    v128.store(to, f32x4.add(difference, wideDifference), 96);
    v128.store(to, multiplyAdd(two, wideSum, f32x4.mul(half, sum)), 192);
    const cubes = multiplyAdd(half, difference, m5);
    v128.store(to, multiplyAdd(two, wideDifference, cubes), 288);
    from += matrix;
  }
}

/** Six columns become four, with bias and ReLU; then a filter in each vector instead of each lane. */
function unfoldRow(from: usize, start: v128, to: usize, planeBytes: usize): void {
  const a = v128.load(factors, FACTOR_A);
  const b = v128.load(factors, FACTOR_B);
  const half = v128.load(factors, HALF);
  const two = v128.load(factors, TWO);
  const m0 = v128.load(from);
  const m1 = v128.load(from, 16);
  const m2 = v128.load(from, 32);
  const m3 = v128.load(from, 48);
  const m4 = v128.load(from, 64);
  const m5 = v128.load(from, 80);
  const sum = f32x4.add(m1, m2);
  const difference = f32x4.mul(a, f32x4.sub(m1, m2));
  const wideSum = f32x4.add(m3, m4);
  const wideDifference = f32x4.mul(b, f32x4.sub(m3, m4));
  let y0 = f32x4.add(f32x4.add(f32x4.add(m0, sum), wideSum), start);
  let y1 = f32x4.add(f32x4.add(difference, wideDifference), start);
  const squares = multiplyAdd(half, sum, start);
  let y2 = multiplyAdd(two, wideSum, squares);
  const cubes = multiplyAdd(half, difference, f32x4.add(m5, start));
  let y3 = multiplyAdd(two, wideDifference, cubes);
  if (rectifies) {
    const zero = f32x4.splat(0);
    y0 = f32x4.max(y0, zero);
    y1 = f32x4.max(y1, zero);
    y2 = f32x4.max(y2, zero);
    y3 = f32x4.max(y3, zero);
  }
  const low01 = v128.shuffle<f32>(y0, y1, 0, 4, 1, 5);
  const low23 = v128.shuffle<f32>(y2, y3, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(y0, y1, 2, 6, 3, 7);
  const high23 = v128.shuffle<f32>(y2, y3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f64>(low01, low23, 0, 2));
  v128.store((to += planeBytes), v128.shuffle<f64>(low01, low23, 1, 3));
  v128.store((to += planeBytes), v128.shuffle<f64>(high01, high23, 0, 2));
  v128.store(to + planeBytes, v128.shuffle<f64>(high01, high23, 1, 3));
}
