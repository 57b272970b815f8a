// The body of a worker, whatever kind of worker it is.
import { Thread } from "./thread.js";
import type { FromWorker, ToWorker } from "./worker-messages.js";

/** Answers messages: gives the function that takes them. Every worker says when its part of a run is done. */
export function workerMain(send: (message: FromWorker) => void): (message: ToWorker) => void {
  let thread: Thread | undefined;
  return (message) => {
    try {
      switch (message.kind) {
        case "start":
          thread = new Thread(message.setup);
          send({ kind: "ready" });
          return;
        case "load":
          thread?.load(message.loops);
          return;
        case "unload":
          thread?.unload(message.loops);
          return;
        case "run":
          thread?.run(message.program);
          send({ kind: "done" });
      }
    } catch (error) {
      send({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    }
  };
}
