// What a worker of a page runs; scripts/build-worker.mjs makes one file of it.
import { workerMain } from "../runtime/worker-main.js";
import type { ToWorker } from "../runtime/worker-messages.js";

const receive = workerMain((message) => postMessage(message));
addEventListener("message", ({ data }: MessageEvent<ToWorker>) => receive(data));
