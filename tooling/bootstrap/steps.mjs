// Runs the named steps of `npm start`, `npm test` and `npm run check`, one after another, output streamed.
import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const windows = process.platform === "win32";

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string[]} command
 * @property {Record<string, string>} [env]
 *
 * @typedef {object} StepResult
 * @property {string} name
 * @property {number} seconds
 * @property {number} code exit status, 0 for success
 */

/**
 * Runs one step in the repository root, with the tools of the workspace on the path.
 *
 * @param {Step} step
 * @returns {Promise<StepResult>}
 */
export async function runStep({ name, command, env = {} }) {
  const [program = "", ...args] = command;
  const bin = path.join(root, "node_modules", ".bin");
  const started = performance.now();
  console.log(`\n› ${name}: ${command.join(" ")}`);
  const code = await new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      stdio: "inherit",
      shell: windows,
      env: {
        ...process.env,
        PATH: `${bin}${path.delimiter}${process.env.PATH ?? ""}`,
        DO_NOT_TRACK: "1",
        TURBO_TELEMETRY_DISABLED: "1",
        TURBO_NO_UPDATE_NOTIFIER: "1",
        ...env,
      },
    });
    child.on("error", (error) => {
      console.error(`  ${program} did not start: ${error.message}`);
      resolve(127);
    });
    child.on("close", (status, signal) => resolve(status ?? (signal ? 128 : 1)));
  });
  return { name, seconds: (performance.now() - started) / 1000, code };
}

/**
 * Runs a step that the following ones cannot do without: when it fails, the process ends here.
 *
 * @param {Step} step
 * @returns {Promise<StepResult>}
 */
export async function requireStep(step) {
  const result = await runStep(step);
  if (result.code !== 0) {
    console.error(`\nThe step "${step.name}" failed (exit status ${result.code}).`);
    process.exit(1);
  }
  return result;
}

/** @param {StepResult[]} results */
export function printTimes(results) {
  console.log("\ntime per step");
  for (const { name, seconds, code } of results) {
    console.log(`  ${seconds.toFixed(1).padStart(7)} s  ${name}${code === 0 ? "" : "  FAILED"}`);
  }
}
