// The columns of a convolution: for each window the elements that it sees, so that convolution is a matrix product.
import { shapeSize, type Shape } from "@convoke/shape";
import { stridesOf } from "./kernel-loops.js";
import type { MatrixView } from "./matrix-product.js";

/** How windows lie over the input: one number per spatial axis, padding [before, after]. */
export interface WindowGeometry {
  readonly stride: readonly number[];
  readonly pads: readonly (readonly [number, number])[];
  readonly dilation: readonly number[];
}

/** A run of output positions along the last axis whose input elements all exist: the loops need no bounds test. */
interface Run {
  readonly from: number;
  readonly to: number;
  /** The input position that output position 0 would read. */
  readonly start: number;
}

/**
 * Copies planes into columns and adds columns back to planes. Row (c, kernel position) of the columns holds, for each
 * window, the element of channel c that this kernel position meets; padding is 0.
 */
export class Columns {
  readonly #plane: number;
  readonly #width: number;
  readonly #stride: number;
  /** For each kernel position of the outer axes and each output row: where the input row starts, −1 outside. */
  readonly #rowStarts: Int32Array;
  readonly #outerKernel: number;
  readonly #outerOutput: number;
  /** For each kernel position of the last axis: the output positions that lie inside. */
  readonly #runs: readonly Run[];

  constructor(
    spatial: Shape,
    { kernel, output, geometry }: { kernel: Shape; output: Shape; geometry: WindowGeometry },
  ) {
    const last = spatial.length - 1;
    this.#plane = shapeSize(spatial);
    this.#width = output[last]!;
    this.#stride = geometry.stride[last]!;
    this.#outerKernel = shapeSize(kernel.slice(0, last));
    this.#outerOutput = shapeSize(output.slice(0, last));
    this.#rowStarts = new Int32Array(this.#outerKernel * this.#outerOutput);
    const strides = stridesOf(spatial);
    let next = 0;
    for (const tap of positions(kernel.slice(0, last))) {
      for (const window of positions(output.slice(0, last))) {
        const at = window.map((o, axis) => inputPosition(geometry, axis, o, tap[axis]!));
        const inside = at.every((position, axis) => position >= 0 && position < spatial[axis]!);
        this.#rowStarts[next++] = inside
          ? at.reduce((sum, position, axis) => sum + position * strides[axis]!, 0)
          : -1;
      }
    }
    this.#runs = Array.from({ length: kernel[last]! }, (_, tap): Run => {
      const start = inputPosition(geometry, last, 0, tap);
      const from = Math.max(0, Math.ceil(-start / this.#stride));
      const to = Math.min(this.#width, Math.ceil((spatial[last]! - start) / this.#stride));
      return { from, to: Math.max(from, to), start };
    });
  }

  /** Fills `columns` from the planes that begin at `offset`. Padding is not written: it stays 0 from one sample to the next. */
  gather(planes: Float64Array, offset: number, columns: MatrixView): void {
    const stride = this.#stride;
    const to = columns.data;
    this.#forEachRow(offset, columns, (source, target, run) => {
      const shift = source + run.start;
      if (stride === 1) for (let o = run.from; o < run.to; o++) to[target + o] = planes[shift + o]!;
      else for (let o = run.from; o < run.to; o++) to[target + o] = planes[shift + o * stride]!;
    });
  }

  /** Adds `columns` to the planes that begin at `offset`: the transpose of `gather`. */
  scatter(planes: Float64Array, offset: number, columns: MatrixView): void {
    const stride = this.#stride;
    const from = columns.data;
    this.#forEachRow(offset, columns, (source, target, run) => {
      const shift = source + run.start;
      for (let o = run.from; o < run.to; o++) planes[shift + o * stride]! += from[target + o]!;
    });
  }

  #forEachRow(
    offset: number,
    columns: MatrixView,
    visit: (source: number, target: number, run: Run) => void,
  ): void {
    const windows = this.#outerOutput * this.#width;
    const channels = columns.rows / (this.#outerKernel * this.#runs.length);
    let row = columns.offset;
    for (let c = 0; c < channels; c++) {
      for (let tap = 0; tap < this.#outerKernel; tap++) {
        for (const run of this.#runs) {
          for (let line = 0; line < this.#outerOutput; line++) {
            const start = this.#rowStarts[tap * this.#outerOutput + line]!;
            if (start >= 0) visit(offset + c * this.#plane + start, row + line * this.#width, run);
          }
          row += windows;
        }
      }
    }
  }
}

function inputPosition(geometry: WindowGeometry, axis: number, window: number, tap: number): number {
  return window * geometry.stride[axis]! - geometry.pads[axis]![0] + tap * geometry.dilation[axis]!;
}

/** All index tuples of `shape`, in row-major order. */
function positions(shape: Shape): number[][] {
  return shape.reduce<number[][]>(
    (tuples, dim) => tuples.flatMap((tuple) => Array.from({ length: dim }, (_, i) => [...tuple, i])),
    [[]],
  );
}
