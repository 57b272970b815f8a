// Indices as positions. Negative ones count from the end; one out of range sets the error word, and 0 is used in its
// place, so that no kernel reads or writes outside its arrays.

export const OUT_OF_RANGE: i32 = -1;

/** Index number `i` as a position from the front, or OUT_OF_RANGE. Indices are 4 or 8 bytes wide. */
export function positionAt(indices: usize, indexBytes: i32, i: i32, size: i32): i32 {
  let index: i32;
  if (indexBytes === 8) {
    const wide = load<i64>(indices + ((i as usize) << 3));
    if (wide < -(size as i64) || wide >= (size as i64)) return OUT_OF_RANGE;
    index = wide as i32;
  } else {
    index = load<i32>(indices + ((i as usize) << 2));
    if (index < -size || index >= size) return OUT_OF_RANGE;
  }
  return index < 0 ? index + size : index;
}

/** The first error stays. Workers of one kernel may race here: they store the same code. */
export function flagError(error: usize, code: i32): void {
  if (load<i32>(error) === 0) store<i32>(error, code);
}
