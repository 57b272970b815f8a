// Convolution and its gradients as sums in generated loops: every element type and number of axes, no speed.
import { accumulatorOf, type DType } from "../dtype.js";
import { specOf, type GraphNode, type Value } from "../graph/node.js";
import { sliced, type Layout } from "./layout.js";
import { fill } from "./movement.js";
import { denseOutput, strided, type PlanBuilder } from "./plan-builder.js";

/** The windows of a convolution, as the ops' attributes have them. */
export interface Geometry {
  readonly stride: readonly number[];
  readonly pads: readonly (readonly [number, number])[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/** y = x ⋆ w, plus the bias; the result of the node is not empty. */
export function emitConv(node: GraphNode, y: Layout, builder: PlanBuilder): void {
  const [x, w, bias] = node.inputs as [Value, Value, Value | undefined];
  const geometry = node.attributes as Geometry;
  const { dtype } = node.outputs[0]!;
  const padded = paddedInput(x, geometry, builder);
  const wide = accumulatorOf(dtype);
  const sums = bias === undefined ? dtype : wide;
  const target = bias === undefined ? y : builder.scratch(y.shape, wide);
  const parts = { x: padded, w: builder.layoutOf(w), y: target };
  emitConvSums(parts, { geometry, dtype, sums, sumsTo: "y" }, builder);
  if (bias !== undefined) {
    const channels = builder.layoutOf(bias);
    builder.loop({
      shape: y.shape,
      inputs: [
        strided(target, wide),
        {
          ...strided(channels, dtype),
          strides: y.shape.map((_, axis) => (axis === 1 ? channels.strides[0]! : 0)),
        },
      ],
      steps: [{ op: "add", arguments: [0, 1], dtype: wide }],
      outputs: [{ ...denseOutput(y, dtype), value: 2 }],
    });
  }
}

/** w = Σ x · g over images and windows. */
export function emitConvFilterGrad(node: GraphNode, w: Layout, builder: PlanBuilder): void {
  const [x, g] = node.inputs as [Value, Value];
  const geometry = node.attributes as Geometry;
  const parts = { x: paddedInput(x, geometry, builder), w, y: builder.layoutOf(g) };
  const { dtype } = node.outputs[0]!;
  emitConvSums(parts, { geometry, dtype, sums: dtype, sumsTo: "w" }, builder);
}

/** x = Σ g · w over filters and windows. */
export function emitConvInputGrad(node: GraphNode, x: Layout, builder: PlanBuilder): void {
  const [g, w] = node.inputs as [Value, Value];
  const { dtype } = node.outputs[0]!;
  // The transpose is a convolution with turned kernels over the gradient, spread by the stride and padded.
  const { stride, pads, dilation, groups } = node.attributes as Geometry;
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
  /** The element type of the operands, and that of the sums. */
  readonly dtype: DType;
  readonly sums: DType;
}

/** The input with its zeros around it. */
function paddedInput(x: Value, { pads }: Geometry, builder: PlanBuilder): Layout {
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
  { geometry, dtype, sums, sumsTo }: Layouts & { sumsTo: "y" | "w" },
  builder: PlanBuilder,
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
    steps: [{ op: "mul", arguments: [0, 1], dtype: accumulatorOf(dtype) }],
    results: [{ ...strided(target, sums), strides: pick(targetStrides, kept), op: "sum", value: 2 }],
  });
}

/** x = Σ over filters and taps of the spread gradient · turned kernels. */
function emitTransposedSums(
  { g, w, x }: { g: Layout; w: Layout; x: Layout },
  { dilation, groups, dtype }: { dilation: readonly number[]; groups: number; dtype: DType },
  builder: PlanBuilder,
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
    steps: [{ op: "mul", arguments: [0, 1], dtype: accumulatorOf(dtype) }],
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
