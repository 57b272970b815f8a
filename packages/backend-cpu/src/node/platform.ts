// Workers and processors of Node. `v8` and `worker_threads` are not imported: they bring Node's streams with them, a tenth
// of what importing the package takes. They are loaded when a backend is made.
import { availableParallelism } from "node:os";
import { workerCode } from "../generated/worker-node.js";
import type { PlatformWorker } from "../runtime/worker-crew.js";
import type { FromWorker } from "../runtime/worker-messages.js";

export function processorCount(): number {
  return availableParallelism();
}

/** Node 20 has relaxed SIMD behind a flag that can be set until a module is compiled; later versions know no such flag. */
export function prepareEngine(): void {
  if (Number.parseInt(process.versions.node, 10) > 20) return;
  process.getBuiltinModule("node:v8").setFlagsFromString("--experimental-wasm-relaxed-simd");
}

export function spawnWorker(): PlatformWorker {
  const { Worker } = process.getBuiltinModule("node:worker_threads");
  const worker = new Worker(workerCode, { eval: true });
  let isAskedToEnd = false;
  return {
    send: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    onMessage: (listener) => worker.on("message", (message: FromWorker) => listener(message)),
    onDeath: (listener) => {
      worker.on("error", (error: unknown) =>
        listener(error instanceof Error ? error.message : String(error)),
      );
      worker.on("exit", (code) => {
        if (!isAskedToEnd) listener(`it ended with code ${code}`);
      });
    },
    hold: (isHeld) => {
      // One that is ending holds the process until it has: somebody awaits that.
      if (isAskedToEnd) return;
      if (isHeld) worker.ref();
      else worker.unref();
    },
    terminate: async () => {
      isAskedToEnd = true;
      worker.ref();
      await worker.terminate();
    },
  };
}
