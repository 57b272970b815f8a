// Adding by index, always in the order of the updates.
import { flagError, OUT_OF_RANGE, positionAt } from "./index-positions";
import { address, copyElements, volumeOf, word } from "./operand-words";
import { shareStart } from "./worker-share";

// scatterAdd is two kernels. The first chains, for each place along the axis, the indices that name it, in their order;
// after it each element of the result is summed by itself, in that order, however the work is split.

/**
 * Operands: indices, index bytes, error word, error code, size, count, heads (one word for each place: the first index
 * that names it, or −1), nexts (one word for each index: the next one that names the same place, or −1).
 */
export function linkIndices(operands: usize, worker: i32, workers: i32): void {
  const indices = address(operands, 0);
  const indexBytes = word(operands, 1);
  const size = word(operands, 4);
  const count = word(operands, 5);
  const heads = address(operands, 6);
  const nexts = address(operands, 7);
  const first = shareStart(size, worker, workers);
  const end = shareStart(size, worker + 1, workers);
  if (size === 0 && count > 0) flagError(address(operands, 2), word(operands, 3));
  if (first >= end) return;
  memory.fill(heads + ((first as usize) << 2), 0xff, ((end - first) as usize) << 2);
  for (let i = count - 1; i >= 0; i--) {
    let position = positionAt(indices, indexBytes, i, size);
    if (position === OUT_OF_RANGE) {
      flagError(address(operands, 2), word(operands, 3));
      position = 0;
    }
    if (position < first || position >= end) continue;
    const head = heads + ((position as usize) << 2);
    store<i32>(nexts + ((i as usize) << 2), load<i32>(head));
    store<i32>(head, i);
  }
}

// Operands: target, base, updates, heads, nexts, outer, size, inner, count. The target may be the base. float32 is
// summed in double precision; integers wrap, so that signed and unsigned ones of a width share a kernel.

export function scatterAddF32(operands: usize, worker: i32, workers: i32): void {
  scatterAdd<f32>(operands, worker, workers);
}

export function scatterAddF64(operands: usize, worker: i32, workers: i32): void {
  scatterAdd<f64>(operands, worker, workers);
}

export function scatterAddI64(operands: usize, worker: i32, workers: i32): void {
  scatterAdd<i64>(operands, worker, workers);
}

export function scatterAddI32(operands: usize, worker: i32, workers: i32): void {
  scatterAdd<i32>(operands, worker, workers);
}

export function scatterAddI8(operands: usize, worker: i32, workers: i32): void {
  scatterAdd<i8>(operands, worker, workers);
}

function scatterAdd<T>(operands: usize, worker: i32, workers: i32): void {
  const size = word(operands, 6);
  const inner = word(operands, 7);
  const count = word(operands, 8);
  const heads = address(operands, 3);
  const total = word(operands, 5) * size * inner;
  const first = shareStart(total, worker, workers);
  const end = shareStart(total, worker + 1, workers);
  if (first >= end) return;
  const slice = first / inner;
  const updatesStep = ((count * inner) as usize) * sizeof<T>();
  let place = slice % size;
  let updates = address(operands, 2) + ((slice / size) as usize) * updatesStep;
  let from = first - slice * inner;
  let offset = (first as usize) * sizeof<T>();
  for (let left = end - first; left > 0;) {
    const length = min(inner - from, left);
    addChain<T>(
      address(operands, 0) + offset,
      address(operands, 1) + offset,
      updates + (from as usize) * sizeof<T>(),
      (inner as usize) * sizeof<T>(),
      load<i32>(heads + ((place as usize) << 2)),
      address(operands, 4),
      length,
    );
    offset += (length as usize) * sizeof<T>();
    left -= length;
    from = 0;
    if (++place === size) {
      place = 0;
      updates += updatesStep;
    }
  }
}

/** `length` adjacent elements of the base plus all updates of a chain, which lie `step` bytes apart. */
function addChain<T>(
  target: usize,
  base: usize,
  updates: usize,
  step: usize,
  head: i32,
  nexts: usize,
  length: i32,
): void {
  if (head < 0) {
    if (target !== base) copyElements<T>(target, base, length);
    return;
  }
  const end = target + (length as usize) * sizeof<T>();
  if (sizeof<T>() === 4 && isFloat<T>()) {
    for (; target + 16 <= end; target += 16) {
      const start = v128.load(base);
      let low = f64x2.promote_low_f32x4(start);
      let high = f64x2.promote_low_f32x4(v128.shuffle<f64>(start, start, 1, 1));
      for (let i = head; i >= 0; i = load<i32>(nexts + ((i as usize) << 2))) {
        const added = v128.load(updates + (i as usize) * step);
        low = f64x2.add(low, f64x2.promote_low_f32x4(added));
        high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f64>(added, added, 1, 1)));
      }
      const narrowLow = f32x4.demote_f64x2_zero(low);
      v128.store(target, v128.shuffle<f64>(narrowLow, f32x4.demote_f64x2_zero(high), 0, 2));
      base += 16;
      updates += 16;
    }
  }
  for (; target < end; target += sizeof<T>()) {
    if (isFloat<T>()) {
      let total = load<T>(base) as f64;
      for (let i = head; i >= 0; i = load<i32>(nexts + ((i as usize) << 2))) {
        total += load<T>(updates + (i as usize) * step) as f64;
      }
      store<T>(target, total as T);
    } else {
      let total = load<T>(base);
      for (let i = head; i >= 0; i = load<i32>(nexts + ((i as usize) << 2))) {
        total = (total + load<T>(updates + (i as usize) * step)) as T;
      }
      store<T>(target, total);
    }
    base += sizeof<T>();
    updates += sizeof<T>();
  }
}

