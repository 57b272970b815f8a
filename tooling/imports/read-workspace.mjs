import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { readImports } from "./read-imports.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Every package of the workspace with its sources and what they import.
 *
 * @returns {import("./import-rules.mjs").WorkspacePackage[]}
 */
export function readWorkspace() {
  return ["packages", "apps", "tooling"]
    .flatMap((group) => readdirSync(path.join(root, group)).map((name) => `${group}/${name}`))
    .filter((folder) => existsSync(path.join(root, folder, "package.json")))
    .map(readPackage);
}

/** @param {string} folder */
function readPackage(folder) {
  const manifest = JSON.parse(readFileSync(path.join(root, folder, "package.json"), "utf8"));
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest;
  return {
    name: manifest.name,
    folder,
    declared: Object.keys({
      ...dependencies,
      ...devDependencies,
      ...optionalDependencies,
      ...peerDependencies,
    }),
    subpaths: Object.keys(manifest.exports ?? {}),
    files: sourceFiles(folder).map((file) => ({
      file,
      imports: readImports(file, readFileSync(path.join(root, file), "utf8")),
    })),
  };
}

/** @param {string} folder */
function sourceFiles(folder) {
  const inside = folder.startsWith("tooling/") ? folder : `${folder}/src`;
  if (!existsSync(path.join(root, inside))) return [];
  return readdirSync(path.join(root, inside), { recursive: true, encoding: "utf8" })
    .map((name) => `${inside}/${name.split(path.sep).join("/")}`)
    .filter((file) => file.endsWith(".ts") && !file.includes("/node_modules/") && !file.includes("/dist/"));
}
