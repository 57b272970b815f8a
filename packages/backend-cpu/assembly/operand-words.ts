// How the kernels that move, order and look up elements read their operands, and how they copy short runs.

/** Operand number `n`: a number. */
export function word(operands: usize, n: i32): i32 {
  return load<i32>(operands + ((n as usize) << 2));
}

/** Operand number `n`: an address. */
export function address(operands: usize, n: i32): usize {
  return load<u32>(operands + ((n as usize) << 2)) as usize;
}

/** The number of elements of a list of axes, each `axisBytes` long and headed by its extent. */
export function volumeOf(axes: usize, rank: i32, axisBytes: usize): i32 {
  let volume = 1;
  for (let axis = 0; axis < rank; axis++) {
    volume *= load<i32>(axes);
    axes += axisBytes;
  }
  return volume;
}

/** Below this many bytes a loop is faster than the call behind memory.copy. */
const SHORT_BYTES: usize = 64;

/** `count` adjacent elements. */
export function copyElements<T>(target: usize, source: usize, count: i32): void {
  const bytes = (count as usize) * sizeof<T>();
  if (bytes >= SHORT_BYTES) {
    memory.copy(target, source, bytes);
    return;
  }
  for (const end = target + bytes; target < end; target += sizeof<T>()) {
    store<T>(target, load<T>(source));
    source += sizeof<T>();
  }
}
