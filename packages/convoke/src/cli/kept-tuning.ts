// The tuning of the GPU that `convoke backends --tune` leaves in the cache folder, for every later run on webgpu.
import type { Tuning } from "@convoke/backend-webgpu";
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { env } from "node:process";
import { UsageError } from "./usage-error.js";

/** Beside the data sets: below $XDG_CACHE_HOME/convoke or ~/.cache/convoke. */
export function tuningFile(): string {
  const base = env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(resolve(base), "convoke", "tuning", "webgpu.json");
}

/**
 * The tuning that was kept, if any was; whether it is for the adapter at hand the backend sees.
 *
 * @throws UsageError where the file holds something else.
 */
export async function keptTuning(): Promise<Tuning | undefined> {
  const file = tuningFile();
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    // Without a readable file there is nothing that was kept.
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as Tuning;
  } catch (error) {
    throw new UsageError(
      {
        operation: "tuning of webgpu",
        problem: `"${file}" is not the JSON that convoke backends --tune writes.`,
        wayOut: "Run convoke backends --tune to write it anew, or delete it.",
      },
      { cause: error },
    );
  }
}

/** Written aside and renamed, so that a run beside this one never reads half of it. */
export async function keepTuning(tuning: Tuning): Promise<string> {
  const file = tuningFile();
  const aside = `${file}.${randomUUID()}.part`;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(aside, `${JSON.stringify(tuning, null, 2)}\n`);
  await rename(aside, file);
  return file;
}
