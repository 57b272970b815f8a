import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { stderr } from "node:process";
import { CheckpointError } from "../checkpoint-error.js";
import type { Terminal } from "../progress.js";

/** Writes a file whole or not at all: whoever reads it never sees half of it. */
export async function writeFileAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
  const target = resolve(path);
  const temporary = `${target}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(target), { recursive: true });
    await writeFile(temporary, bytes);
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new CheckpointError(
      {
        operation: `write "${target}"`,
        problem: `it cannot be written: ${messageOf(cause)}.`,
        wayOut: "Choose a folder that exists or can be made, with the right to write and enough space.",
      },
      { cause },
    );
  }
}

export async function readFileBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(resolve(path));
  } catch (cause) {
    throw new CheckpointError(
      {
        operation: `read "${resolve(path)}"`,
        problem: `it cannot be read: ${messageOf(cause)}.`,
        wayOut: "Check the path; training writes checkpoints only where a folder was given.",
      },
      { cause },
    );
  }
}

export function pathIn(folder: string, file: string): string {
  return join(folder, file);
}

/** Where progress is shown when nothing else is said. */
export function defaultTerminal(): Terminal | undefined {
  return {
    isInteractive: stderr.isTTY === true,
    get columns() {
      return stderr.columns ?? 80;
    },
    write(text) {
      stderr.write(text);
    },
  };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
