// The k largest or smallest elements along an axis, in order: of equals the first comes first, NaN counts as largest.
import { address, word } from "./operand-words";
import { shareStart } from "./worker-share";

// Operands: values, indices (int32), source, outer (blocks before the axis), count (of the axis), inner (elements of a
// step along it), k, largest (1 or 0).

export function topKF32(operands: usize, worker: i32, workers: i32): void {
  topK<f32>(operands, worker, workers);
}

export function topKF64(operands: usize, worker: i32, workers: i32): void {
  topK<f64>(operands, worker, workers);
}

export function topKI64(operands: usize, worker: i32, workers: i32): void {
  topK<i64>(operands, worker, workers);
}

export function topKI32(operands: usize, worker: i32, workers: i32): void {
  topK<i32>(operands, worker, workers);
}

export function topKU32(operands: usize, worker: i32, workers: i32): void {
  topK<u32>(operands, worker, workers);
}

export function topKI8(operands: usize, worker: i32, workers: i32): void {
  topK<i8>(operands, worker, workers);
}

export function topKU8(operands: usize, worker: i32, workers: i32): void {
  topK<u8>(operands, worker, workers);
}

/** Whether element `i` of value `a` comes before element `j` of value `b`: a total order, so the result is unique. */
function comesBefore<T>(a: T, i: i32, b: T, j: i32, largest: bool): bool {
  if (a < b) return !largest;
  if (a > b) return largest;
  if (isFloat<T>()) {
    const aIsNaN = a !== a;
    if (aIsNaN !== (b !== b)) return aIsNaN === largest;
  }
  return i < j;
}

/**
 * The outputs of a line are a heap of the best k so far, the worst of them on top; taking the top off again and again
 * leaves them in order.
 */
function topK<T>(operands: usize, worker: i32, workers: i32): void {
  const source = address(operands, 2);
  const count = word(operands, 4);
  const inner = word(operands, 5);
  const k = word(operands, 6);
  const largest = word(operands, 7) !== 0;
  const lines = word(operands, 3) * inner;
  const end = shareStart(lines, worker + 1, workers);
  if (k === 0) return;
  for (let line = shareStart(lines, worker, workers); line < end; line++) {
    const block = line / inner;
    const within = line % inner;
    const values = address(operands, 0) + ((block * k * inner + within) as usize) * sizeof<T>();
    const indices = address(operands, 1) + ((block * k * inner + within) as usize) * 4;
    let at = source + ((block * count * inner + within) as usize) * sizeof<T>();
    for (let i = 0; i < count; i++) {
      const value = load<T>(at);
      if (i < k) rise<T>(values, indices, inner, i, value, i, largest);
      else if (comesBefore<T>(value, i, load<T>(values), load<i32>(indices), largest)) {
        sink<T>(values, indices, inner, k, value, i, largest);
      }
      at += (inner as usize) * sizeof<T>();
    }
    for (let last = k - 1; last > 0; last--) {
      const lastValue = values + ((last * inner) as usize) * sizeof<T>();
      const lastIndex = indices + ((last * inner) as usize) * 4;
      const value = load<T>(lastValue);
      const index = load<i32>(lastIndex);
      store<T>(lastValue, load<T>(values));
      store<i32>(lastIndex, load<i32>(indices));
      sink<T>(values, indices, inner, last, value, index, largest);
    }
  }
}

/** Puts an element at place `place`, the end of the heap, and lets it rise above those that come before it. */
function rise<T>(
  values: usize,
  indices: usize,
  inner: i32,
  place: i32,
  value: T,
  index: i32,
  largest: bool,
): void {
  while (place > 0) {
    const parent = (place - 1) >> 1;
    const parentValue = load<T>(values + ((parent * inner) as usize) * sizeof<T>());
    const parentIndex = load<i32>(indices + ((parent * inner) as usize) * 4);
    if (comesBefore<T>(value, index, parentValue, parentIndex, largest)) break;
    store<T>(values + ((place * inner) as usize) * sizeof<T>(), parentValue);
    store<i32>(indices + ((place * inner) as usize) * 4, parentIndex);
    place = parent;
  }
  store<T>(values + ((place * inner) as usize) * sizeof<T>(), value);
  store<i32>(indices + ((place * inner) as usize) * 4, index);
}

/** Puts an element in place of the top of a heap of `size`, and lets it sink below those that come after it. */
function sink<T>(
  values: usize,
  indices: usize,
  inner: i32,
  size: i32,
  value: T,
  index: i32,
  largest: bool,
): void {
  let place = 0;
  for (;;) {
    let child = 2 * place + 1;
    if (child >= size) break;
    let childValue = load<T>(values + ((child * inner) as usize) * sizeof<T>());
    let childIndex = load<i32>(indices + ((child * inner) as usize) * 4);
    if (child + 1 < size) {
      const otherValue = load<T>(values + (((child + 1) * inner) as usize) * sizeof<T>());
      const otherIndex = load<i32>(indices + (((child + 1) * inner) as usize) * 4);
      if (comesBefore<T>(childValue, childIndex, otherValue, otherIndex, largest)) {
        child++;
        childValue = otherValue;
        childIndex = otherIndex;
      }
    }
    if (comesBefore<T>(childValue, childIndex, value, index, largest)) break;
    store<T>(values + ((place * inner) as usize) * sizeof<T>(), childValue);
    store<i32>(indices + ((place * inner) as usize) * 4, childIndex);
    place = child;
  }
  store<T>(values + ((place * inner) as usize) * sizeof<T>(), value);
  store<i32>(indices + ((place * inner) as usize) * 4, index);
}
