// Workers and processors of a browser.
import { workerCode } from "../generated/worker-browser.js";
import type { PlatformWorker } from "../runtime/worker-crew.js";
import type { FromWorker } from "../runtime/worker-messages.js";

export function processorCount(): number {
  return navigator.hardwareConcurrency;
}

/** Browsers have what they have. */
export function prepareEngine(): void {}

/** A page's content security policy may forbid workers from blobs: then this throws, or the worker fails at once. */
export function spawnWorker(): PlatformWorker {
  const url = URL.createObjectURL(new Blob([workerCode], { type: "text/javascript" }));
  const worker = new Worker(url);
  return {
    send: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    onMessage: (listener) =>
      worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => listener(data)),
    onDeath: (listener) =>
      // A worker that the page's policy forbids fails by an event without a message.
      worker.addEventListener("error", ({ message }) =>
        listener(message || "the page allows no worker from a blob"),
      ),
    hold: () => undefined,
    terminate: () => {
      worker.terminate();
      URL.revokeObjectURL(url);
      return Promise.resolve();
    },
  };
}
