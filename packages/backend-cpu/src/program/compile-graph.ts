// Turns a graph into a plan of loops and of this backend's kernels.
import type { Graph } from "@convoke/core";
import { planProgram } from "@convoke/core/planning";
import { isElementwise } from "../kernels/elementwise.js";
import { canRectify, encoders } from "../kernels/encoders.js";
import type { CpuPlan } from "./instruction.js";
import { ProgramBuilder } from "./program-builder.js";

/** The plan of a graph of which every node is supported. */
export function compileGraph(graph: Graph, workers: number): CpuPlan {
  return planProgram(graph, {
    isElementwise,
    encoders,
    canRectify,
    builder: (of, rectified) => new ProgramBuilder(of, { workers, rectified }),
  });
}
