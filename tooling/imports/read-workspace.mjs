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
  const inside = folder.startsWith("tooling/") ? [folder] : [`${folder}/src`, `${folder}/test`];
  return inside
    .filter((name) => existsSync(path.join(root, name)))
    .flatMap((name) =>
      readdirSync(path.join(root, name), { recursive: true, encoding: "utf8" }).map(
        (file) => `${name}/${file.split(path.sep).join("/")}`,
      ),
    )
    .filter((file) => file.endsWith(".ts") && !file.includes("/node_modules/") && !file.includes("/dist/"));
}
