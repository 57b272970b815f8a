// How each op that is neither element-wise nor a reduction nor movement becomes shaders.
import { specOf, type GraphNode } from "@convoke/core";
import { shapeSize } from "@convoke/shape";
import type { ProgramBuilder } from "../program/program-builder.js";
import { encodeConv, encodeConvFilterGrad, encodeConvInputGrad } from "./convolution.js";
import {
  encodeCumsum,
  encodeGather,
  encodeScatterAdd,
  encodeScatterAlongAxis,
  encodeTakeAlongAxis,
} from "./indexing.js";
import { encodeLinear, encodeMatmul } from "./matmul.js";
import { encodeArgReduce, encodeTopK } from "./order.js";
import {
  encodeAvgPool,
  encodeAvgPoolGrad,
  encodeGatherFromPlane,
  encodeMaxPool,
  encodeScatterToPlane,
} from "./pooling.js";
import { isProduct } from "./products.js";
import { encodeFoldIn, encodeRandomBits } from "./random.js";

type Encoder = (node: GraphNode, builder: ProgramBuilder) => void;

export const encoders: Readonly<Record<string, Encoder>> = {
  matmul: encodeMatmul,
  linear: encodeLinear,
  conv: encodeConv,
  convInputGrad: encodeConvInputGrad,
  convFilterGrad: encodeConvFilterGrad,
  maxPool: encodeMaxPool,
  avgPool: encodeAvgPool,
  avgPoolGrad: encodeAvgPoolGrad,
  scatterToPlane: encodeScatterToPlane,
  gatherFromPlane: encodeGatherFromPlane,
  gather: encodeGather,
  takeAlongAxis: encodeTakeAlongAxis,
  scatterAdd: encodeScatterAdd,
  scatterAlongAxis: encodeScatterAlongAxis,
  cumsum: encodeCumsum,
  topK: encodeTopK,
  argMax: encodeArgReduce,
  argMin: encodeArgReduce,
  randomBits: encodeRandomBits,
  foldIn: encodeFoldIn,
};

/** Whether the kernel of a node can apply ReLU to what it stores. */
export function canRectify(node: GraphNode): boolean {
  return isProduct(node) && shapeSize(specOf(node.inputs[1]!).shape) > 0;
}
