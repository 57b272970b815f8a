// Pooling in any type and over any number of axes, as element loops: one for each tap of the window, over the windows
// for which the tap lies in the input. For what the kernels of float32 planes do not cover.
import { specOf, type DType, type GraphNode, type Value } from "@convoke/core";
import { denseStrides, fill, sliced, strided, type Layout, type Step } from "@convoke/core/planning";
import { shapeSize, type Shape } from "@convoke/shape";
import { ERROR_WORD } from "../memory/machine-memory.js";
import {
  kernelBySum,
  kernelByWidth,
  scatterAlongAxisOperands,
  scatterAlongAxisScratchBytes,
  takeAlongAxisOperands,
} from "../operand-layouts-data.js";
import type { ProgramBuilder } from "../program/program-builder.js";

/** The windows of a pooling op, axis by axis. */
export interface PoolAttributes {
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly pads: readonly (readonly [number, number])[];
  readonly dilation: readonly number[];
  readonly output: readonly number[];
  readonly countIncludePad?: boolean;
}

interface Tap {
  /** Where the tap meets the input, for each window that it does not miss. */
  input(layout: Layout): Layout;
  /** Those windows. */
  windows(layout: Layout): Layout;
}

export function maxPoolByTaps(node: GraphNode, builder: ProgramBuilder): void {
  const x = node.inputs[0]!;
  const attributes = node.attributes as PoolAttributes;
  const [values, indices] = [0, 1].map((index) => builder.result({ node, index })) as [Layout, Layout];
  const { dtype } = specOf(x);
  const spatial = specOf(x).shape.slice(2);
  const positions = constantOverPlanes(
    Int32Array.from({ length: shapeSize(spatial) }, (_, i) => i),
    { shape: specOf(x).shape, builder },
  );
  fill({ to: values, value: 0 }, builder, dtype);
  // −1: nothing was seen yet.
  fill({ to: indices, value: -1 }, builder, "int32");
  const source = builder.layoutOf(x);
  const [candidate, best, position, where] = [0, 1, 2, 3];
  const steps: Step[] = [
    { op: "constant", arguments: [], dtype: "int32", value: 0 },
    { op: "less", arguments: [where, 4], dtype: "bool" },
    { op: "less", arguments: [best, candidate], dtype: "bool" },
    // NaN wins over numbers.
    { op: "equal", arguments: [candidate, candidate], dtype: "bool" },
    { op: "logicalNot", arguments: [7], dtype: "bool" },
    { op: "logicalOr", arguments: [5, 6], dtype: "bool" },
    { op: "logicalOr", arguments: [8, 9], dtype: "bool" },
    { op: "where", arguments: [10, candidate, best], dtype },
    { op: "where", arguments: [10, position, where], dtype: "int32" },
  ];
  for (const { input, windows } of tapsOf(spatial, attributes)) {
    const [to, at] = [windows(values), windows(indices)];
    builder.loop({
      shape: to.shape,
      inputs: [
        strided(input(source), dtype),
        strided(to, dtype),
        strided(input(positions), "int32"),
        strided(at, "int32"),
      ],
      steps,
      outputs: [
        { ...strided(to, dtype), value: 11 },
        { ...strided(at, "int32"), value: 12 },
      ],
    });
  }
}

export function avgPoolByTaps(node: GraphNode, builder: ProgramBuilder): void {
  const x = node.inputs[0]!;
  const { dtype, shape } = specOf(x);
  const attributes = node.attributes as PoolAttributes;
  const result = builder.result({ node, index: 0 });
  fill({ to: result, value: 0 }, builder, dtype);
  const source = builder.layoutOf(x);
  for (const { input, windows } of tapsOf(shape.slice(2), attributes)) {
    combine("add", [windows(result), input(source)], { to: windows(result), dtype, builder });
  }
  const divisor = divisors(shape.slice(2), attributes, { shape: result.shape, dtype, builder });
  combine("div", [result, divisor], { to: result, dtype, builder });
}

export function avgPoolGradByTaps(node: GraphNode, builder: ProgramBuilder): void {
  const g = node.inputs[0]!;
  const { dtype, shape } = specOf(g);
  const attributes = node.attributes as PoolAttributes;
  const result = builder.result({ node, index: 0 });
  const spatial = result.shape.slice(2);
  const shares = builder.scratch(shape, dtype);
  const divisor = divisors(spatial, attributes, { shape, dtype, builder });
  combine("div", [builder.layoutOf(g), divisor], { to: shares, dtype, builder });
  fill({ to: result, value: 0 }, builder, dtype);
  for (const { input, windows } of tapsOf(spatial, attributes)) {
    combine("add", [input(result), windows(shares)], { to: input(result), dtype, builder });
  }
}

