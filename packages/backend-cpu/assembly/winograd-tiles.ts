// Tiles into Winograd's domain: 6×6 of x become 6×6 numbers, and so do 4×4 of the gradient by y. Four planes at a time:
// first down the columns of a whole strip, as it lies in memory, then along its rows, a plane in each lane.
import { multiplyAdd, multiplySubtract } from "./multiply-add";
import {
  FACTOR_A,
  FACTOR_B,
  factors,
  HALF,
  quadBytes,
  strip,
  stripRow,
  tiles,
  TWO,
  TWO_AND_HALF,
  zeros,
} from "./winograd-strips";

/** Where the planes are, and which part of them the strip sees: its rows and columns from (top, left), which may lie outside. */
let planes: usize = 0;
let planeBytes: usize = 0;
let height: i32 = 0;
let width: i32 = 0;
let top: i32 = 0;
let left: i32 = 0;

export function setTilePlanes(from: usize, planeHeight: i32, planeWidth: i32): void {
  planes = from;
  height = planeHeight;
  width = planeWidth;
  planeBytes = ((planeHeight * planeWidth) as usize) << 2;
}

export function setTileOrigin(row: i32, column: i32): void {
  top = row;
  left = column;
}

/** The address of what the strip sees of a row of a plane, from its column `first` on. */
function rowAddress(plane: usize, row: i32, first: i32): usize {
  const y = top + row;
  return y < 0 || y >= height ? zeros : plane + (((y * width + first) as usize) << 2);
}

/** `count` zeros in each of the six rows of a strip; whole vectors are written. */
function clearColumns(to: usize, count: i32): void {
  const zero = f32x4.splat(0);
  for (let row = 0; row < 6; row++) {
    for (let i = 0; i < count; i += 4) v128.store(to + ((i as usize) << 2), zero);
    to += stripRow;
  }
}

/** Planes first to first + 3 (those behind the last repeat it) as six rows each of the strip. */
function foldPlanes(first: i32, count: i32, sees: i32, ofGradient: bool): void {
  const from = max(0, left);
  const end = min(width, left + sees);
  const before = min(sees, from - left);
  const rest = sees - before - max(0, end - from);
  for (let i = 0; i < 4; i++) {
    const to = strip + 6 * i * stripRow;
    const plane = planes + (min(first + i, count - 1) as usize) * planeBytes;
    if (before > 0) clearColumns(to, before);
    const content = to + ((before as usize) << 2);
    if (end > from) {
      const contentEnd = content + (((end - from) as usize) << 2);
      if (ofGradient) foldGradientColumns(plane, from, content, contentEnd);
      else foldSourceColumns(plane, from, content, contentEnd);
    }
    // The last vector may have written what lies behind the row.
    if (rest > 0) clearColumns(content + ((max(0, end - from) as usize) << 2), rest);
  }
}

function foldSourceColumns(plane: usize, first: i32, to: usize, end: usize): void {
  const a = v128.load(factors, FACTOR_A);
  const b = v128.load(factors, FACTOR_B);
  const half = v128.load(factors, HALF);
  const two = v128.load(factors, TWO);
  const twoAndHalf = v128.load(factors, TWO_AND_HALF);
  let y0 = rowAddress(plane, 0, first);
  let y1 = rowAddress(plane, 1, first);
  let y2 = rowAddress(plane, 2, first);
  let y3 = rowAddress(plane, 3, first);
  let y4 = rowAddress(plane, 4, first);
  let y5 = rowAddress(plane, 5, first);
  const step = stripRow;
  for (; to < end; to += 16) {
    const d1 = v128.load(y1);
    const d2 = v128.load(y2);
    const d3 = v128.load(y3);
    const d4 = v128.load(y4);
    let row = to;
    v128.store(row, multiplySubtract(twoAndHalf, d2, f32x4.add(v128.load(y0), d4)));
    const even = multiplySubtract(two, d2, d4);
    const odd = multiplySubtract(two, d1, d3);
    v128.store((row += step), multiplyAdd(a, odd, even));
    v128.store((row += step), multiplySubtract(a, odd, even));
    const wideEven = multiplySubtract(half, d2, d4);
    const wideOdd = multiplySubtract(half, d1, d3);
    v128.store((row += step), multiplyAdd(b, wideOdd, wideEven));
    v128.store((row += step), multiplySubtract(b, wideOdd, wideEven));
    v128.store((row += step), multiplySubtract(twoAndHalf, d3, f32x4.add(d1, v128.load(y5))));
    y0 += 16;
    y1 += 16;
    y2 += 16;
    y3 += 16;
    y4 += 16;
    y5 += 16;
  }
}

function foldGradientColumns(plane: usize, first: i32, to: usize, end: usize): void {
  const a = v128.load(factors, FACTOR_A);
  const b = v128.load(factors, FACTOR_B);
  const half = v128.load(factors, HALF);
  const two = v128.load(factors, TWO);
  let y0 = rowAddress(plane, 0, first);
  let y1 = rowAddress(plane, 1, first);
  let y2 = rowAddress(plane, 2, first);
  let y3 = rowAddress(plane, 3, first);
  const step = stripRow;
  for (; to < end; to += 16) {
    const d0 = v128.load(y0);
    const d1 = v128.load(y1);
    const d2 = v128.load(y2);
    const d3 = v128.load(y3);
    let row = to;
    v128.store(row, d0);
    const even = multiplyAdd(half, d2, d0);
    const odd = multiplyAdd(half, d3, d1);
    v128.store((row += step), multiplyAdd(a, odd, even));
    v128.store((row += step), multiplySubtract(a, odd, even));
    const wideEven = multiplyAdd(two, d2, d0);
    const wideOdd = multiplyAdd(two, d3, d1);
    v128.store((row += step), multiplyAdd(b, wideOdd, wideEven));
    v128.store((row += step), multiplySubtract(b, wideOdd, wideEven));
    v128.store((row += step), d3);
    y0 += 16;
    y1 += 16;
    y2 += 16;
    y3 += 16;
  }
}

