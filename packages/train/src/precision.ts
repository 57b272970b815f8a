// In which precision a model computes, and who can.
import { ConvokeError, tensor, UnsupportedOpError, type Backend, type Variable } from "@convoke/core";
import { autocast } from "@convoke/core/autocast";
import type { ForwardFunction } from "./training-step.js";

/** All in float32, or products in half precision. */
export type Precision = "float32" | "mixed";

/** `forward` in this precision. Its outputs are float32 in any case, and what is computed of them. */
export function forwardIn<Out>(
  precision: Precision,
  forward: ForwardFunction<Out>,
  variables: readonly Variable[],
): ForwardFunction<Out> {
  if (precision === "float32") return forward;
  if ((precision as string) !== "mixed") {
    throw new ConvokeError({
      operation: "precision",
      problem: `got ${JSON.stringify(precision)}, but it is "float32" or "mixed".`,
      wayOut: "Use one of them, or leave it out for float32.",
    });
  }
  const double = variables.find(({ dtype }) => dtype === "float64");
  if (double === undefined) return (fields, context) => autocast(() => forward(fields, context));
  throw new ConvokeError({
    operation: "precision",
    problem: `"${double.name}" is float64, but mixed precision is float32 with products in half precision.`,
    wayOut: "Make the model in float32, or leave precision out.",
  });
}

/** Refuses a backend without half precision before anything runs on it. */
export function assertHasHalf(backend: Backend): void {
  const answer = backend.supports(tensor(0).cast("float16").handle.node);
  if (answer === true) return;
  throw new UnsupportedOpError({
    op: 'precision "mixed"',
    backend: backend.name,
    reason: answer.reason,
    wayOut: "Leave precision out, or use a backend that has float16 (webgpu).",
  });
}
