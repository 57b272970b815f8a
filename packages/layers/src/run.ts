// Calls of modules that are only known to be modules.
import { describeOperation, ModuleError, Tensor, type Context, type Module } from "@convoke/core";
import type { AnyModule } from "./kind.js";

/**
 * The output of a part of a model for one tensor.
 *
 * @throws ModuleError when the part gives no tensor.
 */
export function run(part: AnyModule, x: Tensor, context: Context): Tensor {
  const y = (part as Module<never, unknown>).forward(x as never, context);
  if (y instanceof Tensor) return y;
  throw new ModuleError({
    operation: describeOperation("forward"),
    problem: "a part of it gives no tensor.",
    wayOut: "Parts of sequential, residual, parallel and denseBlock take one tensor and give one.",
  });
}
