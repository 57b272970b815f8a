import { execFile } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * @typedef {object} PackedPackage
 * @property {string} name
 * @property {string} version
 * @property {string} tarball absolute path
 */

/**
 * Packs every public package, as it would be published, into a folder.
 *
 * @param {string} destination the folder; what it holds is thrown away
 * @returns {Promise<PackedPackage[]>}
 */
export async function packPackages(destination) {
  rmSync(destination, { recursive: true, force: true });
  mkdirSync(destination, { recursive: true });
  const pnpm = path.join(root, "node_modules", "pnpm", "bin", "pnpm.cjs");
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [pnpm, "--recursive", "--filter", "./packages/*", "pack", "--json", "--pack-destination", destination],
    { cwd: root, maxBuffer: 64 * 1024 * 1024 },
  );
  /** @type {Array<{ name: string, version: string, filename: string }>} */
  const packed = JSON.parse(stdout);
  return packed.map(({ name, version, filename }) => ({
    name,
    version,
    tarball: path.resolve(destination, filename),
  }));
}
