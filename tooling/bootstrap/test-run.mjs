import { existsSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build, checks, checksWithTypeScript5, lint, typecheck } from "./checks.mjs";
import { install } from "./install.mjs";
import { printTimes, requireStep, runStep } from "./steps.mjs";
import { summaryFile } from "./summary-reporter.mjs";

const reporter = fileURLToPath(new URL("summary-reporter.mjs", import.meta.url));

/**
 * Installs, builds, checks and tests. Goes on after a failed check, so that one run shows all that is wrong.
 *
 * @param {Record<string, string>} [env] further environment variables for the tests
 */
export async function runEverything(env = {}) {
  await install();
  const isFull = env.CONVOKE_FULL !== undefined;
  // Beside the build, which waits much for itself: linting reads sources only, and takes as long.
  const linting = runStep(lint);
  const results = [await requireStep(build)];
  // The type check takes as long as all the others, and each of them one core.
  const typing = runStep(typecheck);
  for (const step of isFull ? [...checks, ...checksWithTypeScript5] : checks)
    if (step !== typecheck) results.push(await runStep(step));
  results.push(await typing, await linting);
  rmSync(summaryFile, { force: true });
  results.push(
    await runStep({
      name: "tests",
      command: ["vitest", "run", "--reporter=default", `--reporter=${reporter}`],
      env,
    }),
  );

  const summary = existsSync(summaryFile) ? readSummary() : undefined;
  if (summary) printSummary(summary);
  printTimes(results);
  const failedSteps = results.filter(({ code }) => code !== 0).map(({ name }) => name);
  if (failedSteps.length > 0) console.error(`\nFailed: ${failedSteps.join(", ")}.`);
  console.log("");
  const { passed, failed, skipped } = summary?.total ?? { passed: 0, failed: 0, skipped: 0 };
  return {
    ok: failedSteps.length === 0 && summary !== undefined,
    failedSteps,
    counts: `${passed} passed, ${failed} failed, ${skipped} skipped`,
  };
}

/** @returns {import("./summary-reporter.mjs").TestSummary} */
function readSummary() {
  return JSON.parse(readFileSync(summaryFile, "utf8"));
}

/** @param {import("./summary-reporter.mjs").TestSummary} summary */
function printSummary({ packages, notRun }) {
  if (notRun.length > 0) {
    console.log(`\nnot run (${notRun.length})`);
    for (const name of notRun) console.log(`  ${name}`);
  }
  console.log("\ntests per package (files run side by side, so the seconds add up to more than the clock)");
  for (const [folder, row] of Object.entries(packages).sort(([a], [b]) => a.localeCompare(b))) {
    const { seconds, passed, failed, skipped } = row;
    console.log(
      `  ${seconds.toFixed(1).padStart(7)} s  ${folder}: ${passed} passed, ${failed} failed, ${skipped} skipped`,
    );
  }
}
