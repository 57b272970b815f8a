// Workers and processors of a browser.
import { workerCode } from "../generated/worker-browser.js";
import type { PlatformWorker } from "../runtime/worker-crew.js";
import type { FromWorker } from "../runtime/worker-messages.js";

export function processorCount(): number {
  return navigator.hardwareConcurrency;
}

/** Browsers have what they have. */
export function prepareEngine(): void {}

/** Throws where the page's content security policy allows no worker from a blob. */
export function spawnWorker(): PlatformWorker {
  const url = URL.createObjectURL(new Blob([workerCode], { type: "text/javascript" }));
  const worker = new Worker(url);
  return {
    send: (message) => worker.postMessage(message),
    onMessage: (listener) =>
      worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => listener(data)),
    onDeath: (listener) =>
      worker.addEventListener("error", ({ message }) => listener(message || "it could not be loaded")),
    hold: () => undefined,
    terminate: () => {
      worker.terminate();
      URL.revokeObjectURL(url);
      return Promise.resolve();
    },
  };
}
