// The declarations of the packages, as users have them: quicker to check against than the sources.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { promisify } from "node:util";
import { compilers, outFolder } from "./compilers.js";

const packages = path.join(import.meta.dirname, "..", "..", "packages");

/** Compiler options under which the names of packages lead to their declarations. */
export type DeclarationOptions = Readonly<Record<"paths", Readonly<Record<string, readonly string[]>>>>;

/** Writes the declarations of `entries` and of all packages that these import below `out/`, by the fastest compiler. */
export async function writeDeclarations(
  name: string,
  entries: readonly string[],
): Promise<DeclarationOptions> {
  const folder = outFolder(`${name}-emit`);
  const outDir = outFolder(name);
  const config = path.join(folder, "tsconfig.json");
  const options = {
    noEmit: false,
    emitDeclarationOnly: true,
    rootDir: packages,
    outDir,
    types: ["node"],
    // By paths: what is found through node_modules counts as foreign, and is not written.
    paths: pathsIn(packages, "index.ts"),
  };
  const files = entries.map((entry) => path.join(packages, entry, "src", "index.ts"));
  const base = path.join(packages, "..", "tsconfig.base.json");
  writeFileSync(config, JSON.stringify({ extends: base, compilerOptions: options, files }));
  const compiler = createRequire(import.meta.url).resolve(`${compilers["7.0"]}/package.json`);
  const args = [path.join(path.dirname(compiler), "bin", "tsc"), "-p", config];
  await promisify(execFile)(process.execPath, args);
  return { paths: pathsIn(outDir, "index.d.ts") };
}

function pathsIn(folder: string, index: string): DeclarationOptions["paths"] {
  return {
    "@convoke/*": [path.join(folder, "*", "src", index)],
    convoke: [path.join(folder, "convoke", "src", index)],
  };
}
