// What is said between the calling thread and a worker.
import type { LoadedLoops, ThreadSetup } from "./thread.js";

export type ToWorker =
  | { readonly kind: "start"; readonly setup: ThreadSetup }
  | { readonly kind: "load"; readonly loops: LoadedLoops }
  | { readonly kind: "unload"; readonly loops: Pick<LoadedLoops, "base" | "count"> }
  | { readonly kind: "run"; readonly program: number };

export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly message: string };
