import { openFolder } from "#storage";
import type { ByteSource } from "./byte-source.js";

/**
 * The files in a folder, by their names. In a browser every call throws: use `fetchSource` there.
 *
 * @throws DatasetError where there is no file system; on reading, when the folder or a file in it cannot be read.
 */
export function fileSource(folder: string): ByteSource {
  return openFolder(folder);
}
