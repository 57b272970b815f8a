// The columns of a convolution: for each window the elements that it sees, so that convolution is a matrix product.
import { shapeSize, type Shape } from "@convoke/shape";
import { stridesOf } from "./kernel-loops.js";

/** How windows lie over the input: one number per spatial axis, padding [before, after]. */
export interface WindowGeometry {
  readonly stride: readonly number[];
  readonly pads: readonly (readonly [number, number])[];
  readonly dilation: readonly number[];
}

/**
 * Copies planes into columns and adds columns back to planes. Row (c, kernel position) of the columns holds, for each
 * window, the element of channel c that this kernel position meets; padding is 0.
 */
export class Columns {
  readonly #plane: number;
  /** For each kernel position and window: the position in the plane, −1 in the padding. */
  readonly #sources: Int32Array;

  constructor(
    spatial: Shape,
    { kernel, output, geometry }: { kernel: Shape; output: Shape; geometry: WindowGeometry },
  ) {
    this.#plane = shapeSize(spatial);
    this.#sources = new Int32Array(shapeSize(kernel) * shapeSize(output));
    const strides = stridesOf(spatial);
    const windows = positions(output);
    let next = 0;
    for (const tap of positions(kernel)) {
      for (const window of windows) {
        let source = 0;
        for (let axis = 0; axis < spatial.length && source >= 0; axis++) {
          const start = window[axis]! * geometry.stride[axis]! - geometry.pads[axis]![0];
          const at = start + tap[axis]! * geometry.dilation[axis]!;
          source = at >= 0 && at < spatial[axis]! ? source + at * strides[axis]! : -1;
        }
        this.#sources[next++] = source;
      }
    }
  }

  /** Fills `columns` from the planes that begin at `offset`. Padding is not written: it stays 0 from one sample to the next. */
  gather(planes: Float64Array, offset: number, columns: Float64Array): void {
    const sources = this.#sources;
    const count = sources.length;
    for (let row = 0, plane = offset; row < columns.length; row += count, plane += this.#plane) {
      for (let i = 0; i < count; i++) {
        const source = sources[i]!;
        if (source >= 0) columns[row + i] = planes[plane + source]!;
      }
    }
  }

  /** Adds `columns` to the planes that begin at `offset`: the transpose of `gather`. */
  scatter(planes: Float64Array, offset: number, columns: Float64Array): void {
    const sources = this.#sources;
    const count = sources.length;
    for (let row = 0, plane = offset; row < columns.length; row += count, plane += this.#plane) {
      for (let i = 0; i < count; i++) {
        const source = sources[i]!;
        if (source >= 0) planes[plane + source]! += columns[row + i]!;
      }
    }
  }
}

/** All index tuples of `shape`, in row-major order. */
function positions(shape: Shape): number[][] {
  return shape.reduce<number[][]>(
    (tuples, dim) => tuples.flatMap((tuple) => Array.from({ length: dim }, (_, i) => [...tuple, i])),
    [[]],
  );
}
