// The plan builder, with what this backend's kernels need.
import type { Graph, GraphNode } from "@convoke/core";
import { PlanBuilder, type Operand } from "@convoke/core/planning";
import type { KernelInstruction } from "./instruction.js";

export class ProgramBuilder extends PlanBuilder<KernelInstruction> {
  /** How many workers run the program: kernels take scratch for each. */
  readonly workers: number;

  constructor(graph: Graph, options: { workers: number; rectified: ReadonlySet<GraphNode> }) {
    super(graph, { rectified: options.rectified });
    this.workers = options.workers;
  }

  kernel(kernel: string, operands: readonly Operand[]): void {
    this.call({ kind: "kernel", kernel, operands });
  }
}
