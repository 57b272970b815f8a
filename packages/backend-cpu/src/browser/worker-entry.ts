// What a worker of a page runs; scripts/build-worker.mjs makes one file of it.
import { workerMain } from "../runtime/worker-main.js";
import type { FromWorker, ToWorker } from "../runtime/worker-messages.js";

interface WorkerScope {
  postMessage(message: FromWorker): void;
  onmessage: ((event: { readonly data: ToWorker }) => void) | null;
}

const scope = globalThis as unknown as WorkerScope;
const receive = workerMain((message) => scope.postMessage(message));
scope.onmessage = ({ data }) => receive(data);
