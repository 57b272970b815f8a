// Pooling over planes, and the ops that spread and collect by the positions of maxima.
import { specOf, type GraphNode, type Value } from "@convoke/core";
import type { Operand } from "@convoke/core/planning";
import { shapeSize } from "@convoke/shape";
import { encodeOperands } from "../operand-layouts.js";
import type { ProgramBuilder } from "../program/program-builder.js";
import {
  avgPoolByTaps,
  avgPoolGradByTaps,
  maxPoolByTaps,
  planeMapByRows,
  type PoolAttributes,
} from "./pooling-by-taps.js";

/** Whether the kernels cover a node: float32 in one or two dimensions. The others go tap by tap. */
function isOfPlanes(node: GraphNode): boolean {
  const { dtype, shape } = specOf(node.inputs[0]!);
  return dtype === "float32" && shape.length <= 4;
}

function poolOperands(
  spatial: readonly number[],
  attributes: PoolAttributes,
  arrays: { x: Operand; y: Operand; indices: Operand; planes: number },
): Operand[] {
  const pair = (values: readonly number[], first: number): [number, number] =>
    values.length === 1 ? [first, values[0]!] : [values[0]!, values[1]!];
  const [height, width] = pair(spatial, 1);
  const [outHeight, outWidth] = pair(attributes.output, 1);
  const [kernelHeight, kernelWidth] = pair(attributes.size, 1);
  const [strideY, strideX] = pair(attributes.stride, 1);
  const [dilationY, dilationX] = pair(attributes.dilation, 1);
  const [padTop, padLeft] = pair(
    attributes.pads.map(([before]) => before),
    0,
  );
  const [padBottom, padRight] = pair(
    attributes.pads.map(([, after]) => after),
    0,
  );
  return encodeOperands<"maxPool", Operand>("maxPool", {
    ...arrays,
    ...{
      height,
      width,
      outHeight,
      outWidth,
      kernelHeight,
      kernelWidth,
      strideY,
      strideX,
      dilationY,
      dilationX,
    },
    ...{ padTop, padLeft, padBottom, padRight, countIncludePad: attributes.countIncludePad === true ? 1 : 0 },
  });
}

function planesOf(value: Value): number {
  return shapeSize(specOf(value).shape.slice(0, 2));
}

export function encodeMaxPool(node: GraphNode, builder: ProgramBuilder): void {
  if (!isOfPlanes(node)) return maxPoolByTaps(node, builder);
  const x = node.inputs[0]!;
  const [values, indices] = [0, 1].map((index) => builder.result({ node, index }));
  if (shapeSize(values!.shape) === 0) return;
  const arrays = {
    x: { buffer: builder.dense(x) },
    y: { buffer: values!.buffer },
    indices: { buffer: indices!.buffer },
    planes: planesOf(x),
  };
  builder.kernel(
    "maxPool",
    poolOperands(specOf(x).shape.slice(2), node.attributes as PoolAttributes, arrays),
  );
}

export function encodeAvgPool(node: GraphNode, builder: ProgramBuilder): void {
  if (!isOfPlanes(node)) return avgPoolByTaps(node, builder);
  const x = node.inputs[0]!;
  const y = builder.result({ node, index: 0 });
  if (shapeSize(y.shape) === 0) return;
  const arrays = {
    x: { buffer: builder.dense(x) },
    y: { buffer: y.buffer },
    indices: 0,
    planes: planesOf(x),
  };
  builder.kernel(
    "avgPool",
    poolOperands(specOf(x).shape.slice(2), node.attributes as PoolAttributes, arrays),
  );
}

export function encodeAvgPoolGrad(node: GraphNode, builder: ProgramBuilder): void {
  if (!isOfPlanes(node)) return avgPoolGradByTaps(node, builder);
  const g = node.inputs[0]!;
  const x = builder.result({ node, index: 0 });
  if (shapeSize(x.shape) === 0) return;
  const arrays = {
    x: { buffer: x.buffer },
    y: { buffer: builder.dense(g) },
    indices: 0,
    planes: planesOf(g),
  };
  builder.kernel("avgPoolGrad", poolOperands(x.shape.slice(2), node.attributes as PoolAttributes, arrays));
}

/** scatterToPlane and gatherFromPlane. */
export function encodePlaneMap(node: GraphNode, builder: ProgramBuilder): void {
  if (specOf(node.inputs[0]!).dtype !== "float32") return planeMapByRows(node, builder);
  const [from, indices] = node.inputs as [Value, Value];
  const to = builder.result({ node, index: 0 });
  if (shapeSize(to.shape) === 0) return;
  const operands = encodeOperands<"scatterToPlane", Operand>("scatterToPlane", {
    from: { buffer: builder.dense(from) },
    indices: { buffer: builder.dense(indices) },
    to: { buffer: to.buffer },
    planes: planesOf(from),
    fromPlane: shapeSize(specOf(from).shape.slice(2)),
    toPlane: shapeSize(to.shape.slice(2)),
  });
  builder.kernel(node.op.name, operands);
}
