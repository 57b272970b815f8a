// An input gradient with strides falls apart: the rows of x with one remainder modulo the stride are seen by the taps of
// one remainder only, and for them it is a convolution of stride 1 over y. These functions are about one axis of such a
// part: row i of the part is row first + i·stride of x, and tap t sees in it row i + shift(t) of y, plus a constant.

export function firstRow(phase: i32, stride: i32, pad: i32): i32 {
  return (((phase - pad) % stride) + stride) % stride;
}

export function rowCount(first: i32, extent: i32, stride: i32): i32 {
  return first < extent ? (extent - first + stride - 1) / stride : 0;
}

export function sees(phase: i32, tap: i32, stride: i32, dilation: i32): bool {
  return (phase - tap * dilation) % stride === 0;
}

/** Only for a tap that the part sees. */
export function shift(phase: i32, tap: i32, stride: i32, dilation: i32): i32 {
  return (phase - tap * dilation) / stride;
}

export function tapCount(phase: i32, kernel: i32, stride: i32, dilation: i32): i32 {
  let count = 0;
  for (let tap = 0; tap < kernel; tap++) count += sees(phase, tap, stride, dilation) as i32;
  return count;
}

/** The shift of the last tap that is seen, which is the lowest; 0 without taps. */
export function lowestShift(phase: i32, kernel: i32, stride: i32, dilation: i32): i32 {
  for (let tap = kernel - 1; tap >= 0; tap--) {
    if (sees(phase, tap, stride, dilation)) return shift(phase, tap, stride, dilation);
  }
  return 0;
}

export function highestShift(phase: i32, kernel: i32, stride: i32, dilation: i32): i32 {
  for (let tap = 0; tap < kernel; tap++) {
    if (sees(phase, tap, stride, dilation)) return shift(phase, tap, stride, dilation);
  }
  return 0;
}
