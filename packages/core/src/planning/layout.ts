// Where the elements of a value lie: a buffer, and a stride per axis. Movement ops that only change strides cost nothing.
import type { Shape } from "@convoke/shape";

/** A buffer of a program: its number. */
export type BufferId = number & { readonly buffer: unique symbol };

export interface Layout {
  readonly buffer: BufferId;
  readonly shape: Shape;
  /** Elements from one index to the next; 0 repeats, negative walks back. */
  readonly strides: readonly number[];
  /** The element at index 0. */
  readonly offset: number;
}

/** Row-major strides. */
export function denseStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

export function denseLayout(buffer: BufferId, shape: Shape): Layout {
  return { buffer, shape, strides: denseStrides(shape), offset: 0 };
}

/** Whether the elements lie one after the other from the start of the buffer. Axes of extent 1 do not matter. */
export function isDense({ shape, strides, offset }: Layout): boolean {
  const dense = denseStrides(shape);
  return offset === 0 && shape.every((extent, axis) => extent === 1 || strides[axis] === dense[axis]);
}

export function permuted(layout: Layout, axes: readonly number[]): Layout {
  return {
    ...layout,
    shape: axes.map((axis) => layout.shape[axis]!),
    strides: axes.map((axis) => layout.strides[axis]!),
  };
}

/** The layout read as `shape`: repeated along axes of extent 1 and new leading ones. */
export function broadcastLayout(layout: Layout, shape: Shape): Layout {
  const missing = shape.length - layout.shape.length;
  const strides = shape.map((_, axis) =>
    axis < missing || layout.shape[axis - missing] === 1 ? 0 : layout.strides[axis - missing]!,
  );
  return { ...layout, shape, strides };
}

export function sliced(
  layout: Layout,
  { start, step, shape }: { start: readonly number[]; step: readonly number[]; shape: Shape },
): Layout {
  return {
    ...layout,
    shape,
    strides: layout.strides.map((stride, axis) => stride * step[axis]!),
    offset: layout.strides.reduce((offset, stride, axis) => offset + stride * start[axis]!, layout.offset),
  };
}

/** The same elements in another shape, if no copy is needed. */
export function reshaped(layout: Layout, shape: Shape): Layout | undefined {
  if (isDense(layout)) return denseLayout(layout.buffer, shape);
  // Axes of extent 1 come and go freely.
  const significant = (all: Shape): number[] => all.filter((extent) => extent !== 1);
  if (significant(layout.shape).join() !== significant(shape).join()) return undefined;
  const strides = layout.strides.filter((_, axis) => layout.shape[axis] !== 1);
  let next = 0;
  return { ...layout, shape, strides: shape.map((extent) => (extent === 1 ? 0 : strides[next++]!)) };
}
