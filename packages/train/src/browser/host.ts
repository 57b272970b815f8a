import { CheckpointError } from "../checkpoint-error.js";
import type { Terminal } from "../progress.js";

export function writeFileAtomic(path: string, _bytes: Uint8Array | string): Promise<void> {
  return Promise.reject(noFiles(`write "${path}"`));
}

export function readFileBytes(path: string): Promise<Uint8Array> {
  return Promise.reject(noFiles(`read "${path}"`));
}

export function pathIn(folder: string, file: string): string {
  return `${folder}/${file}`;
}

/** A page shows progress its own way: through a reporter, or callbacks. */
export function defaultTerminal(): Terminal | undefined {
  return undefined;
}

function noFiles(operation: string): CheckpointError {
  return new CheckpointError({
    operation,
    problem: "there are no files in a browser.",
    wayOut:
      "Take the bytes (checkpoint: { save }, resume: bytes), and keep them in IndexedDB or offer a download.",
  });
}
