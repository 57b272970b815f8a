// Which backend runs what has no backend yet.
import { BackendError } from "../errors.js";
import type { Backend } from "./backend.js";
import { registerCopy } from "../execution/copies.js";
import { reference } from "./reference.js";

let current: Backend | undefined;

/**
 * Makes `backend` the one on which new tensors are computed. Values that already live on a device stay there.
 *
 * @throws BackendError when it is no backend: a promise of one, or the function that makes it.
 * @example
 * ```ts
 * import { reference, tensor, useBackend } from "@convoke/core";
 *
 * await useBackend(reference());
 * console.log(await tensor([1, 2]).sum().item()); // 3
 * ```
 */
export function useBackend(backend: Backend): Promise<void> {
  registerCopy();
  assertBackend("useBackend", backend);
  current = backend;
  return Promise.resolve();
}

/** The backend set by `useBackend`, or the reference backend. */
export function defaultBackend(): Backend {
  registerCopy();
  return (current ??= reference());
}

/** Throws unless `given` is a backend; it may come from code without types. */
export function assertBackend(operation: string, given: unknown): void {
  if (typeof given === "object" && given !== null && "compile" in given && "memory" in given) return;
  const what =
    given instanceof Promise ? "a promise" : typeof given === "function" ? "a function" : String(given);
  throw new BackendError({
    operation,
    problem: `got ${what}, but it takes a backend.`,
    wayOut:
      "Call and await what makes it, for instance await useBackend(await cpu()), or useBackend(reference()).",
  });
}