/** scatterToPlane and gatherFromPlane, by the kernels that scatter and take along an axis: planes are rows. */
export function planeMapByRows(node: GraphNode, builder: ProgramBuilder): void {
  const [from, indices] = node.inputs as [Value, Value];
  const { dtype, shape } = specOf(from);
  const result = builder.result({ node, index: 0 });
  const target = { buffer: result.buffer };
  const rows = (of: Shape): Shape => [shapeSize(of.slice(0, 2)), shapeSize(of.slice(2))];
  const places = {
    address: { buffer: builder.dense(indices) },
    dtype: specOf(indices).dtype === "int64" ? ("int64" as const) : ("int32" as const),
    shape: rows(specOf(indices).shape),
  };
  const source = { buffer: builder.dense(from) };
  // The positions come from a pooling op: they are in range.
  const error = { word: ERROR_WORD, code: 0 };
  if (node.op.name === "gatherFromPlane") {
    const operands = takeAlongAxisOperands(
      { target, source, indices: places },
      { shape: rows(shape), axis: 1 },
      error,
    );
    builder.kernel(kernelByWidth("takeAlongAxis", dtype), operands);
    return;
  }
  const base = builder.scratch(result.shape, dtype);
  fill({ to: base, value: 0 }, builder, dtype);
  const planes = rows(result.shape);
  const scratch = builder.buffer(scatterAlongAxisScratchBytes(dtype, planes[1]!) * builder.workers);
  const arrays = {
    ...{ target, base: { buffer: base.buffer }, indices: places, updates: source },
    scratch: { buffer: scratch },
  };
  const operands = scatterAlongAxisOperands(arrays, { shape: planes, axis: 1, dtype }, error);
  builder.kernel(kernelBySum("scatterAlongAxis", dtype), operands);
}

/** The taps of the windows over planes of `spatial`, in row-major order; those that meet no input are left out. */
function tapsOf(spatial: Shape, { size, stride, pads, dilation, output }: PoolAttributes): Tap[] {
  const along = spatial.map((n, axis) =>
    Array.from({ length: size[axis]! }, (_, tap) => {
      const [step, offset] = [stride[axis]!, tap * dilation[axis]! - pads[axis]![0]];
      const first = Math.max(0, Math.ceil(-offset / step));
      const end = Math.min(output[axis]!, Math.floor((n - 1 - offset) / step) + 1);
      return { first, count: end - first, start: first * step + offset };
    }).filter(({ count }) => count > 0),
  );
  let taps: (typeof along)[number][] = [[]];
  for (const ranges of along) taps = taps.flatMap((outer) => ranges.map((range) => [...outer, range]));
  return taps.map((ranges) => {
    const part = (layout: Layout, start: readonly number[], step: readonly number[]): Layout =>
      sliced(layout, {
        start: [0, 0, ...start],
        step: [1, 1, ...step],
        shape: [...layout.shape.slice(0, 2), ...ranges.map(({ count }) => count)],
      });
    return {
      input: (layout) =>
        part(
          layout,
          ranges.map(({ start }) => start),
          stride,
        ),
      windows: (layout) =>
        part(
          layout,
          ranges.map(({ first }) => first),
          ranges.map(() => 1),
        ),
    };
  });
}

/** What the mean of each window divides by, as an operand over `shape`; see `avgPool` in core. */
function divisors(
  spatial: Shape,
  { size, stride, pads, dilation, output, countIncludePad = true }: PoolAttributes,
  target: { shape: Shape; dtype: DType; builder: ProgramBuilder },
): Layout {
  let counts = [1];
  spatial.forEach((n, axis) => {
    const [before, after] = pads[axis]!;
    const along = Array.from({ length: output[axis]! }, (_, o) => {
      const positions = Array.from(
        { length: size[axis]! },
        (_, tap) => o * stride[axis]! - before + tap * dilation[axis]!,
      );
      return positions.filter((at) => (countIncludePad ? at < n + after : at >= 0 && at < n)).length;
    });
    counts = counts.flatMap((outer) => along.map((count) => outer * count));
  });
  const data = target.dtype === "float64" ? Float64Array.from(counts) : Float32Array.from(counts);
  return constantOverPlanes(data, target);
}

/** One plane of constants that repeats over samples and channels. */
function constantOverPlanes(
  data: Int32Array | Float32Array | Float64Array,
  { shape, builder }: { shape: Shape; builder: ProgramBuilder },
): Layout {
  const buffer = builder.buffer(data.byteLength, { kind: "constant", data });
  return { buffer, shape, strides: [0, 0, ...denseStrides(shape.slice(2))], offset: 0 };
}

/** Stores `op` of two layouts of one shape. */
function combine(
  op: "add" | "div",
  operands: readonly [Layout, Layout],
  { to, dtype, builder }: { to: Layout; dtype: DType; builder: ProgramBuilder },
): void {
  builder.loop({
    shape: to.shape,
    inputs: operands.map((layout) => strided(layout, dtype)),
    steps: [{ op, arguments: [0, 1], dtype }],
    outputs: [{ ...strided(to, dtype), value: 2 }],
  });
}