// scatterAlongAxis: single elements, a line of the result at a time. Operands: target, base, indices, index bytes,
// updates, error word, error code, scratch (float32 only: 8 bytes for each element of a line), scratch step (bytes
// from one worker's to the next), size (of the axis), stride (of the axis in base and target), count (of the indices
// along the axis), stride (of the axis in indices and updates), rank (without the axis), then for each other axis,
// outermost first: extent and stride of the base, extent and stride of the indices. The target must not be the base.

const SCATTER_AXIS_BYTES: usize = 16;

export function scatterAlongAxisF32(operands: usize, worker: i32, workers: i32): void {
  scatterAlongAxis<f32>(operands, worker, workers);
}

export function scatterAlongAxisF64(operands: usize, worker: i32, workers: i32): void {
  scatterAlongAxis<f64>(operands, worker, workers);
}

export function scatterAlongAxisI64(operands: usize, worker: i32, workers: i32): void {
  scatterAlongAxis<i64>(operands, worker, workers);
}

export function scatterAlongAxisI32(operands: usize, worker: i32, workers: i32): void {
  scatterAlongAxis<i32>(operands, worker, workers);
}

export function scatterAlongAxisI8(operands: usize, worker: i32, workers: i32): void {
  scatterAlongAxis<i8>(operands, worker, workers);
}

function scatterAlongAxis<T>(operands: usize, worker: i32, workers: i32): void {
  const rank = word(operands, 13);
  const axes = operands + 56;
  const lines = volumeOf(axes, rank, SCATTER_AXIS_BYTES);
  const first = shareStart(lines, worker, workers);
  const end = shareStart(lines, worker + 1, workers);
  const size = word(operands, 9);
  if (first >= end) return;
  if (size === 0) {
    // Nothing to add to: any index at all is out of range.
    let updates = word(operands, 11);
    for (let axis = 0; axis < rank; axis++)
      updates *= load<i32>(axes + (axis as usize) * SCATTER_AXIS_BYTES, 8);
    if (updates > 0) flagError(address(operands, 5), word(operands, 6));
    return;
  }
  const scratch = address(operands, 7) + ((worker * word(operands, 8)) as usize);
  scatterLines<T>(operands, axes, rank, lines, 0, 0, scratch, first, end);
}

/** `base` and `updates` number the first elements; `updates` is −1 for lines that the indices do not reach. */
function scatterLines<T>(
  operands: usize,
  axes: usize,
  rank: i32,
  lines: i32,
  base: i32,
  updates: i32,
  scratch: usize,
  first: i32,
  end: i32,
): void {
  if (rank === 0) {
    scatterLine<T>(operands, base, updates, scratch);
    return;
  }
  const below = lines / load<i32>(axes);
  const baseStride = load<i32>(axes, 4);
  const reached = load<i32>(axes, 8);
  const updatesStride = load<i32>(axes, 12);
  for (let i = first / below; i * below < end; i++) {
    scatterLines<T>(
      operands,
      axes + SCATTER_AXIS_BYTES,
      rank - 1,
      below,
      base + i * baseStride,
      updates >= 0 && i < reached ? updates + i * updatesStride : -1,
      scratch,
      max(first - i * below, 0),
      min(end - i * below, below),
    );
  }
}

function scatterLine<T>(operands: usize, base: i32, updates: i32, scratch: usize): void {
  const target = address(operands, 0) + (base as usize) * sizeof<T>();
  const source = address(operands, 1) + (base as usize) * sizeof<T>();
  const size = word(operands, 9);
  const step = (word(operands, 10) as usize) * sizeof<T>();
  const count = updates < 0 ? 0 : word(operands, 11);
  // Totals of float32 are doubles and stand in the scratch; all others stand in the target.
  if (sizeof<T>() === 4 && isFloat<T>() && count > 0) {
    for (let i = 0; i < size; i++) {
      store<f64>(scratch + ((i as usize) << 3), load<T>(source + (i as usize) * step) as f64);
    }
    addLine<T, f64>(operands, updates, count, scratch, 8);
    for (let i = 0; i < size; i++) {
      store<T>(target + (i as usize) * step, load<f64>(scratch + ((i as usize) << 3)) as T);
    }
  } else {
    for (let i = 0; i < size; i++)
      store<T>(target + (i as usize) * step, load<T>(source + (i as usize) * step));
    addLine<T, T>(operands, updates, count, target, step);
  }
}

/** Adds `count` updates, from number `updates` on, to totals of type S that lie `step` bytes apart. */
function addLine<T, S>(operands: usize, updates: i32, count: i32, totals: usize, step: usize): void {
  const indices = address(operands, 2);
  const indexBytes = word(operands, 3);
  const added = address(operands, 4);
  const size = word(operands, 9);
  const stride = word(operands, 12);
  for (let k = 0; k < count; k++) {
    const i = updates + k * stride;
    let position = positionAt(indices, indexBytes, i, size);
    if (position === OUT_OF_RANGE) {
      flagError(address(operands, 5), word(operands, 6));
      position = 0;
    }
    const total = totals + (position as usize) * step;
    store<S>(total, (load<S>(total) + (load<T>(added + (i as usize) * sizeof<T>()) as S)) as S);
  }
}
