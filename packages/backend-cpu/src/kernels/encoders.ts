// How each op that is neither element-wise nor a reduction becomes instructions.
import { specOf, type GraphNode } from "@convoke/core";
import { shapeSize } from "@convoke/shape";
import type { ProgramBuilder } from "../program/program-builder.js";
import { encodeConv, encodeConvFilterGrad, encodeConvInputGrad, hasKernel } from "./convolution.js";
import { indexingEncoders } from "./indexing.js";
import { encodeLinear, encodeMatmul } from "./matmul.js";
import { encodeAvgPool, encodeAvgPoolGrad, encodeMaxPool, encodePlaneMap } from "./pooling.js";

export type Encoder = (node: GraphNode, builder: ProgramBuilder) => void;

export const encoders: Readonly<Record<string, Encoder>> = {
  ...indexingEncoders,
  matmul: encodeMatmul,
  linear: encodeLinear,
  conv: encodeConv,
  convInputGrad: encodeConvInputGrad,
  convFilterGrad: encodeConvFilterGrad,
  maxPool: encodeMaxPool,
  avgPool: encodeAvgPool,
  avgPoolGrad: encodeAvgPoolGrad,
  scatterToPlane: encodePlaneMap,
  gatherFromPlane: encodePlaneMap,
};

/** Whether the kernel of a node can apply ReLU to what it stores. */
export function canRectify(node: GraphNode): boolean {
  const { name } = node.op;
  if (!["conv", "linear", "matmul"].includes(name) || node.outputs[0]!.dtype !== "float32") return false;
  // Sums over nothing take another way.
  return shapeSize(specOf(node.inputs[1]!).shape) > 0 && (name !== "conv" || hasKernel(node));
}
