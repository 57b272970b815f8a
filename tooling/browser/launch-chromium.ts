// Starts a headless Chromium for a test: the system's own when there is one, else the one that npm brings.
import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium, type Browser } from "playwright-core";

/** A browser, or why there is none: a test that gets a reason says that it was not run. */
export type Launch =
  | { readonly browser: Browser; readonly executable: string }
  | { readonly browser: undefined; readonly reason: string };

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const places = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/**
 * Starts Chromium. Tried in this order: the path in `CONVOKE_CHROMIUM`, a Chromium or Chrome of the system, the one in
 * the npm package `@sparticuz/chromium` (Linux on x64; unpacked once into the folder for temporary files).
 *
 * @param args further command-line switches, such as those that turn on WebGPU
 */
export async function launchChromium(args: readonly string[] = []): Promise<Launch> {
  const reasons: string[] = [];
  for (const candidate of [systemChromium, packagedChromium]) {
    try {
      const found = await candidate();
      if (found === undefined) continue;
      return { browser: await start(found, args), executable: found.executable };
    } catch (error) {
      reasons.push(firstLines(error));
    }
  }
  return { browser: undefined, reason: `no Chromium starts here: ${reasons.join("; ") || "none was found"}` };
}

interface Candidate {
  readonly executable: string;
  /** What it needs where the system lacks shared libraries or fonts. */
  readonly env?: Readonly<Record<string, string>>;
}

async function start({ executable, env }: Candidate, args: readonly string[]): Promise<Browser> {
  const options = {
    executablePath: executable,
    // The pages are our own, and in a container run as root there is no sandbox.
    args: ["--no-sandbox", "--disable-dev-shm-usage", ...args],
  };
  try {
    return await chromium.launch(options);
  } catch (error) {
    if (env === undefined || !String(error).includes("shared libraries")) throw error;
    return chromium.launch({ ...options, env: { ...process.env, ...env } });
  }
}

function systemChromium(): Promise<Candidate | undefined> {
  const folders = (process.env.PATH ?? "").split(path.delimiter).filter((folder) => folder !== "");
  const inPath = folders.flatMap((folder) => names.map((name) => path.join(folder, name)));
  const chosen = process.env.CONVOKE_CHROMIUM;
  const executable = chosen ?? [...inPath, ...places].find(isExecutable);
  return Promise.resolve(executable === undefined ? undefined : { executable });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where the Chromium of npm lies unpacked, with SwiftShader beside it; undefined where it does not run. */
export async function packagedFolder(): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const folder = path.join(os.tmpdir(), `convoke-chromium-147-${process.getuid?.() ?? 0}`);
  if (!existsSync(path.join(folder, "chromium"))) await unpack(folder);
  return folder;
}

async function packagedChromium(): Promise<Candidate | undefined> {
  const folder = await packagedFolder();
  if (folder === undefined) return undefined;
  return {
    executable: path.join(folder, "chromium"),
    env: { LD_LIBRARY_PATH: path.join(folder, "al2023", "lib"), FONTCONFIG_PATH: path.join(folder, "fonts") },
  };
}

/**
 * The package unpacks into the folder for temporary files, file by file. Test files run side by side, so each unpacks
 * in a process of its own into a folder of its own, and the first one to be ready puts it in place.
 */
async function unpack(folder: string): Promise<void> {
  const own = mkdtempSync(`${folder}-`);
  try {
    const program = fileURLToPath(new URL("./unpack-chromium.mjs", import.meta.url));
    await promisify(execFile)(process.execPath, [program], {
      // In the surroundings that it was made for, the package also unpacks the shared libraries.
      env: { ...process.env, TMPDIR: own, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs20.x" },
    });
    if (readdirSync(own).includes("chromium")) renameSync(own, folder);
  } catch (error) {
    // Somebody else was first: that one serves as well.
    if (!existsSync(path.join(folder, "chromium"))) throw error;
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

function firstLines(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n").slice(0, 2).join(" ");
}
