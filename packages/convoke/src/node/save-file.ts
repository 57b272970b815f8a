import { randomUUID } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { ConvokeError } from "@convoke/core";
import { makeFolder } from "./make-folder.js";

/** Writes a file aside and renames it, so that it is there whole, or the old one stays. Missing folders are made. */
export async function saveFile(file: string, bytes: Uint8Array): Promise<void> {
  const target = path.resolve(file);
  const aside = `${target}.${randomUUID()}.part`;
  try {
    await makeFolder(path.dirname(target));
    await writeFile(aside, bytes);
    await rename(aside, target);
  } catch (error) {
    await rm(aside, { force: true }).catch(() => undefined);
    throw new ConvokeError(
      {
        operation: `write "${file}"`,
        problem: `the file cannot be written: ${error instanceof Error ? error.message : String(error)}.`,
        wayOut: "Choose a folder that exists or can be made, and in which you may write.",
      },
      { cause: error },
    );
  }
}
