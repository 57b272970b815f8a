import { randomUUID } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { ConvokeError } from "@convoke/core";
import { makeFolder } from "./make-folder.js";

/** A file to write: its bytes come in pieces, so that nobody has to hold all of them at once. */
export interface FileToSave {
  readonly file: string;
  readonly chunks: Iterable<Uint8Array>;
}

/**
 * Writes files aside and renames them when all are written, in their order, so that each is there whole, or the old one
 * stays. Missing folders are made.
 */
export async function saveFiles(files: readonly FileToSave[]): Promise<void> {
  const moves: { readonly aside: string; readonly target: string; readonly file: string }[] = [];
  let current = "";
  try {
    for (const { file, chunks } of files) {
      current = file;
      const target = path.resolve(file);
      const aside = `${target}.${randomUUID()}.part`;
      moves.push({ aside, target, file });
      await makeFolder(path.dirname(target));
      await writeFile(aside, chunks);
    }
    for (const { aside, target, file } of moves) {
      current = file;
      await rename(aside, target);
    }
  } catch (error) {
    for (const { aside } of moves) await rm(aside, { force: true }).catch(() => undefined);
    throw new ConvokeError(
      {
        operation: `write "${current}"`,
        problem: `the file cannot be written: ${error instanceof Error ? error.message : String(error)}.`,
        wayOut: "Choose a folder that exists or can be made, and in which you may write.",
      },
      { cause: error },
    );
  }
}
