// How each op that is neither element-wise nor a reduction becomes instructions.
import type { GraphNode } from "@convoke/core";
import type { ProgramBuilder } from "../program/program-builder.js";
import { movementEncoders } from "./movement.js";

export type Encoder = (node: GraphNode, builder: ProgramBuilder) => void;

export const encoders: Readonly<Record<string, Encoder>> = { ...movementEncoders };

/** Ops whose kernels exist for float32 only. */
export const floatOnly: ReadonlySet<string> = new Set([
  "conv", "convInputGrad", "convFilterGrad", "maxPool", "avgPool", "avgPoolGrad", "scatterToPlane", "gatherFromPlane",
]);
