// Copies between views of arrays, and fills. Elements are only moved, so each kernel exists once per width in bytes.
import { address, copyElements, volumeOf, word } from "./operand-words";
import { shareStart } from "./worker-share";

/** Words of an axis: extent, stride of the target, stride of the source (elements). */
const AXIS_BYTES: usize = 12;

/** Columns that a transposition walks side by side: as many lines of the cache as it needs at a time. */
const TRANSPOSED_COLUMNS: i32 = 8;

// Operands: target, source, rank, then the axes, outermost first. Views must not overlap.

export function stridedCopy1(operands: usize, worker: i32, workers: i32): void {
  stridedCopy<u8>(operands, worker, workers);
}

export function stridedCopy4(operands: usize, worker: i32, workers: i32): void {
  stridedCopy<u32>(operands, worker, workers);
}

export function stridedCopy8(operands: usize, worker: i32, workers: i32): void {
  stridedCopy<u64>(operands, worker, workers);
}

function stridedCopy<T>(operands: usize, worker: i32, workers: i32): void {
  const rank = word(operands, 2);
  const axes = operands + 12;
  const volume = volumeOf(axes, rank, AXIS_BYTES);
  const first = shareStart(volume, worker, workers);
  const end = shareStart(volume, worker + 1, workers);
  if (first < end) copyBlock<T>(axes, rank, volume, address(operands, 0), address(operands, 1), first, end);
}

/** The elements `first` to `end` of a block of `volume` elements, counted in row-major order. */
function copyBlock<T>(
  axes: usize,
  rank: i32,
  volume: i32,
  target: usize,
  source: usize,
  first: i32,
  end: i32,
): void {
  if (rank === 0) {
    store<T>(target, load<T>(source));
    return;
  }
  const extent = load<i32>(axes);
  const targetStep = (load<i32>(axes, 4) as usize) * sizeof<T>();
  const sourceStep = (load<i32>(axes, 8) as usize) * sizeof<T>();
  if (rank === 1) {
    target += (first as usize) * targetStep;
    source += (first as usize) * sourceStep;
    copyLine<T>(target, targetStep, source, sourceStep, end - first);
    return;
  }
  const below = volume / extent;
  if (rank === 2 && sourceStep === sizeof<T>() && load<i32>(axes + AXIS_BYTES, 4) === 1) {
    const firstWhole = (first + below - 1) / below;
    const endWhole = end / below;
    if (firstWhole < endWhole) {
      if (first < firstWhole * below)
        copyRows<T>(axes, rank, below, target, source, first, firstWhole * below);
      transpose<T>(
        target + (firstWhole as usize) * targetStep,
        targetStep,
        source + (firstWhole as usize) * sourceStep,
        (load<i32>(axes + AXIS_BYTES, 8) as usize) * sizeof<T>(),
        endWhole - firstWhole,
        below,
      );
      if (endWhole * below < end) copyRows<T>(axes, rank, below, target, source, endWhole * below, end);
      return;
    }
  }
  copyRows<T>(axes, rank, below, target, source, first, end);
}

function copyRows<T>(
  axes: usize,
  rank: i32,
  below: i32,
  target: usize,
  source: usize,
  first: i32,
  end: i32,
): void {
  const targetStep = (load<i32>(axes, 4) as usize) * sizeof<T>();
  const sourceStep = (load<i32>(axes, 8) as usize) * sizeof<T>();
  for (let i = first / below; i * below < end; i++) {
    copyBlock<T>(
      axes + AXIS_BYTES,
      rank - 1,
      below,
      target + (i as usize) * targetStep,
      source + (i as usize) * sourceStep,
      max(first - i * below, 0),
      min(end - i * below, below),
    );
  }
}

function copyLine<T>(target: usize, targetStep: usize, source: usize, sourceStep: usize, count: i32): void {
  if (targetStep === sizeof<T>()) {
    if (sourceStep === sizeof<T>()) {
      copyElements<T>(target, source, count);
      return;
    }
    if (sourceStep === 0) {
      fillElements<T>(target, load<T>(source), count);
      return;
    }
  }
  for (let i = 0; i < count; i++) {
    store<T>(target, load<T>(source));
    target += targetStep;
    source += sourceStep;
  }
}

/** Rows of the target are adjacent elements; their sources lie `columnStep` apart, and rows one element apart. */
function transpose<T>(
  target: usize,
  rowStep: usize,
  source: usize,
  columnStep: usize,
  rows: i32,
  columns: i32,
): void {
  for (let from = 0; from < columns; from += TRANSPOSED_COLUMNS) {
    const count = min(TRANSPOSED_COLUMNS, columns - from);
    let to = target + (from as usize) * sizeof<T>();
    let at = source + (from as usize) * columnStep;
    let row = 0;
    if (sizeof<T>() === 4 && count === TRANSPOSED_COLUMNS) {
      for (; row + 4 <= rows; row += 4) {
        transpose4x4(to, rowStep, at, columnStep);
        transpose4x4(to + 16, rowStep, at + columnStep * 4, columnStep);
        to += rowStep * 4;
        at += 16;
      }
    }
    for (; row < rows; row++) {
      copyLine<T>(to, sizeof<T>(), at, columnStep, count);
      to += rowStep;
      at += sizeof<T>();
    }
  }
}

function transpose4x4(target: usize, targetStep: usize, source: usize, sourceStep: usize): void {
  const r0 = v128.load(source);
  const r1 = v128.load(source + sourceStep);
  const r2 = v128.load(source + sourceStep * 2);
  const r3 = v128.load(source + sourceStep * 3);
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(target, v128.shuffle<f64>(low01, low23, 0, 2));
  v128.store(target + targetStep, v128.shuffle<f64>(low01, low23, 1, 3));
  v128.store(target + targetStep * 2, v128.shuffle<f64>(high01, high23, 0, 2));
  v128.store(target + targetStep * 3, v128.shuffle<f64>(high01, high23, 1, 3));
}

// Operands: target, count, then the bits of the value: the low word and, for 8 bytes, the high one.

export function fill1(operands: usize, worker: i32, workers: i32): void {
  fill<u8>(operands, word(operands, 2) as u8, worker, workers);
}

export function fill4(operands: usize, worker: i32, workers: i32): void {
  fill<u32>(operands, word(operands, 2) as u32, worker, workers);
}

export function fill8(operands: usize, worker: i32, workers: i32): void {
  const low = word(operands, 2) as u32;
  const high = word(operands, 3) as u32;
  fill<u64>(operands, (low as u64) | ((high as u64) << 32), worker, workers);
}

function fill<T>(operands: usize, value: T, worker: i32, workers: i32): void {
  const count = word(operands, 1);
  const first = shareStart(count, worker, workers);
  const end = shareStart(count, worker + 1, workers);
  fillElements<T>(address(operands, 0) + (first as usize) * sizeof<T>(), value, end - first);
}

function fillElements<T>(target: usize, value: T, count: i32): void {
  const end = target + (count as usize) * sizeof<T>();
  const vector = v128.splat<T>(value);
  for (; target + 16 <= end; target += 16) v128.store(target, vector);
  for (; target < end; target += sizeof<T>()) store<T>(target, value);
}
