// Bundles the workers' code into strings: neither Node nor a bundler needs to find a file.
import { build } from "esbuild";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const source = new URL("../src/", import.meta.url);

/** The bundled code of one platform's worker. */
export async function workerCode(platform) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`${platform}/worker-entry.ts`, source))],
    bundle: true,
    write: false,
    // Whole names: what they are shortened to would depend on every module on the way.
    minifyWhitespace: true,
    minifySyntax: true,
    format: "cjs",
    target: "es2022",
    platform: platform === "node" ? "node" : "browser",
    conditions: ["@convoke/source"],
    logLevel: "error",
  });
  return outputFiles[0].text.trim();
}

export function workerModule(code) {
  return `// Written by scripts/build-worker.mjs: do not edit.\n\n/** The code of a worker. */\nexport const workerCode =\n  ${JSON.stringify(code)};\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const platform of ["node", "browser"]) {
    await writeFile(
      new URL(`generated/worker-${platform}.ts`, source),
      workerModule(await workerCode(platform)),
    );
  }
}
