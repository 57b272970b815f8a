// Models whose weights lie in files beside them, on a file system.
import type { DataFile, ExternalBytes, ExternalData, OnnxRunner, OnnxSession } from "@convoke/onnx";
import { closeSync, existsSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { makeFolder } from "./make-folder.js";
import { saveFiles } from "./save-file.js";

/** The bytes of a model file, and access to those beside it. */
export async function readModelFiles(
  file: string,
): Promise<{ bytes: Uint8Array; externalData: ExternalData }> {
  return { bytes: new Uint8Array(await readFile(file)), externalData: dataBeside(path.dirname(file)) };
}

/** The files beside a model that its weights lie in; a link that leads out of the folder is not followed. */
export function dataBeside(folder: string): ExternalData {
  return (location) => {
    const file = path.join(folder, location);
    if (!existsSync(file) || !statSync(file).isFile()) return undefined;
    const inside = path.relative(realpathSync(folder), realpathSync(file));
    if (inside.startsWith("..") || path.isAbsolute(inside)) return undefined;
    return bytesOf(file);
  };
}

/** Reads what it is asked for: such files may be larger than an array can be. */
function bytesOf(file: string): ExternalBytes {
  return {
    length: statSync(file).size,
    subarray(start, end) {
      const bytes = new Uint8Array(end - start);
      const handle = openSync(file, "r");
      try {
        let done = 0;
        while (done < bytes.length) {
          const count = readSync(handle, bytes, done, Math.min(bytes.length - done, 2 ** 30), start + done);
          if (count === 0) throw new Error(`"${file}" became shorter while it was read`);
          done += count;
        }
      } finally {
        closeSync(handle);
      }
      return bytes;
    },
  };
}

/**
 * A runner that puts models with files beside them into a folder near `target`, and opens them there by their path: the
 * engine reads those files itself, and their bytes need not fit into one array. The folder goes with the session.
 */
export function throughFiles(runner: OnnxRunner, target: string): OnnxRunner {
  const { openFile } = runner;
  if (openFile === undefined) return runner;
  const open = async (model: Uint8Array, data: readonly DataFile[] = []): Promise<OnnxSession> => {
    if (data.length === 0) return runner.open(model);
    const near = path.dirname(path.resolve(target));
    await makeFolder(near);
    const folder = await mkdtemp(path.join(near, ".convoke-"));
    const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
    try {
      const file = path.join(folder, "model.onnx");
      const beside = data.map(({ file, chunks }) => ({ file: path.join(folder, file), chunks: chunks() }));
      await saveFiles([...beside, { file, chunks: [model] }]);
      const session = await openFile(file);
      return { ...session, dispose: () => session.dispose().finally(remove) };
    } catch (error) {
      await remove();
      throw error;
    }
  };
  return { ...runner, open };
}