/**
 * The tiles of the strip, `count` planes of x, in 36 matrices `matrix` bytes apart, of which only those of the rows
 * `firstPlace` to `endPlace` of a tile are written: the first tile at `to`. The last plane is repeated up to
 * `columns`.
 */
export function transformSource(
  count: i32,
  columns: i32,
  firstPlace: i32,
  endPlace: i32,
  to: usize,
  matrix: usize,
): void {
  for (let plane = 0; plane < columns; plane += 4) {
    foldPlanes(plane, count, 4 * tiles + 4, false);
    for (let row = firstPlace; row < endPlace; row++) {
      const at = to + ((plane >> 2) as usize) * quadBytes() + ((6 * row) as usize) * matrix;
      foldSourceRow(strip + (row as usize) * stripRow, at, matrix);
    }
  }
}

function foldSourceRow(from: usize, to: usize, matrix: usize): void {
  const a = v128.load(factors, FACTOR_A);
  const b = v128.load(factors, FACTOR_B);
  const half = v128.load(factors, HALF);
  const two = v128.load(factors, TWO);
  const twoAndHalf = v128.load(factors, TWO_AND_HALF);
  const next = 6 * stripRow;
  let p1 = from + next;
  let p2 = p1 + next;
  let p3 = p2 + next;
  let r0 = v128.load(from);
  let r1 = v128.load(p1);
  let r2 = v128.load(p2);
  let r3 = v128.load(p3);
  let low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  let low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  let d0 = v128.shuffle<f64>(low01, low23, 0, 2);
  let d1 = v128.shuffle<f64>(low01, low23, 1, 3);
  for (const end = from + ((tiles as usize) << 4); from < end;) {
    const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
    const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    const d2 = v128.shuffle<f64>(high01, high23, 0, 2);
    const d3 = v128.shuffle<f64>(high01, high23, 1, 3);
    from += 16;
    p1 += 16;
    p2 += 16;
    p3 += 16;
    r0 = v128.load(from);
    r1 = v128.load(p1);
    r2 = v128.load(p2);
    r3 = v128.load(p3);
    low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
    low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    const d4 = v128.shuffle<f64>(low01, low23, 0, 2);
    const d5 = v128.shuffle<f64>(low01, low23, 1, 3);
    let place = to;
    v128.store(place, multiplySubtract(twoAndHalf, d2, f32x4.add(d0, d4)));
    const even = multiplySubtract(two, d2, d4);
    const odd = multiplySubtract(two, d1, d3);
    v128.store((place += matrix), multiplyAdd(a, odd, even));
    v128.store((place += matrix), multiplySubtract(a, odd, even));
    const wideEven = multiplySubtract(half, d2, d4);
    const wideOdd = multiplySubtract(half, d1, d3);
    v128.store((place += matrix), multiplyAdd(b, wideOdd, wideEven));
    v128.store((place += matrix), multiplySubtract(b, wideOdd, wideEven));
    v128.store((place += matrix), multiplySubtract(twoAndHalf, d3, f32x4.add(d1, d5)));
    d0 = d4;
    d1 = d5;
    to += 16;
  }
}

/** The same for planes first to end of the gradient by y, whose tiles are 4×4. */
export function transformGradient(
  first: i32,
  end: i32,
  count: i32,
  firstPlace: i32,
  endPlace: i32,
  to: usize,
  matrix: usize,
): void {
  for (let plane = first; plane < end; plane += 4) {
    foldPlanes(plane, count, 4 * tiles, true);
    for (let row = firstPlace; row < endPlace; row++) {
      const at = to + ((plane >> 2) as usize) * quadBytes() + ((6 * row) as usize) * matrix;
      foldGradientRow(strip + (row as usize) * stripRow, at, matrix);
    }
  }
}

function foldGradientRow(from: usize, to: usize, matrix: usize): void {
  const a = v128.load(factors, FACTOR_A);
  const b = v128.load(factors, FACTOR_B);
  const half = v128.load(factors, HALF);
  const two = v128.load(factors, TWO);
  const next = 6 * stripRow;
  for (const end = from + ((tiles as usize) << 4); from < end; from += 16) {
    let plane = from;
    const r0 = v128.load(plane);
    const r1 = v128.load((plane += next));
    const r2 = v128.load((plane += next));
    const r3 = v128.load((plane += next));
    const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
    const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
    const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    const d0 = v128.shuffle<f64>(low01, low23, 0, 2);
    const d1 = v128.shuffle<f64>(low01, low23, 1, 3);
    const d2 = v128.shuffle<f64>(high01, high23, 0, 2);
    const d3 = v128.shuffle<f64>(high01, high23, 1, 3);
    let place = to;
    v128.store(place, d0);
    const even = multiplyAdd(half, d2, d0);
    const odd = multiplyAdd(half, d3, d1);
    v128.store((place += matrix), multiplyAdd(a, odd, even));
    v128.store((place += matrix), multiplySubtract(a, odd, even));
    const wideEven = multiplyAdd(two, d2, d0);
    const wideOdd = multiplyAdd(two, d3, d1);
    v128.store((place += matrix), multiplyAdd(b, wideOdd, wideEven));
    v128.store((place += matrix), multiplySubtract(b, wideOdd, wideEven));
    v128.store((place += matrix), d3);
    to += 16;
  }
}
