// The body of a worker, whatever kind of worker it is.
import { clearReport, createMemory, reportedError } from "../memory/machine-memory.js";
import { Thread } from "./thread.js";
import type { FromWorker, ToWorker } from "./worker-messages.js";

/** Answers messages: gives the function that takes them. The last worker to finish a run says that it is done. */
export function workerMain(send: (message: FromWorker) => void): (message: ToWorker) => void {
  let thread: Thread | undefined;
  /** The memory of this worker alone, where it shares none. */
  let own: WebAssembly.Memory | undefined;
  return (message) => {
    try {
      switch (message.kind) {
        case "start": {
          const { memory, ...rest } = message.setup;
          if (!(memory instanceof WebAssembly.Memory)) own = createMemory(memory);
          thread = new Thread({ ...rest, memory: memory instanceof WebAssembly.Memory ? memory : own! });
          send({ kind: "ready" });
          return;
        }
        case "load":
          thread?.load(message.loops);
          return;
        case "unload":
          thread?.unload(message.loops);
          return;
        case "run":
          if (own === undefined) {
            thread?.runOn(message.program, () => send({ kind: "done", error: 0 }));
            return;
          }
          clearReport(own);
          thread?.run(message.program);
          send({ kind: "done", error: reportedError(own) });
          return;
        case "stop":
          send({ kind: "stopped" });
          return;
        case "grow":
          own?.grow(message.pages);
          return;
        case "write":
          new Uint8Array(own!.buffer, message.address, message.bytes.length).set(message.bytes);
          return;
        case "read":
          send({
            kind: "bytes",
            bytes: new Uint8Array(own!.buffer).slice(message.address, message.address + message.length),
          });
      }
    } catch (error) {
      send({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    }
  };
}
