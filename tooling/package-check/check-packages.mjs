// `npm run package-check`: publint and are-the-types-wrong on every package, as it would be published.
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { packPackages } from "./pack.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const packed = await packPackages(path.join(root, "node_modules", ".cache", "convoke", "package-check"));
let problems = 0;
for (const { name, tarball } of packed) {
  const bytes = readFileSync(tarball);
  const found = [...(await lintMessages(bytes)), ...(await typeProblems(bytes))];
  for (const message of found) console.error(`${name}: ${message}`);
  problems += found.length;
}
console.log(`${packed.length} packages, ${problems} problems`);
process.exitCode = problems > 0 ? 1 : 0;

/** @param {Buffer} bytes */
async function lintMessages(bytes) {
  const tarball = new Uint8Array(bytes).buffer;
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  return (
    messages
      // npm would write "./bin/x" and "git+https" itself; both forms are right.
      .filter(({ type }) => type !== "suggestion")
      .map((message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`)
  );
}

/** @param {Buffer} bytes */
async function typeProblems(bytes) {
  const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(bytes)));
  if (analysis.types === false) return ["are-the-types-wrong: there are no types"];
  const { entrypoints, problems: known } = analysis;
  return Object.values(entrypoints).flatMap(({ subpath, resolutions }) =>
    Object.values(resolutions).flatMap(({ resolutionKind, visibleProblems = [] }) =>
      visibleProblems
        .map((index) => known[index]?.kind)
        .filter((kind) => !isByDesign(resolutionKind, kind))
        .map((kind) => `are-the-types-wrong: "${subpath}" under ${resolutionKind}: ${kind}`),
    ),
  );
}

/**
 * The packages are ESM only: a CommonJS file loads them by `require(esm)`, and the resolution of TypeScript 4
 * ("node10") is not supported.
 *
 * @param {string} resolutionKind
 * @param {string | undefined} kind
 */
function isByDesign(resolutionKind, kind) {
  return resolutionKind === "node10" || (resolutionKind === "node16-cjs" && kind === "CJSResolvesToESM");
}
