import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import { env } from "node:process";
import type { ByteCache, ByteSource, ReadOptions } from "../byte-source.js";
import { DatasetError } from "../dataset-error.js";

/** The files of a folder. */
export function openFolder(folder: string): ByteSource {
  const path = resolve(folder);
  return {
    description: `folder "${path}"`,
    async read(name, options) {
      const bytes = await readInFolder(path, name, options);
      if (!bytes && !(await isFolder(path))) {
        throw new DatasetError({
          operation: `read "${name}"`,
          got: `no folder "${path}"`,
          rule: "the data folder must exist",
          wayOut: "Check the path, or create the folder and put the files there.",
        });
      }
      return bytes;
    },
  };
}

/**
 * Files kept for the next time: in `folder`, or else below $XDG_CACHE_HOME/convoke or ~/.cache/convoke.
 * Where nothing can be written, nothing is kept.
 */
export function openCache(collection: string, folder?: string): ByteCache {
  const base = folder ?? join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "convoke");
  const path = join(resolve(base), collection);
  return {
    description: `cache folder "${path}"`,
    read: (name, options) => readInFolder(path, name, options),
    async write(name, bytes) {
      const target = fileIn(path, name);
      // Written aside and renamed, so that an interrupted or parallel run never leaves half a file.
      const aside = `${target}.${randomUUID()}.part`;
      try {
        await mkdir(path, { recursive: true });
        await writeFile(aside, bytes);
        await rename(aside, target);
      } catch (error) {
        await rm(aside, { force: true });
        throw new DatasetError(
          {
            operation: `keep "${name}"`,
            got: `no writable folder "${path}" (${codeOf(error)})`,
            rule: "downloads are kept in the cache folder",
            wayOut: "Name a writable folder with cacheDir.",
          },
          { cause: error },
        );
      }
    },
  };
}

async function readInFolder(
  folder: string,
  name: string,
  { maxBytes = Infinity, onBytes, signal }: ReadOptions = {},
): Promise<Uint8Array | undefined> {
  const path = fileIn(folder, name);
  try {
    const { size } = await stat(path);
    if (size > maxBytes) {
      throw new DatasetError({
        operation: `read "${path}"`,
        got: `${size} bytes`,
        rule: `the file must not be larger than ${maxBytes} bytes`,
        wayOut: "Check that this is the right file.",
      });
    }
    const bytes = await readFile(path, signal ? { signal } : {});
    onBytes?.(bytes.length, size);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (error instanceof DatasetError || signal?.aborted) throw error;
    throw new DatasetError(
      {
        operation: `read "${path}"`,
        got: `the error ${code}`,
        rule: "the file must be readable",
        wayOut: "Check the permissions, and that it is a file.",
      },
      { cause: error },
    );
  }
}

/** A name may not lead out of its folder. */
function fileIn(folder: string, name: string): string {
  if (name && name !== ".." && name !== "." && name === basename(name) && !name.includes("\\")) {
    return join(folder, name);
  }
  throw new DatasetError({
    operation: `read "${name}"`,
    got: "a path",
    rule: "a file is asked for by its bare name",
    wayOut: "Open the folder that holds the file.",
  });
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Error) return "code" in error ? String(error.code) : error.message;
  return String(error);
}
