// Movement: what only changes strides costs nothing; the rest are copies.
import { specOf, type GraphNode } from "../graph/node.js";
import { denseStrides, permuted, reshaped, sliced, broadcastLayout, type Layout } from "./layout.js";
import { stridedOver, type PlanBuilder, type Strided } from "./plan-builder.js";

interface Walk {
  readonly start: readonly number[];
  readonly step: readonly number[];
}

type Encoder = (node: GraphNode, builder: PlanBuilder) => void;

/** The part of `layout` that holds `inner`, beginning at `start`. */
function within(layout: Layout, start: readonly number[], shape: readonly number[]): Layout {
  return sliced(layout, { start, step: shape.map(() => 1), shape });
}

/** A loop that fills `to` with one element. */
export function fill(
  parts: { to: Layout; value: Strided | number },
  builder: PlanBuilder,
  dtype: Strided["dtype"],
): void {
  const { to, value } = parts;
  const output = { buffer: to.buffer, dtype, strides: to.strides, offset: to.offset, value: 0 };
  if (typeof value === "number") {
    const steps = [{ op: "constant", arguments: [], dtype, value }];
    builder.loop({ shape: to.shape, inputs: [], steps, outputs: [output] });
  } else {
    builder.loop({ shape: to.shape, inputs: [value], steps: [], outputs: [output] });
  }
}

export const movementEncoders: Readonly<Record<string, Encoder>> = {
  reshape: (node, builder) => {
    const [input] = node.inputs;
    const { shape } = node.outputs[0]!;
    const layout = reshaped(builder.layoutOf(input!), shape) ?? {
      buffer: builder.dense(input!),
      shape,
      strides: denseStrides(shape),
      offset: 0,
    };
    builder.define({ node, index: 0 }, layout);
  },
  permute: (node, builder) => {
    const { axes } = node.attributes as { readonly axes: readonly number[] };
    builder.define({ node, index: 0 }, permuted(builder.layoutOf(node.inputs[0]!), axes));
  },
  broadcastTo: (node, builder) => {
    const layout = broadcastLayout(builder.layoutOf(node.inputs[0]!), node.outputs[0]!.shape);
    builder.define({ node, index: 0 }, layout);
  },
  slice: (node, builder) => {
    const { start, step } = node.attributes as Walk;
    const { shape } = node.outputs[0]!;
    builder.define({ node, index: 0 }, sliced(builder.layoutOf(node.inputs[0]!), { start, step, shape }));
  },
  place: (node, builder) => {
    const [input] = node.inputs;
    const { dtype, shape } = specOf(input!);
    const { start, step } = node.attributes as Walk;
    const result = builder.result({ node, index: 0 });
    fill({ to: result, value: 0 }, builder, dtype);
    builder.copy({ from: builder.layoutOf(input!), to: sliced(result, { start, step, shape }), dtype });
  },
  pad: (node, builder) => {
    const [input, value] = node.inputs;
    const { dtype, shape } = specOf(input!);
    const { pads } = node.attributes as { readonly pads: readonly (readonly [number, number])[] };
    const result = builder.result({ node, index: 0 });
    fill({ to: result, value: stridedOver(builder.layoutOf(value!), result.shape, dtype) }, builder, dtype);
    const to = within(
      result,
      pads.map(([before]) => before),
      shape,
    );
    builder.copy({ from: builder.layoutOf(input!), to, dtype });
  },
  concat: (node, builder) => {
    const { axis } = node.attributes as { readonly axis: number };
    const result = builder.result({ node, index: 0 });
    let position = 0;
    for (const input of node.inputs) {
      const { dtype, shape } = specOf(input);
      const start = shape.map((_, i) => (i === axis ? position : 0));
      builder.copy({ from: builder.layoutOf(input), to: within(result, start, shape), dtype });
      position += shape[axis]!;
    }
  },
};
