import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import type { Manifest } from "./local-registry.js";

const root = path.resolve(import.meta.dirname, "../..");

/** What a child process said and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a Node program, and gives what came of it whether it failed or not. */
export function runNode(args: readonly string[], cwd: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? 1, stdout, stderr });
    });
  });
}

/**
 * An empty project outside the workspace that depends on the given packages and nothing else. Peers are neither
 * installed by themselves nor forgiven when they are missing, and a package sees only what it declares.
 */
export async function installProject(
  folder: string,
  dependencies: Readonly<Record<string, string>>,
  registry: string,
): Promise<Outcome> {
  mkdirSync(folder, { recursive: true });
  const manifest = { name: "consumer", version: "1.0.0", private: true, dependencies };
  writeFileSync(path.join(folder, "package.json"), JSON.stringify(manifest));
  writeFileSync(
    path.join(folder, ".npmrc"),
    `@convoke:registry=${registry}\nauto-install-peers=false\nstrict-peer-dependencies=true\n`,
  );
  // The end of the search for a workspace: the folder above may lie in one.
  writeFileSync(path.join(folder, "pnpm-workspace.yaml"), "packages: []\nonlyBuiltDependencies: []\n");
  const pnpm = path.join(root, "node_modules", "pnpm", "bin", "pnpm.cjs");
  return runNode([pnpm, "install", "--prefer-offline", "--ignore-scripts", "--no-lockfile"], folder);
}

/** The packages that somebody installs for one: itself, and its peers but for the optional ones. */
export function withPeers(manifest: Manifest, tarball: string): Record<string, string> {
  const peers = Object.entries(manifest.peerDependencies ?? {}).filter(
    ([name]) => !manifest.peerDependenciesMeta?.[name]?.optional,
  );
  return { ...Object.fromEntries(peers), [manifest.name]: `file:${tarball}` };
}

const parsedLibraries = new Map<string, ts.SourceFile | undefined>();

/** What the compiler says about files of a project, the declarations of what they import included. */
export function typeErrors(
  folder: string,
  files: readonly string[],
  resolution: "nodenext" | "bundler",
): string[] {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    strict: true,
    noEmit: true,
    types: [],
    skipDefaultLibCheck: true,
    module: resolution === "nodenext" ? ts.ModuleKind.NodeNext : ts.ModuleKind.ESNext,
    moduleResolution:
      resolution === "nodenext" ? ts.ModuleResolutionKind.NodeNext : ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  // The compiler's own libraries are the same for every project: they are parsed once.
  host.getSourceFile = (file, ...rest) => {
    if (!path.basename(file).startsWith("lib.")) return read(file, ...rest);
    if (!parsedLibraries.has(file)) parsedLibraries.set(file, read(file, ...rest));
    return parsedLibraries.get(file);
  };
  host.getCurrentDirectory = () => folder;
  const rootNames = files.map((file) => path.join(folder, file));
  return ts.getPreEmitDiagnostics(ts.createProgram({ rootNames, options, host })).map((diagnostic) => {
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n");
    return diagnostic.file ? `${path.relative(folder, diagnostic.file.fileName)}: ${message}` : message;
  });
}
