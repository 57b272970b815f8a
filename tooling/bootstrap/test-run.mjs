import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { build, checks } from "./checks.mjs";
import { install } from "./install.mjs";
import { printTimes, requireStep, root, runStep } from "./steps.mjs";

const reportFile = path.join(root, "node_modules", ".cache", "convoke", "vitest.json");

/**
 * Installs, builds, checks and tests. Goes on after a failed check, so that one run shows all that is wrong.
 *
 * @param {Record<string, string>} [env] further environment variables for the tests
 */
export async function runEverything(env = {}) {
  await install();
  const results = [await requireStep(build)];
  for (const step of checks) results.push(await runStep(step));
  rmSync(reportFile, { force: true });
  mkdirSync(path.dirname(reportFile), { recursive: true });
  results.push(
    await runStep({
      name: "tests",
      command: ["vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`],
      env,
    }),
  );

  const report = existsSync(reportFile)
    ? readReport(JSON.parse(readFileSync(reportFile, "utf8")))
    : undefined;
  if (report) printReport(report);
  printTimes(results);
  const failedSteps = results.filter(({ code }) => code !== 0).map(({ name }) => name);
  if (failedSteps.length > 0) console.error(`\nFailed: ${failedSteps.join(", ")}.`);
  console.log("");
  const { passed, failed, skipped } = report?.total ?? { passed: 0, failed: 0, skipped: 0 };
  return {
    ok: failedSteps.length === 0 && report !== undefined,
    failedSteps,
    counts: `${passed} passed, ${failed} failed, ${skipped} skipped`,
  };
}

/**
 * Sums vitest's JSON report by package. A test file that could not even be loaded counts as one failure.
 *
 * @param {{ testResults: Array<{ name: string, status: string, startTime: number, endTime: number,
 *   assertionResults: Array<{ status: string, fullName: string }> }> }} json
 */
export function readReport(json) {
  /** @type {Map<string, { seconds: number, passed: number, failed: number, skipped: number }>} */
  const byPackage = new Map();
  const total = { passed: 0, failed: 0, skipped: 0 };
  const notRun = [];
  for (const file of json.testResults) {
    const where = path.relative(root, file.name).split(path.sep).slice(0, 2).join("/");
    const row = byPackage.get(where) ?? { seconds: 0, passed: 0, failed: 0, skipped: 0 };
    byPackage.set(where, row);
    row.seconds += Math.max(0, file.endTime - file.startTime) / 1000;
    const statuses = file.assertionResults.map(({ status }) => status);
    if (statuses.length === 0 && file.status === "failed") statuses.push("failed");
    for (const status of statuses) {
      const key = status === "passed" || status === "failed" ? status : "skipped";
      row[key]++;
      total[key]++;
    }
    for (const { status, fullName } of file.assertionResults) {
      if (status !== "passed" && status !== "failed") notRun.push(`${where}: ${fullName}`);
    }
  }
  return { byPackage, total, notRun };
}

/** @param {ReturnType<typeof readReport>} report */
function printReport({ byPackage, notRun }) {
  if (notRun.length > 0) {
    console.log(`\nnot run (${notRun.length})`);
    for (const name of notRun) console.log(`  ${name}`);
  }
  console.log("\ntests per package (files run side by side, so the seconds add up to more than the clock)");
  for (const [where, row] of [...byPackage].sort(([a], [b]) => a.localeCompare(b))) {
    const { seconds, passed, failed, skipped } = row;
    console.log(
      `  ${seconds.toFixed(1).padStart(7)} s  ${where}: ${passed} passed, ${failed} failed, ${skipped} skipped`,
    );
  }
}
