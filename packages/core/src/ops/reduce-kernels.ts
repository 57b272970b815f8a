// Reference kernels of reductions: line by line, in double precision.
import { shapeSize, type Shape } from "@convoke/shape";
import { isFloat, type DType, type TypedArray } from "../dtype.js";
import type { Kernel } from "./definition.js";
import { forEachOffset, stridesOf } from "./kernel-loops.js";

export interface ReduceAttributes {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

export interface ArgReduceAttributes {
  readonly axis: number;
  readonly keepDims: boolean;
}

/** Folds `count` elements of `data` from `from` on into `totals`, from `at` on in steps of `step` (0 or 1). */
type Fold = (
  totals: Float64Array,
  at: number,
  step: number,
  data: Float64Array,
  from: number,
  count: number,
) => void;

interface Folding {
  readonly fold: Fold;
  readonly start: number;
  readonly startInt64: bigint;
}

// The folds are written for doubles; the same text is right for 64-bit integers, whose arrays come in by a cast.
export const folds = {
  sum: {
    start: 0,
    startInt64: 0n,
    fold: (totals, at, step, data, from, count) => {
      for (let i = 0; i < count; i++) totals[at + i * step]! += data[from + i]!;
    },
  },
  prod: {
    start: 1,
    startInt64: 1n,
    fold: (totals, at, step, data, from, count) => {
      for (let i = 0; i < count; i++) totals[at + i * step]! *= data[from + i]!;
    },
  },
  max: {
    start: -Infinity,
    startInt64: -(2n ** 63n),
    fold: (totals, at, step, data, from, count) => {
      for (let i = 0; i < count; i++) {
        const value = data[from + i]!;
        // NaN wins, and nothing is larger than NaN.
        if (value > totals[at + i * step]! || value !== value) totals[at + i * step] = value;
      }
    },
  },
  min: {
    start: Infinity,
    startInt64: 2n ** 63n - 1n,
    fold: (totals, at, step, data, from, count) => {
      for (let i = 0; i < count; i++) {
        const value = data[from + i]!;
        if (value < totals[at + i * step]! || value !== value) totals[at + i * step] = value;
      }
    },
  },
} satisfies Record<string, Folding>;

/** Adjacent axes that are all reduced or all kept, as one; axes of 1 dropped. There is at least one. */
function mergedAxes(shape: Shape, axes: readonly number[]): { dims: number[]; reduced: boolean[] } {
  const dims: number[] = [];
  const reduced: boolean[] = [];
  shape.forEach((dim, axis) => {
    if (dim === 1) return;
    const gone = axes.includes(axis);
    if (reduced.at(-1) === gone) dims[dims.length - 1]! *= dim;
    else {
      dims.push(dim);
      reduced.push(gone);
    }
  });
  return dims.length > 0 ? { dims, reduced } : { dims: [1], reduced: [true] };
}

export function reduceKernel(
  { fold, start, startInt64 }: Folding,
  options: { exactIntegers?: boolean } = {},
): Kernel<ReduceAttributes> {
  return ([x], [y], { axes }) => {
    const { dims, reduced } = mergedAxes(x!.shape, axes);
    const keptStrides = stridesOf(dims.map((dim, axis) => (reduced[axis] ? 1 : dim)));
    const strides = keptStrides.map((stride, axis) => (reduced[axis] ? 0 : stride));
    const isWide = x!.dtype === "int64" || (options.exactIntegers === true && !isFloat(x!.dtype));
    const data =
      isWide && !(x!.data instanceof BigInt64Array)
        ? BigInt64Array.from(x!.data as Int32Array, BigInt)
        : x!.data;
    const totals = isWide
      ? new BigInt64Array(y!.data.length).fill(startInt64)
      : new Float64Array(y!.data.length).fill(start);
    const lineLength = dims.at(-1)!;
    forEachOffset(dims.slice(0, -1), strides.slice(0, -1), (line, offset) =>
      fold(
        totals as TypedArray as Float64Array,
        offset,
        strides.at(-1)!,
        data as Float64Array,
        line * lineLength,
        lineLength,
      ),
    );
    if (totals instanceof Float64Array) y!.data.set(totals as never);
    else for (let i = 0; i < totals.length; i++) y!.data[i] = narrowed(totals[i]!, y!.dtype);
  };
}

function narrowed(total: bigint, dtype: DType): bigint | number {
  return dtype === "int64" ? total : Number(BigInt.asIntN(32, total));
}

/** The position of the winner along the axis: the first of equals, NaN before everything. */
export function argKernel(wins: (a: number, b: number) => boolean): Kernel<ArgReduceAttributes> {
  return ([x], [y], { axis }) => {
    const count = x!.shape[axis]!;
    const inner = shapeSize(x!.shape.slice(axis + 1));
    const data = x!.data as Float64Array;
    for (let i = 0; i < y!.data.length; i++) {
      const from = Math.floor(i / inner) * count * inner + (i % inner);
      let best = 0;
      for (let k = 1; k < count; k++) {
        const champion = data[from + best * inner]!;
        const value = data[from + k * inner]!;
        if (champion === champion && (wins(value, champion) || value !== value)) best = k;
      }
      y!.data[i] = best;
    }
  };
}
