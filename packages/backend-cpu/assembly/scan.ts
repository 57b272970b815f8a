// Running totals along an axis.
import { address, word } from "./operand-words";
import { shareStart } from "./worker-share";

// Operands: target, source, outer (blocks before the axis), count (of the axis), inner (elements of a step along it),
// exclusive and reverse (0 or 1). float32 is summed in double precision; integers wrap, so that signed and unsigned ones
// of a width share a kernel.

export function cumsumF32(operands: usize, worker: i32, workers: i32): void {
  cumsum<f32, f64>(operands, worker, workers);
}

export function cumsumF64(operands: usize, worker: i32, workers: i32): void {
  cumsum<f64, f64>(operands, worker, workers);
}

export function cumsumI64(operands: usize, worker: i32, workers: i32): void {
  cumsum<i64, i64>(operands, worker, workers);
}

export function cumsumI32(operands: usize, worker: i32, workers: i32): void {
  cumsum<i32, i32>(operands, worker, workers);
}

export function cumsumI8(operands: usize, worker: i32, workers: i32): void {
  cumsum<i8, i32>(operands, worker, workers);
}

function cumsum<T, S>(operands: usize, worker: i32, workers: i32): void {
  const target = address(operands, 0);
  const source = address(operands, 1);
  const count = word(operands, 3);
  const inner = word(operands, 4);
  const exclusive = word(operands, 5) !== 0;
  const reverse = word(operands, 6) !== 0;
  const lines = word(operands, 2) * inner;
  const end = shareStart(lines, worker + 1, workers);
  const step = (reverse ? -inner : inner) * (sizeof<T>() as i32);
  for (let line = shareStart(lines, worker, workers); line < end; line++) {
    const start = (line / inner) * count * inner + (line % inner) + (reverse ? (count - 1) * inner : 0);
    let offset = (start as usize) * sizeof<T>();
    let total: S = 0;
    for (let i = 0; i < count; i++) {
      const before = total;
      total = (total + (load<T>(source + offset) as S)) as S;
      store<T>(target + offset, (exclusive ? before : total) as T);
      offset += step as usize;
    }
  }
}
