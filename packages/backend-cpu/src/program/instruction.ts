// The kernels of this backend as instructions of a plan.
import type { KernelCall, ProgramPlan } from "@convoke/core/planning";

/** A kernel by its name in the WebAssembly module. */
export interface KernelInstruction extends KernelCall {
  readonly kernel: string;
}

export type CpuPlan = ProgramPlan<KernelInstruction>;
