// What is said between the calling thread and a worker.
import type { MemoryLimits } from "../memory/machine-memory.js";
import type { LoadedLoops, ThreadSetup } from "./thread.js";

/** What a worker gets to start with: the memory that it shares, or the limits of one of its own. */
export type WorkerSetup = Omit<ThreadSetup, "memory"> & {
  readonly memory: WebAssembly.Memory | MemoryLimits;
};

export type ToWorker =
  | { readonly kind: "start"; readonly setup: WorkerSetup }
  | { readonly kind: "load"; readonly loops: LoadedLoops }
  | { readonly kind: "unload"; readonly loops: Pick<LoadedLoops, "base" | "count"> }
  | { readonly kind: "run"; readonly program: number }
  /** A run has failed: asks for `stopped`, which comes when the worker has left it. */
  | { readonly kind: "stop" }
  // To a worker with a memory of its own:
  | { readonly kind: "grow"; readonly pages: number }
  | { readonly kind: "write"; readonly address: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "read"; readonly address: number; readonly length: number };

export type FromWorker =
  | { readonly kind: "ready" }
  /** The end of a run; `error` is what kernels reported, in a memory of the worker's own. */
  | { readonly kind: "done"; readonly error: number }
  | { readonly kind: "stopped" }
  /** The answer to the first `read` that has none yet. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "failed"; readonly message: string };
