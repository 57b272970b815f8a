// The reference backend: every primitive's own definition, slow and obvious, accumulating in float64. The oracle.
import { opTable } from "../op-table.js";
import type { Kernel, OpDefinition } from "../ops/definition.js";
import type { Backend } from "./backend.js";
import { kernelBackend } from "./kernel-backend.js";

/**
 * The backend that defines what every op means. Use it to check others, and where speed does not matter.
 *
 * @example
 * ```ts
 * import { reference, useBackend } from "@convoke/core";
 *
 * await useBackend(reference({ memoryLimit: 2 ** 30 }));
 * ```
 */
export function reference(options: { memoryLimit?: number } = {}): Backend {
  const kernels: Record<string, Kernel> = {};
  const ops: readonly OpDefinition[] = Object.values(opTable);
  for (const op of ops) {
    if (op.kind === "primitive") kernels[op.name] = op.reference;
  }
  return kernelBackend({ name: "reference", kernels, ...options });
}
