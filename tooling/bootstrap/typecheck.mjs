// Type-checks every project of the repository with TypeScript 7, which takes seconds where 5.9 takes minutes. The
// declaration builds check the same sources with 5.9; the full run does it with all tests.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { root } from "./steps.mjs";

const compiler = path.join(
  path.dirname(createRequire(import.meta.url).resolve("typescript-7/package.json")),
  "bin",
  "tsc",
);

const packages = ["packages", "apps"]
  .flatMap((group) => readdirSync(path.join(root, group)).map((name) => path.join(group, name)))
  .flatMap((folder) => [folder, path.join(folder, "test")])
  .filter((folder) => existsSync(path.join(root, folder, "tsconfig.json")));
const projects = [".", ...packages];

const wrong = projects.filter((folder) => {
  const { status } = spawnSync(process.execPath, [compiler, "--noEmit", "-p", folder], {
    cwd: root,
    stdio: "inherit",
  });
  return status !== 0;
});
console.log([`${projects.length} projects, ${wrong.length} with errors`, ...wrong].join("\n  "));
process.exitCode = wrong.length > 0 ? 1 : 0;
