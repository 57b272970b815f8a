// The place of the largest or smallest element along an axis: the first of equals, NaN before everything.
import { address, word } from "./operand-words";
import { shareStart } from "./worker-share";

// Operands: target (int32), source, outer (blocks before the axis), count (of the axis, at least 1), inner (elements of
// a step along it), largest (1 or 0).

export function argReduceF32(operands: usize, worker: i32, workers: i32): void {
  argReduce<f32>(operands, worker, workers);
}

export function argReduceF64(operands: usize, worker: i32, workers: i32): void {
  argReduce<f64>(operands, worker, workers);
}

export function argReduceI64(operands: usize, worker: i32, workers: i32): void {
  argReduce<i64>(operands, worker, workers);
}

export function argReduceI32(operands: usize, worker: i32, workers: i32): void {
  argReduce<i32>(operands, worker, workers);
}

export function argReduceU32(operands: usize, worker: i32, workers: i32): void {
  argReduce<u32>(operands, worker, workers);
}

export function argReduceI8(operands: usize, worker: i32, workers: i32): void {
  argReduce<i8>(operands, worker, workers);
}

export function argReduceU8(operands: usize, worker: i32, workers: i32): void {
  argReduce<u8>(operands, worker, workers);
}

function argReduce<T>(operands: usize, worker: i32, workers: i32): void {
  const count = word(operands, 3);
  const inner = word(operands, 4);
  const largest = word(operands, 5) !== 0;
  const lines = word(operands, 2) * inner;
  const end = shareStart(lines, worker + 1, workers);
  const step = (inner as usize) * sizeof<T>();
  let line = shareStart(lines, worker, workers);
  let target = address(operands, 0) + ((line as usize) << 2);
  for (; line < end; line++) {
    const start = (line / inner) * count * inner + (line % inner);
    const from = address(operands, 1) + (start as usize) * sizeof<T>();
    store<i32>(
      target,
      largest ? placeOfLargest<T>(from, step, count) : placeOfSmallest<T>(from, step, count),
    );
    target += 4;
  }
}

function placeOfLargest<T>(from: usize, step: usize, count: i32): i32 {
  let best = 0;
  let champion = load<T>(from);
  for (let i = 0; i < count; i++) {
    const value = load<T>(from);
    if (isFloat<T>() && value !== value) return i;
    if (value > champion) {
      champion = value;
      best = i;
    }
    from += step;
  }
  return best;
}

function placeOfSmallest<T>(from: usize, step: usize, count: i32): i32 {
  let best = 0;
  let champion = load<T>(from);
  for (let i = 0; i < count; i++) {
    const value = load<T>(from);
    if (isFloat<T>() && value !== value) return i;
    if (value < champion) {
      champion = value;
      best = i;
    }
    from += step;
  }
  return best;
}
