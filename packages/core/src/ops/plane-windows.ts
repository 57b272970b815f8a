// The windows of pooling as its reference kernels walk them: for each window the positions in its plane that it sees.
import { shapeSize, type Shape } from "@convoke/shape";
import type { MaxPoolAttributes } from "./pooling.js";

/** A window over one plane: the positions in the input that it sees, and what a mean divides by. */
interface PlaneWindow {
  readonly taps: Int32Array;
  readonly divisor: number;
}

/** The windows of every plane, in row-major order: axis by axis, each window of the axes so far with each of the next. */
export function windowsOf(
  spatial: Shape,
  attributes: MaxPoolAttributes & { countIncludePad?: boolean },
): PlaneWindow[] {
  const { size, stride, pads, dilation, output, countIncludePad = true } = attributes;
  let windows: { taps: number[]; divisor: number }[] = [{ taps: [0], divisor: 1 }];
  spatial.forEach((n, axis) => {
    const [before, after] = pads[axis]!;
    const along = Array.from({ length: output[axis]! }, (_, o) => {
      const positions = Array.from(
        { length: size[axis]! },
        (_, tap) => o * stride[axis]! - before + tap * dilation[axis]!,
      );
      const taps = positions.filter((position) => position >= 0 && position < n);
      // In ceil mode a window may reach past the padding; what lies there is never counted.
      const counted = positions.filter((position) => position < n + after).length;
      return { taps, divisor: countIncludePad ? counted : taps.length };
    });
    windows = windows.flatMap((outer) =>
      along.map((inner) => ({
        taps: outer.taps.flatMap((row) => inner.taps.map((tap) => row * n + tap)),
        divisor: outer.divisor * inner.divisor,
      })),
    );
  });
  return windows.map(({ taps, divisor }) => ({ taps: Int32Array.from(taps), divisor }));
}

interface Visit extends PlaneWindow {
  /** Where the plane begins in the input, and the position of the window in the output. */
  readonly plane: number;
  readonly window: number;
}

/** Visits the windows of each plane of x [N, C, …]. */
export function forEachWindow(
  x: Shape,
  windows: readonly PlaneWindow[],
  visit: (visit: Visit) => void,
): void {
  const planes = x[0]! * x[1]!;
  const plane = shapeSize(x.slice(2));
  for (let p = 0; p < planes; p++) {
    windows.forEach(({ taps, divisor }, i) => {
      visit({ plane: p * plane, window: p * windows.length + i, taps, divisor });
    });
  }
}
