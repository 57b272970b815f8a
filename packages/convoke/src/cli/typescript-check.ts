// Runs the TypeScript of the user's project over some of its files, and picks the shape errors out of what it says.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { UsageError } from "./usage-error.js";

export interface ShapeMistake {
  /** As it was given, or below the folder in which the command runs. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface TypeCheck {
  readonly typescript: string;
  readonly errors: readonly ShapeMistake[];
  /** Errors that are about something else. */
  readonly otherErrors: number;
}

/**
 * Type-checks `files` under the options of the `tsconfig.json` that is nearest to the first of them.
 *
 * @throws UsageError when a file is missing, there is no TypeScript, or it does not run.
 */
export async function checkTypes(
  files: readonly string[],
  folder: string = process.cwd(),
): Promise<TypeCheck> {
  const paths = files.map((file) => path.resolve(folder, file));
  for (const [i, file] of paths.entries()) {
    if (!existsSync(file)) {
      throw new UsageError({
        operation: "check",
        problem: `there is no file "${files[i]}".`,
        wayOut: "Name the .ts files that build your models.",
      });
    }
  }
  const project = path.dirname(paths[0]!);
  const compiler = findCompiler(project);
  const scratch = scratchFolder(project);
  try {
    const config = path.join(scratch, "tsconfig.json");
    writeFileSync(config, JSON.stringify(configFor(paths, nearest(project, "tsconfig.json"))));
    const output = await run(compiler.program, config);
    return { typescript: compiler.version, ...readErrors(output, { scratch, folder }) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The file of this name in the folder or the nearest one above it. */
function nearest(folder: string, name: string): string | undefined {
  for (let at = folder; ; at = path.dirname(at)) {
    const candidate = path.join(at, name);
    if (existsSync(candidate)) return candidate;
    if (path.dirname(at) === at) return undefined;
  }
}

/** The project's own TypeScript, else the one that is installed beside this command. */
function findCompiler(project: string): { program: string; version: string } {
  for (const from of [path.join(project, "file.js"), import.meta.url]) {
    try {
      const manifest = createRequire(from).resolve("typescript/package.json");
      const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
      const program = path.join(path.dirname(manifest), "bin", "tsc");
      if (existsSync(program)) return { program, version };
    } catch {
      // Not found from there.
    }
  }
  throw new UsageError({
    operation: "check",
    problem: "there is no TypeScript in this project.",
    wayOut: "Install it: npm install --save-dev typescript",
  });
}

/** Inside the project, so that its `@types` are found; where that cannot be written, among the temporary files. */
function scratchFolder(project: string): string {
  const modules = nearest(project, "node_modules");
  try {
    if (modules !== undefined) {
      mkdirSync(modules, { recursive: true });
      return mkdtempSync(path.join(modules, ".convoke-check-"));
    }
  } catch {
    // A project that is read only.
  }
  return mkdtempSync(path.join(os.tmpdir(), "convoke-check-"));
}

function configFor(files: readonly string[], base: string | undefined): object {
  const own = {
    strict: true,
    target: "es2022",
    module: "preserve",
    moduleResolution: "bundler",
    skipLibCheck: true,
  };
  const always = {
    noEmit: true,
    incremental: false,
    composite: false,
    declaration: false,
    declarationMap: false,
  };
  return {
    ...(base !== undefined && { extends: base }),
    compilerOptions: { ...(base === undefined ? own : {}), ...always, noErrorTruncation: true },
    files,
    include: [],
    references: [],
  };
}

function run(program: string, config: string): Promise<string> {
  const args = [program, "-p", config, "--pretty", "false"];
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      args,
      { maxBuffer: 2 ** 28, cwd: path.dirname(config) },
      (error, stdout, stderr) => {
        // It ends with 1 or 2 where there are errors, which it prints; anything else is a failure of its own.
        if (error === null || /error TS\d+:/.test(stdout)) resolve(stdout);
        else {
          const [said = "nothing"] = `${stderr}${stdout}`.trim().split("\n");
          reject(
            new UsageError({
              operation: "check",
              problem: `TypeScript did not run: ${said}.`,
              wayOut: "Run npx tsc --noEmit to see what it says.",
            }),
          );
        }
      },
    );
  });
}

function readErrors(
  output: string,
  { scratch, folder }: { scratch: string; folder: string },
): Pick<TypeCheck, "errors" | "otherErrors"> {
  const found: { file: string; line: number; column: number; text: string }[] = [];
  for (const line of output.split(/\r?\n/)) {
    const [, file, row, column, text] = /^(.+?)\((\d+),(\d+)\): error (TS\d+: .*)$/.exec(line) ?? [];
    const last = found.at(-1);
    if (file !== undefined) {
      found.push({ file, line: Number(row), column: Number(column), text: text ?? "" });
    } else if (/^error TS\d+:/.test(line)) {
      found.push({ file: "", line: 0, column: 0, text: line });
    } else if (line.startsWith("  ") && last !== undefined) {
      last.text += `\n${line}`;
    }
  }
  const errors = found.flatMap(({ file, line, column, text }): ShapeMistake[] => {
    const message = shapeMessage(text);
    if (message === undefined) return [];
    return [{ file: path.relative(folder, path.resolve(scratch, file)), line, column, message }];
  });
  return { errors, otherErrors: found.length - errors.length };
}

/** The sentence in the type that a shape rule gives for what does not fit; or two tensors of different shapes. */
function shapeMessage(text: string): string | undefined {
  const quoted = /Mismatch<("(?:[^"\\]|\\.)*")>/.exec(text)?.[1];
  if (quoted !== undefined) return unquoted(quoted);
  const [, got, wanted] =
    /ype 'Tensor<(\[[^\]]*\])[^']*' is not assignable to (?:parameter of )?type 'Tensor<(\[[^\]]*\])/.exec(
      text,
    ) ?? [];
  return got === wanted ? undefined : `a tensor ${got} is given where a tensor ${wanted} is taken.`;
}

function unquoted(literal: string): string {
  try {
    return String(JSON.parse(literal));
  } catch {
    return literal.slice(1, -1);
  }
}
