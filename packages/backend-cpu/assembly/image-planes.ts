// Copies of image planes with their padding written out, so that a window never has to ask where the image ends. With a
// horizontal stride the columns are sorted by their remainder: what a row of windows reads then lies together.

/**
 * `planes` planes of height × width at `from` become planes of `phases` × paddedHeight × paddedWidth at `to`. Row r of
 * the copy is row r − top of the plane, column q of phase p is column q·phases + p − left, and 0 outside. May write up to
 * 12 bytes behind the copy.
 */
export function padPlanes(
  from: usize,
  planes: i32,
  height: i32,
  width: i32,
  to: usize,
  paddedHeight: i32,
  paddedWidth: i32,
  phases: i32,
  top: i32,
  left: i32,
): void {
  const rowBytes = (paddedWidth as usize) << 2;
  for (let plane = 0; plane < planes; plane++) {
    for (let phase = 0; phase < phases; phase++) {
      // The first and the end of the columns that lie in the image.
      const shift = left - phase;
      const first = min(paddedWidth, shift > 0 ? (shift + phases - 1) / phases : 0);
      const reach = width + shift;
      const end = max(first, min(paddedWidth, reach > 0 ? (reach + phases - 1) / phases : 0));
      const start = first * phases - shift;
      for (let row = 0; row < paddedHeight; row++) {
        const y = row - top;
        if (y < 0 || y >= height) {
          clear(to, to + rowBytes);
        } else {
          const content = to + ((first as usize) << 2);
          const contentEnd = to + ((end as usize) << 2);
          clear(to, content);
          const source = from + (((y * width + start) as usize) << 2);
          if (phases === 1) copy(content, contentEnd, source);
          else if (phases === 2) copyEverySecond(content, contentEnd, source);
          else copyStrided(content, contentEnd, source, (phases as usize) << 2);
          clear(contentEnd, to + rowBytes);
        }
        to += rowBytes;
      }
    }
    from += ((height * width) as usize) << 2;
  }
}

/** Writes whole vectors: what lies behind `end` is written later. */
function clear(to: usize, end: usize): void {
  const zero = f32x4.splat(0);
  for (; to < end; to += 16) v128.store(to, zero);
}

function copy(to: usize, end: usize, from: usize): void {
  for (; to < end; to += 16) {
    v128.store(to, v128.load(from));
    from += 16;
  }
}

function copyEverySecond(to: usize, end: usize, from: usize): void {
  for (; to < end; to += 16) {
    v128.store(to, v128.shuffle<f32>(v128.load(from), v128.load(from, 12), 0, 2, 5, 7));
    from += 32;
  }
}

function copyStrided(to: usize, end: usize, from: usize, step: usize): void {
  for (; to < end; to += 4) {
    store<f32>(to, load<f32>(from));
    from += step;
  }
}
