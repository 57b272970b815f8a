import path from "node:path";
import { directions, knowsEverything } from "./directions.mjs";

/**
 * @typedef {object} SourceFile
 * @property {string} file path from the repository root, with forward slashes
 * @property {import("./read-imports.mjs").Import[]} imports
 *
 * @typedef {object} WorkspacePackage
 * @property {string} name
 * @property {string} folder path from the repository root
 * @property {string[]} declared every dependency that package.json names
 * @property {string[]} subpaths the keys of its `exports`
 * @property {SourceFile[]} files
 */

const test = /\.test(-d)?\.ts$|^[^/]+\/[^/]+\/test\//;
const nodeOnly = /^packages\/[^/]+\/src\/(node\.ts|node\/|cli\/)/;

/**
 * What each import of each file breaks, in words; an empty list when nothing is broken.
 *
 * @param {WorkspacePackage[]} packages
 */
export function brokenRules(packages) {
  /** @type {string[]} */
  const broken = [];
  const byName = new Map(packages.map((entry) => [entry.name, entry]));
  for (const entry of packages) {
    const allowed = directions[entry.name];
    if (!allowed && !knowsEverything.includes(entry.name) && !entry.folder.startsWith("tooling/")) {
      broken.push(
        `${entry.folder}: tooling/imports/directions.mjs does not say what ${entry.name} may import.`,
      );
    }
    for (const name of entry.declared) {
      if (byName.has(name) && allowed && !allowed.includes(name)) {
        broken.push(`${entry.folder}/package.json: ${entry.name} must not depend on ${name}.`);
      }
    }
    for (const { file, imports } of entry.files) {
      for (const { specifier, line } of imports) {
        const why = whyBroken({ entry, file, specifier, allowed, byName });
        if (why) broken.push(`${file}:${line}: "${specifier}": ${why}`);
      }
    }
  }
  return broken;
}

/**
 * @param {{ entry: WorkspacePackage, file: string, specifier: string,
 *   allowed: readonly string[] | undefined, byName: Map<string, WorkspacePackage> }} context
 */
function whyBroken({ entry, file, specifier, allowed, byName }) {
  if (specifier.startsWith(".")) {
    const target = path.posix.join(path.posix.dirname(file), specifier);
    return target.startsWith(`${entry.folder}/`) || entry.folder.startsWith("tooling/")
      ? undefined
      : "this leaves the package; import the other package by its name.";
  }
  const neutral = entry.folder.startsWith("packages/") && !test.test(file) && !nodeOnly.test(file);
  if (specifier.startsWith("node:")) {
    return neutral
      ? "a neutral file runs in browsers too; Node's modules belong to src/node/ or src/cli/."
      : undefined;
  }
  if (specifier.startsWith("#")) return undefined; // the package's own `imports`
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  const target = byName.get(name);
  if (target && name !== entry.name) {
    if (allowed && !allowed.includes(name)) return `${entry.name} must not know ${name}.`;
    const subpath = `.${specifier.slice(name.length)}`;
    if (!target.subpaths.includes(subpath))
      return `${name} does not export ${subpath}: import it from its entry.`;
  }
  const fromRoot = test.test(file) || entry.folder.startsWith("tooling/");
  if (name !== entry.name && !entry.declared.includes(name) && !fromRoot) {
    return `${entry.folder}/package.json does not declare ${name}.`;
  }
  return undefined;
}

/**
 * The cycles among imports that remain at run time: each a list of files, the first one repeated at its end.
 * Imports of types may go round in circles; they vanish.
 *
 * @param {SourceFile[]} files
 */
export function importCycles(files) {
  const known = new Map(files.map((entry) => [entry.file, entry]));
  /** @type {Map<string, "open" | "done">} */
  const state = new Map();
  /** @type {string[][]} */
  const cycles = [];
  for (const { file: start } of files) {
    if (state.has(start)) continue;
    state.set(start, "open");
    const stack = [{ file: start, next: runtimeTargets(start, known) }];
    while (stack.length > 0) {
      const top = /** @type {{ file: string, next: string[] }} */ (stack.at(-1));
      const target = top.next.pop();
      if (target === undefined) {
        state.set(top.file, "done");
        stack.pop();
      } else if (state.get(target) === "open") {
        const from = stack.findIndex(({ file }) => file === target);
        cycles.push([...stack.slice(from).map(({ file }) => file), target]);
      } else if (!state.has(target)) {
        state.set(target, "open");
        stack.push({ file: target, next: runtimeTargets(target, known) });
      }
    }
  }
  return cycles;
}

/**
 * @param {string} file
 * @param {Map<string, SourceFile>} known
 */
function runtimeTargets(file, known) {
  return (known.get(file)?.imports ?? [])
    .filter(({ specifier, typeOnly }) => !typeOnly && specifier.startsWith("."))
    .map(({ specifier }) => path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, ".ts"))
    .filter((target) => known.has(target));
}
