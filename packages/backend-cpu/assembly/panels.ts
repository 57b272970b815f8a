// Panels: a strip of a matrix, `width` rows or columns wide, stored so that its elements of equal depth lie together.

/** The strip of a matrix that a panel is made of; strides in elements. */
export function packPanel(
  to: usize,
  from: usize,
  count: i32,
  width: i32,
  acrossStride: i32,
  depthStride: i32,
  depth: i32,
): void {
  if (count === width && (width & 3) === 0 && acrossStride === 1) {
    packVectors(to, from, width, depthStride, depth);
  } else if (count === width && (width & 3) === 0 && depthStride === 1) {
    packTransposed(to, from, width, acrossStride, depth);
  } else {
    packElements(to, from, count, width, acrossStride, depthStride, depth);
  }
}

function packVectors(to: usize, from: usize, width: i32, depthStride: i32, depth: i32): void {
  const step = (depthStride as usize) << 2;
  if (width === 12) {
    for (let k = 0; k < depth; k++) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      v128.store(to, v128.load(from, 32), 32);
      from += step;
      to += 48;
    }
  } else {
    for (let k = 0; k < depth; k++) {
      for (let i = 0; i < width; i += 4) {
        v128.store(to, v128.load(from + ((i as usize) << 2)));
        to += 16;
      }
      from += step;
    }
  }
}

/** Four rows of four elements each become four columns. */
function packTransposed(to: usize, from: usize, width: i32, acrossStride: i32, depth: i32): void {
  const step = (acrossStride as usize) << 2;
  const rowBytes = (width as usize) << 2;
  const whole = depth & ~3;
  for (let i = 0; i < width; i += 4) {
    let source = from + (i as usize) * step;
    let target = to + ((i as usize) << 2);
    const sourceEnd = source + ((whole as usize) << 2);
    for (; source < sourceEnd; source += 16) {
      const second = source + step;
      const third = second + step;
      const r0 = v128.load(source);
      const r1 = v128.load(second);
      const r2 = v128.load(third);
      const r3 = v128.load(third + step);
      const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
      const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      v128.store(target, v128.shuffle<f64>(low01, low23, 0, 2));
      target += rowBytes;
      v128.store(target, v128.shuffle<f64>(low01, low23, 1, 3));
      target += rowBytes;
      v128.store(target, v128.shuffle<f64>(high01, high23, 0, 2));
      target += rowBytes;
      v128.store(target, v128.shuffle<f64>(high01, high23, 1, 3));
      target += rowBytes;
    }
  }
  packElements(
    to + (whole as usize) * rowBytes,
    from + ((whole as usize) << 2),
    width,
    width,
    acrossStride,
    1,
    depth - whole,
  );
}

/** Any strides, and the last strip, which is filled up with zeros. */
function packElements(
  to: usize,
  from: usize,
  count: i32,
  width: i32,
  acrossStride: i32,
  depthStride: i32,
  depth: i32,
): void {
  const across = (acrossStride as usize) << 2;
  const along = (depthStride as usize) << 2;
  const rowBytes = (width as usize) << 2;
  for (let i = 0; i < width; i++) {
    let target = to + ((i as usize) << 2);
    if (i < count) {
      let source = from + (i as usize) * across;
      for (let k = 0; k < depth; k++) {
        store<f32>(target, load<f32>(source));
        source += along;
        target += rowBytes;
      }
    } else {
      for (let k = 0; k < depth; k++) {
        store<f32>(target, 0);
        target += rowBytes;
      }
    }
  }
}
