// Which backend runs what has no backend yet.
import type { Backend } from "./backend.js";
import { registerCopy } from "../execution/copies.js";
import { reference } from "./reference.js";

let current: Backend | undefined;

/**
 * Makes `backend` the one on which new tensors are computed. Values that already live on a device stay there.
 *
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
  current = backend;
  return Promise.resolve();
}

/** The backend set by `useBackend`, or the reference backend. */
export function defaultBackend(): Backend {
  registerCopy();
  return (current ??= reference());
}
