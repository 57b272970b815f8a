// Ctrl-C asks a run to stop at the next step; a second one ends the process at once.
import process from "node:process";

export interface Interruption {
  readonly requested: boolean;
  /** Gives the signals back to the system. */
  release(): void;
}

const signals = ["SIGINT", "SIGTERM"] as const;

export function listenForInterruption(onRequest: () => void): Interruption {
  let requested = false;
  const listener = (): void => {
    requested = true;
    release();
    onRequest();
  };
  const release = (): void => {
    for (const signal of signals) process.removeListener(signal, listener);
  };
  for (const signal of signals) process.on(signal, listener);
  return {
    get requested() {
      return requested;
    },
    release,
  };
}
