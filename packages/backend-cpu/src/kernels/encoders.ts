// How each op that is neither element-wise nor a reduction becomes instructions.
import type { GraphNode } from "@convoke/core";
import type { ProgramBuilder } from "../program/program-builder.js";
import { encodeConv, encodeConvFilterGrad, encodeConvInputGrad } from "./convolution.js";
import { indexingEncoders } from "./indexing.js";
import { encodeLinear, encodeMatmul } from "./matmul.js";
import { movementEncoders } from "./movement.js";
import { encodeAvgPool, encodeAvgPoolGrad, encodeMaxPool, encodePlaneMap } from "./pooling.js";

export type Encoder = (node: GraphNode, builder: ProgramBuilder) => void;

export const encoders: Readonly<Record<string, Encoder>> = {
  ...movementEncoders,
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

/** Ops whose kernels exist for float32 in one and two dimensions only. */
export const planesOnly: ReadonlySet<string> = new Set([
  "maxPool",
  "avgPool",
  "avgPoolGrad",
  "scatterToPlane",
  "gatherFromPlane",
]);
