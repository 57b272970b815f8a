// Convolution and its gradients: float32 in one and two dimensions through kernels, the rest as sums in a loop.
import { specOf, type GraphNode, type Value } from "@convoke/core";
import {
  emitConv,
  emitConvFilterGrad,
  emitConvInputGrad,
  type Geometry,
  type Operand,
} from "@convoke/core/planning";
import { shapeSize, type Shape } from "@convoke/shape";
import { planConvolution, type ConvolutionFace } from "../convolution-plan.js";
import type { ConvolutionSize } from "../operand-layouts.js";
import type { ProgramBuilder } from "../program/program-builder.js";

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
  emitConv(node, y, builder);
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
  emitConvFilterGrad(node, w, builder);
}

export function encodeConvInputGrad(node: GraphNode, builder: ProgramBuilder): void {
  const [g, w] = node.inputs as [Value, Value];
  const geometry = node.attributes as Geometry;
  const x = builder.result({ node, index: 0 });
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
  emitConvInputGrad(node, x, builder);
}
