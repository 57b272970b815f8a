import { mkdir, stat } from "node:fs/promises";
import path from "node:path";

/**
 * Makes a folder and the missing ones above it. Step by step: `mkdir` with `recursive` never comes back where the file
 * system refuses with ENOENT, as /proc does.
 */
export async function makeFolder(folder: string): Promise<void> {
  const missing: string[] = [];
  let place = path.resolve(folder);
  while (!(await exists(place))) {
    missing.push(place);
    place = path.dirname(place);
  }
  for (const step of missing.reverse()) {
    try {
      await mkdir(step);
    } catch (error) {
      // Another process may have been faster.
      if (!(await exists(step))) throw error;
    }
  }
}

async function exists(place: string): Promise<boolean> {
  try {
    await stat(place);
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return false;
    throw error;
  }
}
