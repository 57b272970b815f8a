// Convolution and its gradients: float32 in one and two dimensions through kernels, the rest as sums in a loop.
import { specOf, type GraphNode, type Value } from "@convoke/core";
import { shapeSize, type Shape } from "@convoke/shape";
import { planConvolution, type ConvolutionFace } from "../convolution-plan.js";
import type { ConvolutionSize } from "../operand-layouts.js";
import type { Operand } from "../program/instruction.js";
import { sliced, type Layout } from "../program/layout.js";
import { denseOutput, strided, type ProgramBuilder } from "../program/program-builder.js";
import { fill } from "./movement.js";

interface Geometry {
  readonly stride: readonly number[];
  readonly pads: readonly (readonly [number, number])[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/** One-dimensional planes are planes of height 1. */
function sizesOf(x: Shape, w: Shape, y: Shape, geometry: Geometry): ConvolutionSize {
  const flat = x.length === 3;
  const pair = (values: readonly number[], first: number): [number, number] =>
    flat ? [first, values[0]!] : [values[0]!, values[1]!];
  const [height, width] = pair(x.slice(2), 1);
  const [kernelHeight, kernelWidth] = pair(w.slice(2), 1);
  const [strideY, strideX] = pair(geometry.stride, 1);
  const [dilationY, dilationX] = pair(geometry.dilation, 1);
  const [padTop, padLeft] = pair(
    geometry.pads.map(([before]) => before),
    0,
  );
  const [outHeight, outWidth] = pair(y.slice(2), 1);
  return {
    ...{ images: x[0]!, channels: x[1]!, height, width, filters: w[0]!, kernelHeight, kernelWidth },
    ...{
      strideY,
      strideX,
      dilationY,
      dilationX,
      padTop,
      padLeft,
      groups: geometry.groups,
      outHeight,
      outWidth,
    },
  };
}

export function hasKernel(node: GraphNode): boolean {
  const { dtype, shape } = node.outputs[0]!;
  return dtype === "float32" && shape.length <= 4;
}

interface KernelCall {
  readonly x: Operand;
  readonly w: Operand;
  readonly y: Operand;
  readonly bias?: Operand;
  readonly sizes: ConvolutionSize;
  /** Whether negative results become 0. */
  readonly relu?: boolean;
}

function call(
  face: ConvolutionFace,
  { sizes, relu = false, ...places }: KernelCall,
  builder: ProgramBuilder,
): void {
  const { kernels, needs, encode } = planConvolution(face, sizes);
  const operands = encode<Operand>({
    bias: 0,
    ...places,
    packed: { buffer: builder.buffer(Math.max(16, needs.packed)) },
    scratch: { buffer: builder.buffer(needs.scratch * builder.workers) },
    scratchBytes: needs.scratch,
    relu: relu ? 1 : 0,
  });
  for (const kernel of kernels) builder.kernel(kernel, operands);
}

export function encodeConv(node: GraphNode, builder: ProgramBuilder): void {
  const [x, w, bias] = node.inputs as [Value, Value, Value | undefined];
  const geometry = node.attributes as Geometry;
  const y = builder.result({ node, index: 0 });
  if (shapeSize(y.shape) === 0) return;
  if (hasKernel(node) && shapeSize(specOf(w).shape) > 0) {
    const sizes = sizesOf(specOf(x).shape, specOf(w).shape, y.shape, geometry);
    const operands = {
      x: { buffer: builder.dense(x) },
      w: { buffer: builder.dense(w) },
      y: { buffer: y.buffer },
    };
    const withBias = bias === undefined ? operands : { ...operands, bias: { buffer: builder.dense(bias) } };
    call("conv", { ...withBias, sizes, relu: builder.rectifies(node) }, builder);
    return;
  }
  const { dtype } = node.outputs[0]!;
  const padded = paddedInput(x, geometry, builder);
  const target = bias === undefined ? y : builder.scratch(y.shape, dtype);
  emitConvSums({ x: padded, w: builder.layoutOf(w), y: target }, { geometry, dtype, sumsTo: "y" }, builder);
  if (bias !== undefined) {
    const channels = builder.layoutOf(bias);
    builder.loop({
      shape: y.shape,
      inputs: [
        strided(target, dtype),
        {
          ...strided(channels, dtype),
          strides: y.shape.map((_, axis) => (axis === 1 ? channels.strides[0]! : 0)),
        },
      ],
      steps: [{ op: "add", arguments: [0, 1], dtype }],
      outputs: [{ ...denseOutput(y, dtype), value: 2 }],
    });
  }
}

export function encodeConvFilterGrad(node: GraphNode, builder: ProgramBuilder): void {
  const [x, g] = node.inputs as [Value, Value];
  const geometry = node.attributes as Geometry;
  const w = builder.result({ node, index: 0 });
  if (shapeSize(w.shape) === 0) return;
  const isEmpty = shapeSize(specOf(g).shape) === 0;
  if (hasKernel(node) && !isEmpty) {
    const sizes = sizesOf(specOf(x).shape, w.shape, specOf(g).shape, geometry);
    const operands = {
      x: { buffer: builder.dense(x) },
      w: { buffer: w.buffer },
      y: { buffer: builder.dense(g) },
    };
    call("convFilterGrad", { ...operands, sizes }, builder);
    return;
  }
  const parts = { x: paddedInput(x, geometry, builder), w, y: builder.layoutOf(g) };
  emitConvSums(parts, { geometry, dtype: node.outputs[0]!.dtype, sumsTo: "w" }, builder);
}

export function encodeConvInputGrad(node: GraphNode, builder: ProgramBuilder): void {
  const [g, w] = node.inputs as [Value, Value];
  const geometry = node.attributes as Geometry;
  const x = builder.result({ node, index: 0 });
  const { dtype } = node.outputs[0]!;
  if (shapeSize(x.shape) === 0) return;
  if (hasKernel(node) && shapeSize(specOf(w).shape) > 0 && shapeSize(specOf(g).shape) > 0) {
    const sizes = sizesOf(x.shape, specOf(w).shape, specOf(g).shape, geometry);
    const operands = {
      x: { buffer: x.buffer },
      w: { buffer: builder.dense(w) },
      y: { buffer: builder.dense(g) },
    };
    call("convInputGrad", { ...operands, sizes }, builder);
    return;
  }
  // The transpose is a convolution with turned kernels over the gradient, spread by the stride and padded.
  const { stride, pads, dilation, groups } = geometry;
  const kernel = specOf(w).shape.slice(2);
  const from = specOf(g).shape;
  const reach = kernel.map((k, i) => (k - 1) * dilation[i]!);
  const spread = builder.scratch(
    [...from.slice(0, 2), ...x.shape.slice(2).map((n, i) => n + reach[i]!)],
    dtype,
  );
  fill({ to: spread, value: 0 }, builder, dtype);
  // Element q of the gradient lands at reach − pad + q · stride; what would land outside has met padding only.
  const first = reach.map((r, i) => r - pads[i]![0]);
  const begin = first.map((at, i) => (at >= 0 ? 0 : Math.ceil(-at / stride[i]!)));
  const end = first.map((at, i) =>
    Math.min(from[i + 2]!, Math.floor((spread.shape[i + 2]! - 1 - at) / stride[i]!) + 1),
  );
  const count = end.map((last, i) => Math.max(0, last - begin[i]!));
  const source = sliced(builder.layoutOf(g), {
    start: [0, 0, ...begin],
    step: from.map(() => 1),
    shape: [...from.slice(0, 2), ...count],
  });
  const target = sliced(spread, {
    start: [0, 0, ...first.map((at, i) => at + begin[i]! * stride[i]!)],
    step: [1, 1, ...stride],
    shape: source.shape,
  });
  builder.copy({ from: source, to: target, dtype });
  const weights = builder.layoutOf(w);
  const turned: Layout = {
    ...weights,
    strides: weights.strides.map((step, axis) => (axis < 2 ? step : -step)),
    offset: weights.offset + kernel.reduce((sum, k, i) => sum + (k - 1) * weights.strides[i + 2]!, 0),
  };
  emitTransposedSums({ g: spread, w: turned, x }, { dilation, groups, dtype }, builder);
}

interface Layouts {
  readonly geometry: Geometry;
  readonly dtype: GraphNode["outputs"][number]["dtype"];
}

/** The input with its zeros around it. */
function paddedInput(x: Value, { pads }: Geometry, builder: ProgramBuilder): Layout {
  const { dtype, shape } = specOf(x);
  if (pads.every(([before, after]) => before === 0 && after === 0)) return builder.layoutOf(x);
  const to = shape.map((n, axis) => (axis < 2 ? n : n + pads[axis - 2]![0] + pads[axis - 2]![1]));
  const padded = builder.scratch(to, dtype);
  fill({ to: padded, value: 0 }, builder, dtype);
  const start = shape.map((_, axis) => (axis < 2 ? 0 : pads[axis - 2]![0]));
  builder.copy({
    from: builder.layoutOf(x),
    to: sliced(padded, { start, step: shape.map(() => 1), shape }),
    dtype,
  });
  return padded;
}

/**
 * Sums x · w into y, or x · y into w, over the axes [image, group, filter, channel, window…, kernel…]; every array has
 * a stride along each of them.
 */
function emitConvSums(
  { x, w, y }: { x: Layout; w: Layout; y: Layout },
  { geometry, dtype, sumsTo }: Layouts & { sumsTo: "y" | "w" },
  builder: ProgramBuilder,
): void {
  const { stride, dilation, groups } = geometry;
  const rank = stride.length;
  const [filters, channels] = [w.shape[0]! / groups, w.shape[1]!];
  const extents = [x.shape[0]!, groups, filters, channels, ...y.shape.slice(2), ...w.shape.slice(2)];
  const none = stride.map(() => 0);
  const xStrides = [
    ...[x.strides[0]!, x.strides[1]! * channels, 0, x.strides[1]!],
    ...stride.map((s, i) => s * x.strides[i + 2]!),
    ...dilation.map((d, i) => d * x.strides[i + 2]!),
  ];
  const wStrides = [0, w.strides[0]! * filters, w.strides[0]!, w.strides[1]!, ...none, ...w.strides.slice(2)];
  const yStrides = [y.strides[0]!, y.strides[1]! * filters, y.strides[1]!, 0, ...y.strides.slice(2), ...none];
  const windows = none.map((_, i) => 4 + i);
  const taps = none.map((_, i) => 4 + rank + i);
  const [kept, reduced] =
    sumsTo === "y"
      ? [
          [0, 1, 2, ...windows],
          [3, ...taps],
        ]
      : [
          [1, 2, 3, ...taps],
          [0, ...windows],
        ];
  const [other, otherStrides, target, targetStrides] =
    sumsTo === "y" ? [w, wStrides, y, yStrides] : [y, yStrides, w, wStrides];
  const pick = (strides: readonly number[], axes: readonly number[]): number[] =>
    axes.map((axis) => strides[axis]!);
  builder.reduction({
    kept: pick(extents, kept),
    reduced: pick(extents, reduced),
    inputs: [
      { ...strided(x, dtype), strides: pick(xStrides, [...kept, ...reduced]) },
      { ...strided(other, dtype), strides: pick(otherStrides, [...kept, ...reduced]) },
    ],
    steps: [{ op: "mul", arguments: [0, 1], dtype }],
    results: [{ ...strided(target, dtype), strides: pick(targetStrides, kept), op: "sum", value: 2 }],
  });
}

/** x = Σ over filters and taps of the spread gradient · turned kernels. */
function emitTransposedSums(
  { g, w, x }: { g: Layout; w: Layout; x: Layout },
  { dilation, groups, dtype }: { dilation: readonly number[]; groups: number; dtype: Layouts["dtype"] },
  builder: ProgramBuilder,
): void {
  const [filters, channels] = [w.shape[0]! / groups, w.shape[1]!];
  const none = dilation.map(() => 0);
  const steps = dilation.map((d, i) => d * g.strides[i + 2]!);
  builder.reduction({
    kept: [x.shape[0]!, groups, channels, ...x.shape.slice(2)],
    reduced: [filters, ...w.shape.slice(2)],
    inputs: [
      {
        ...strided(g, dtype),
        strides: [g.strides[0]!, g.strides[1]! * filters, 0, ...g.strides.slice(2), g.strides[1]!, ...steps],
      },
      {
        ...strided(w, dtype),
        strides: [0, w.strides[0]! * filters, w.strides[1]!, ...none, w.strides[0]!, ...w.strides.slice(2)],
      },
    ],
    steps: [{ op: "mul", arguments: [0, 1], dtype }],
    results: [
      {
        ...strided(x, dtype),
        strides: [x.strides[0]!, x.strides[1]! * channels, x.strides[1]!, ...x.strides.slice(2)],
        op: "sum",
        value: 2,
      },
    ],
  });
}
