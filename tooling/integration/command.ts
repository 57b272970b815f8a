// Runs the `convoke` command from its source, as a process of its own.
import { build } from "esbuild";
import { spawn } from "node:child_process";
import path from "node:path";
import { expect, onTestFinished } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const convoke = path.join(root, "packages/convoke");
/**
 * Below the package, so that what is not bundled (ONNX Runtime, WebGPU) is found as it is when the package is installed.
 * Each worker has its own: one that bundles must not change what another one is running.
 */
const bundle = path.join(convoke, `node_modules/.convoke-command-test-${process.env["VITEST_POOL_ID"] ?? 0}`);

export interface CommandOutcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  /** Asks it to stop, as Ctrl-C does. */
  interrupt(): void;
  /** What it has written on stderr so far. */
  readonly stderr: string;
  readonly ended: Promise<CommandOutcome>;
}

/** Bundles the command; once before the tests. */
export async function bundleCommand(): Promise<void> {
  await build({
    entryPoints: { cli: path.join(convoke, "src/cli/main.ts") },
    outdir: bundle,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["@convoke/source", "node", "import", "module"],
    external: ["onnxruntime-node", "onnxruntime-web", "webgpu"],
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
    },
    sourcemap: "inline",
    logLevel: "error",
  });
}

/**
 * It ends with the test that has started it, at the latest.
 *
 * @param env what the command's environment has besides this process's own
 */
export function startCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningCommand {
  const child = spawn(process.execPath, [path.join(bundle, "cli.mjs"), ...args], {
    cwd: root,
    env: { ...process.env, CONVOKE_DEBUG: undefined, ...env },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<CommandOutcome>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return {
    interrupt: () => child.kill("SIGINT"),
    get stderr() {
      return stderr;
    },
    ended,
  };
}

export function runCommand(
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<CommandOutcome> {
  return startCommand(args, env).ended;
}

/** The last line on stdout, which `--json` makes the result. */
export function resultOf({ stdout, stderr }: CommandOutcome): Record<string, unknown> {
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  try {
    return JSON.parse(last) as Record<string, unknown>;
  } catch {
    throw new Error(`The last line is no JSON: ${last}\n${stderr}`);
  }
}

/** What a mistake must look like: the exit status, one explanation, and no trace of the program's inside. */
export function expectMistake({ code, stderr, stdout }: CommandOutcome, status: number, said: RegExp): void {
  expect(stderr).toMatch(said);
  expect(stderr).not.toMatch(/^\s+at .+:\d+:\d+/m);
  expect(stderr).not.toContain("defect of the program");
  expect(stdout).not.toMatch(/^\s+at /m);
  expect(code).toBe(status);
}
