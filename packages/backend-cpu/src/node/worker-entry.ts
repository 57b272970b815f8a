// What a worker thread of Node runs; scripts/build-worker.mjs makes one file of it.
import { parentPort } from "node:worker_threads";
import { workerMain } from "../runtime/worker-main.js";
import type { ToWorker } from "../runtime/worker-messages.js";

const port = parentPort!;
port.on("message", workerMain((message) => port.postMessage(message)) as (message: ToWorker) => void);
