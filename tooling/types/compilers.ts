// Runs the TypeScript compilers that users have, as programs of their own, and reads what they print.
import { execFile } from "node:child_process";
import { rmSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(import.meta.url);

/** The compilers, by the package that holds each. */
export const compilers = {
  "5.9": "typescript",
  "6.0": "typescript-6",
  "7.0": "typescript-7",
} as const;

export type Compiler = keyof typeof compilers;

export const compilerNames = Object.keys(compilers) as Compiler[];

/** Those whose diagnostics every run compares: the oldest and the newest; all of them in the full run. */
export const comparedCompilers = compilerNames.filter(
  (name) => process.env.CONVOKE_FULL !== undefined || name !== "6.0",
);

/** One error, its message with every line that the compiler indents below it. */
export interface Diagnostic {
  /** The name of the file behind that of its folder. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface Compilation {
  readonly diagnostics: readonly Diagnostic[];
  readonly instantiations: number;
  /** Seconds of checking alone, as the compiler says. */
  readonly checkTime: number;
}

const folderOfThis = import.meta.dirname;

/** A clean folder below `out/`, from which the workspace's packages are found. */
export function outFolder(name: string): string {
  const folder = path.join(folderOfThis, "out", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Type-checks `files` of `folder` under the workspace's strict options, and more options; writes only if these say so. */
export function compile(
  compiler: Compiler,
  folder: string,
  files: readonly string[],
  options: Readonly<Record<string, unknown>> = {},
): Promise<Compilation> {
  const config = path.join(folder, `tsconfig.${compiler}.json`);
  const base = path.relative(folder, path.join(folderOfThis, "..", "..", "tsconfig.base.json"));
  writeFileSync(
    config,
    JSON.stringify({ extends: base, compilerOptions: { declaration: false, ...options }, files: [...files] }),
  );
  const bin = path.join(path.dirname(require.resolve(`${compilers[compiler]}/package.json`)), "bin", "tsc");
  const args = [bin, "-p", config, "--extendedDiagnostics", "--pretty", "false", "--noErrorTruncation"];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      const compilation = read(stdout);
      if (Number.isNaN(compilation.instantiations)) {
        reject(
          new Error(`TypeScript ${compiler} did not run: ${error?.message ?? ""}\n${stdout}\n${stderr}`),
        );
      } else {
        resolve(compilation);
      }
    });
  });
}

function read(stdout: string): Compilation {
  const diagnostics: { file: string; line: number; column: number; message: string }[] = [];
  for (const text of stdout.split("\n")) {
    const start = /^(.+?)\((\d+),(\d+)\): error (TS\d+: .*)$/.exec(text);
    const last = diagnostics.at(-1);
    if (start) {
      const [, file = "", line, column, message = ""] = start;
      diagnostics.push({
        file: file.split("/").slice(-2).join("/"),
        line: Number(line),
        column: Number(column),
        message,
      });
    } else if (text.startsWith("  ") && last) {
      last.message += `\n${text}`;
    }
  }
  const figure = (name: string): number =>
    Number.parseFloat(new RegExp(`^${name}:\\s+([\\d.]+)`, "m").exec(stdout)?.[1] ?? "NaN");
  return { diagnostics, instantiations: figure("Instantiations"), checkTime: figure("Check time") };
}
