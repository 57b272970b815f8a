import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "./steps.mjs";

export const summaryFile = path.join(root, "node_modules", ".cache", "convoke", "test-summary.json");

/**
 * @typedef {object} Row
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 *
 * @typedef {object} TestSummary
 * @property {Row} total
 * @property {Record<string, Row & { seconds: number }>} packages by folder
 * @property {string[]} notRun a line for each skipped test case, with its reason where it gives one
 */

/**
 * A vitest reporter that counts test cases and seconds by package, for the end of `npm test`.
 */
export default class SummaryReporter {
  /**
   * @param {ReadonlyArray<import("vitest/node").TestModule>} modules
   * @param {ReadonlyArray<import("vitest/node").SerializedError>} unhandled
   */
  onTestRunEnd(modules, unhandled) {
    const summary = summarise(modules);
    // An error outside every test case makes the run fail, so it has to show among the counts.
    summary.total.failed += unhandled.length;
    mkdirSync(path.dirname(summaryFile), { recursive: true });
    writeFileSync(summaryFile, JSON.stringify(summary));
  }
}

/** @param {ReadonlyArray<import("vitest/node").TestModule>} modules */
function summarise(modules) {
  /** @type {TestSummary} */
  const summary = { total: { passed: 0, failed: 0, skipped: 0 }, packages: {}, notRun: [] };
  for (const module of modules) {
    const folder = path.relative(root, module.moduleId).split(path.sep).slice(0, 2).join("/");
    const row = (summary.packages[folder] ??= { seconds: 0, passed: 0, failed: 0, skipped: 0 });
    const { setupDuration, collectDuration, duration } = module.diagnostic();
    row.seconds += (setupDuration + collectDuration + duration) / 1000;
    const count = (/** @type {keyof Row} */ what) => {
      row[what]++;
      summary.total[what]++;
    };
    // A file that does not load has no test cases that could fail for it.
    module.errors().forEach(() => count("failed"));
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === "passed" || result.state === "failed") {
        count(result.state);
      } else {
        count("skipped");
        const note = result.state === "skipped" && result.note ? `: ${result.note}` : "";
        summary.notRun.push(`${folder}: ${test.fullName}${note}`);
      }
    }
  }
  return summary;
}
