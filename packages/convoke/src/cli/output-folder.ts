// The folder that a run writes into. Files appear whole or not at all, and what was there before stays until then.
import { access, constants, rm, stat, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import path from "node:path";
import { saveFiles } from "#save-file";
import { makeFolder } from "../node/make-folder.js";
import { UsageError } from "./usage-error.js";

export interface OutputFolder {
  readonly path: string;
  file(name: string): string;
  /** Writes a file aside and renames it. */
  write(name: string, contents: string | Uint8Array): Promise<void>;
}

/**
 * Makes sure, before anything is computed, that the folder can be written to.
 *
 * @throws UsageError when it cannot.
 */
export async function openOutputFolder(folder: string): Promise<OutputFolder> {
  const root = path.resolve(folder);
  try {
    await makeFolder(root);
    if (!(await stat(root)).isDirectory()) throw new Error("it is a file");
    await access(root, constants.W_OK | constants.X_OK);
    // Permissions do not tell everything (a read-only file system, the administrator): try it.
    const probe = path.join(root, `.convoke-${randomUUID()}`);
    await writeFile(probe, "");
    await rm(probe);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new UsageError(
      {
        operation: "--out",
        problem: `the folder "${root}" cannot be written to (${code}).`,
        wayOut: "Name a folder in which you may write.",
      },
      { cause: error },
    );
  }
  const file = (name: string): string => path.join(root, name);
  return {
    path: root,
    file,
    write: (name, contents) => saveFiles([{ file: file(name), chunks: [bytesOf(contents)] }]),
  };
}

function bytesOf(contents: string | Uint8Array): Uint8Array {
  return typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
}
