// Looking up by index.
import { flagError, OUT_OF_RANGE, positionAt } from "./index-positions";
import { address, copyElements, volumeOf, word } from "./operand-words";
import { shareStart } from "./worker-share";

// gather: whole slices. Operands: target, source, indices, index bytes, error word, error code, outer (slices before the
// axis), size (of the axis), inner (elements of a slice), count (of indices).

export function gather1(operands: usize, worker: i32, workers: i32): void {
  gather<u8>(operands, worker, workers);
}

export function gather4(operands: usize, worker: i32, workers: i32): void {
  gather<u32>(operands, worker, workers);
}

export function gather8(operands: usize, worker: i32, workers: i32): void {
  gather<u64>(operands, worker, workers);
}

function gather<T>(operands: usize, worker: i32, workers: i32): void {
  const source = address(operands, 1);
  const indices = address(operands, 2);
  const indexBytes = word(operands, 3);
  const size = word(operands, 7);
  const inner = word(operands, 8);
  const count = word(operands, 9);
  const total = word(operands, 6) * count * inner;
  const first = shareStart(total, worker, workers);
  const end = shareStart(total, worker + 1, workers);
  let target = address(operands, 0) + (first as usize) * sizeof<T>();
  if (first >= end) return;
  if (size === 0) {
    flagError(address(operands, 4), word(operands, 5));
    memory.fill(target, 0, ((end - first) as usize) * sizeof<T>());
    return;
  }
  let slice = first / inner;
  let i = slice % count;
  let block = source + ((slice / count) as usize) * ((size * inner) as usize) * sizeof<T>();
  let from = first - slice * inner;
  for (let left = end - first; left > 0;) {
    let position = positionAt(indices, indexBytes, i, size);
    if (position === OUT_OF_RANGE) {
      flagError(address(operands, 4), word(operands, 5));
      position = 0;
    }
    const length = min(inner - from, left);
    copyElements<T>(target, block + ((position * inner + from) as usize) * sizeof<T>(), length);
    target += (length as usize) * sizeof<T>();
    left -= length;
    from = 0;
    if (++i === count) {
      i = 0;
      block += ((size * inner) as usize) * sizeof<T>();
    }
  }
}

// takeAlongAxis: single elements. Operands: target, source, indices, index bytes, error word, error code, size (of the
// source's axis), stride (of that axis in the source), rank, then for each axis of the indices, outermost first: extent,
// and stride in the source (0 for the axis itself).

const TAKE_AXIS_BYTES: usize = 8;

export function takeAlongAxis1(operands: usize, worker: i32, workers: i32): void {
  takeAlongAxis<u8>(operands, worker, workers);
}

export function takeAlongAxis4(operands: usize, worker: i32, workers: i32): void {
  takeAlongAxis<u32>(operands, worker, workers);
}

export function takeAlongAxis8(operands: usize, worker: i32, workers: i32): void {
  takeAlongAxis<u64>(operands, worker, workers);
}

function takeAlongAxis<T>(operands: usize, worker: i32, workers: i32): void {
  const rank = word(operands, 8);
  const axes = operands + 36;
  const volume = volumeOf(axes, rank, TAKE_AXIS_BYTES);
  const first = shareStart(volume, worker, workers);
  const end = shareStart(volume, worker + 1, workers);
  if (first >= end) return;
  if (word(operands, 6) === 0) {
    flagError(address(operands, 4), word(operands, 5));
    const target = address(operands, 0) + (first as usize) * sizeof<T>();
    memory.fill(target, 0, ((end - first) as usize) * sizeof<T>());
    return;
  }
  takeBlock<T>(operands, axes, rank, volume, 0, address(operands, 1), first, end);
}

/** The elements `first` to `end` of a block of `volume` elements whose first is number `start` of the target. */
function takeBlock<T>(
  operands: usize,
  axes: usize,
  rank: i32,
  volume: i32,
  start: i32,
  source: usize,
  first: i32,
  end: i32,
): void {
  const extent = load<i32>(axes);
  const step = (load<i32>(axes, 4) as usize) * sizeof<T>();
  if (rank > 1) {
    const below = volume / extent;
    for (let i = first / below; i * below < end; i++) {
      takeBlock<T>(
        operands,
        axes + TAKE_AXIS_BYTES,
        rank - 1,
        below,
        start + i * below,
        source + (i as usize) * step,
        max(first - i * below, 0),
        min(end - i * below, below),
      );
    }
    return;
  }
  const indices = address(operands, 2);
  const indexBytes = word(operands, 3);
  const size = word(operands, 6);
  const stride = (word(operands, 7) as usize) * sizeof<T>();
  const target = address(operands, 0);
  for (let i = first; i < end; i++) {
    let position = positionAt(indices, indexBytes, start + i, size);
    if (position === OUT_OF_RANGE) {
      flagError(address(operands, 4), word(operands, 5));
      position = 0;
    }
    const value = load<T>(source + (i as usize) * step + (position as usize) * stride);
    store<T>(target + ((start + i) as usize) * sizeof<T>(), value);
  }
}
